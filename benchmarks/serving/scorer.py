"""What the peers share: a transaction's probability from the same two ONNX graphs, and nothing around it."""

from __future__ import annotations

import json
from math import tanh
from pathlib import Path
from typing import Any

import numpy as np

from fusionguard.families.fraud.model import AUTOENCODER_ONNX, BOOSTER_ONNX, CALIBRATION
from fusionguard.features.fraud import V_COLUMNS

BUNDLE_VARIABLE = "BENCHMARK_BUNDLE"
"""Names the folder of the fraud bundle to the peers."""


class PlainScorer:
    """Scores transactions as a notebook would."""

    def __init__(self, bundle: Path) -> None:
        self._fusion = json.loads((bundle / CALIBRATION).read_bytes())
        self._booster, self._autoencoder = _session(bundle / BOOSTER_ONNX), _session(bundle / AUTOENCODER_ONNX)

    def score(self, row: dict[str, Any]) -> dict[str, float]:
        """Return the score and the probability of a transaction with Kaggle's columns."""
        amount = row["Amount"]
        features = [row[name] for name in V_COLUMNS]
        features += (amount, row["Time"] % 86400 // 3600, (amount * 100 + 0.5) // 1 % 100)
        x, fusion = np.array([features], dtype=np.float32), self._fusion
        score = fusion["intercept"] + fusion["booster"] * float(self._booster.run(["margins"], {"features": x})[0][0, 1])
        if fusion["uses_autoencoder"]:
            score += fusion["autoencoder"] * float(self._autoencoder.run(["log_error"], {"features": x})[0][0, 0])
        return {"score": score, "probability": 0.5 * (1 + tanh(0.5 * score))}


def _session(file: Path) -> Any:
    """One thread, as in the service: with more, the peers would be slower."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
