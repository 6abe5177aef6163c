"""The autoencoder as an ONNX graph, scaling and error included, so that serving needs no torch.

Written with ``onnx.helper`` because a network of four layers is a dozen nodes: torch's exporter would add a
dependency and seconds of imports, and its graphs are not the same bytes from one run to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
_IR_VERSION = 8


@dataclass(frozen=True)
class Layer:
    """One dense layer: ``weight`` (out, in), ``bias`` (out,), and whether a tanh follows."""

    weight: np.ndarray
    bias: np.ndarray
    tanh: bool


@dataclass(frozen=True)
class Scaling:
    """Standardisation learned on legitimate training rows: ``mean`` (k,), ``scale`` (k,), cut at ``clip``."""

    mean: np.ndarray
    scale: np.ndarray
    clip: float

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return standardised rows (n, k) as float32."""
        return np.asarray(np.clip((x - self.mean) / self.scale, -self.clip, self.clip), dtype=np.float32)


def autoencoder_graph(
    layers: list[Layer], scaling: Scaling, columns: list[int], amount: int, *, n_features: int, facts: dict[str, str]
) -> onnx.ModelProto:
    """Build the graph ``features`` (n, n_features) -> ``log_error`` (n, 1).

    Parameters
    ----------
    columns
        Which of the features are rebuilt, k of them.
    amount
        The place among those k of the amount, which enters as log(1 + amount).
    facts
        Training facts kept as the model's metadata.
    """
    is_amount = np.zeros(len(columns), dtype=bool)
    is_amount[amount] = True
    constants = {
        "columns": np.array(columns, dtype=np.int64),
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
    last = "standard"
    for number, layer in enumerate(layers):
        constants[f"weight{number}"] = layer.weight.astype(np.float32)
        constants[f"bias{number}"] = layer.bias.astype(np.float32)
        nodes.append(helper.make_node("Gemm", [last, f"weight{number}", f"bias{number}"], [f"dense{number}"], transB=1))
        last = f"dense{number}"
        if layer.tanh:
            nodes.append(helper.make_node("Tanh", [last], [f"tanh{number}"]))
            last = f"tanh{number}"
    nodes += [
        helper.make_node("Sub", [last, "standard"], ["difference"]),
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
