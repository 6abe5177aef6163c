"""The booster as an ONNX graph that returns the margin, not a rounded probability; of trees that split numbers alone."""

from __future__ import annotations

import onnx
import xgboost as xgb
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

OPSET = 15


def booster_bytes(booster: xgb.Booster) -> bytes:
    """Return the graph of :func:`booster_graph` as the content of a file, the same for the same booster."""
    return bytes(booster_graph(booster, booster.num_features()).SerializeToString(deterministic=True))


def booster_graph(booster: xgb.Booster, n_features: int) -> onnx.ModelProto:
    """Convert a binary booster to ``features`` (n, n_features) float32 -> ``margins`` (n, 2), whose column 1 is the log-odds.

    The converter ends in a logistic function; near 0 and 1 its float32 probabilities lose the margin that fusion
    needs, so the graph is told to leave it out.
    """
    nameless = xgb.Booster(model_file=booster.save_raw("ubj"))
    nameless.feature_names = None
    model = convert_xgboost(nameless, initial_types=[("features", FloatTensorType([None, n_features]))], target_opset=OPSET)
    (trees,) = model.graph.node
    for attribute in trees.attribute:
        if attribute.name == "post_transform":
            attribute.s = b"NONE"
    trees.output[1] = model.graph.output[1].name = "margins"
    model.graph.name = "booster"
    onnx.checker.check_model(model)
    return model
