"""The autoencoder as an ONNX graph, scaling and error included, so that serving needs no torch.

Written with ``onnx.helper`` because a network of four layers is a dozen nodes: torch's exporter would add a
dependency and seconds of imports, and its graphs are not the same bytes from one run to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fusionguard.families.fraud.autoencoder_inputs import Inputs, Scaling

OPSET = 17
_IR_VERSION = 8


@dataclass(frozen=True)
class Layer:
    """One dense layer: ``weight`` (out, in), ``bias`` (out,), and whether a tanh follows."""

    weight: np.ndarray
    bias: np.ndarray
    tanh: bool


def autoencoder_graph(
    layers: list[Layer], scaling: Scaling, inputs: Inputs, *, n_features: int, facts: dict[str, str]
) -> onnx.ModelProto:
    """Build the graph ``features`` (n, n_features) -> ``log_error`` (n, 1).

    Parameters
    ----------
    inputs
        Which of the features are rebuilt, k of them.
    facts
        Training facts kept as the model's metadata.
    """
    is_amount = np.zeros(len(inputs.columns), dtype=bool)
    if inputs.amount is not None:
        is_amount[inputs.amount] = True
    constants = {
        "columns": np.array(inputs.columns, dtype=np.int64),
        "is_amount": is_amount,
        "zero": np.float32(0),
        "one": np.float32(1),
        "mean": scaling.mean.astype(np.float32),
        "scale": scaling.scale.astype(np.float32),
        "low": np.float32(-scaling.clip),
        "high": np.float32(scaling.clip),
        "tiny": np.float32(1e-12),
    }
    nodes = [
        helper.make_node("Gather", ["features", "columns"], ["chosen"], axis=1),
        helper.make_node("Max", ["chosen", "zero"], ["not_negative"]),
        helper.make_node("Add", ["not_negative", "one"], ["plus_one"]),
        helper.make_node("Log", ["plus_one"], ["logarithm"]),
        helper.make_node("Where", ["is_amount", "logarithm", "chosen"], ["inputs"]),
        helper.make_node("Sub", ["inputs", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "low", "high"], ["standard"]),
    ]
    last = standard = "standard"
    if inputs.may_miss:
        nodes += [
            helper.make_node("IsNaN", ["inputs"], ["missing"]),
            helper.make_node("Where", ["missing", "zero", "standard"], ["filled"]),
        ]
        last = standard = "filled"
    for number, layer in enumerate(layers):
        constants[f"weight{number}"] = layer.weight.astype(np.float32)
        constants[f"bias{number}"] = layer.bias.astype(np.float32)
        nodes.append(helper.make_node("Gemm", [last, f"weight{number}", f"bias{number}"], [f"dense{number}"], transB=1))
        last = f"dense{number}"
        if layer.tanh:
            nodes.append(helper.make_node("Tanh", [last], [f"tanh{number}"]))
            last = f"tanh{number}"
    nodes += [
        helper.make_node("Sub", [last, standard], ["difference"]),
        helper.make_node("Mul", ["difference", "difference"], ["squared"]),
        helper.make_node("ReduceMean", ["squared"], ["error"], axes=[1], keepdims=1),
        helper.make_node("Add", ["error", "tiny"], ["positive_error"]),
        helper.make_node("Log", ["positive_error"], ["log_error"]),
    ]
    graph = helper.make_graph(
        nodes,
        "autoencoder",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", n_features])],
        [helper.make_tensor_value_info("log_error", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="fusionguard")
    model.ir_version = _IR_VERSION
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    return model
