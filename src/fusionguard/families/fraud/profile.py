"""The reference profile: quantiles of what the model was trained on, which drift is later measured against."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fusionguard.features.fraud import MODEL_FEATURES

QUANTILES = np.linspace(0.0, 1.0, 101)


def reference_profile(x: np.ndarray, weight: np.ndarray, probability: np.ndarray, probability_weight: np.ndarray) -> pa.Table:
    """Return a long table (column, quantile, value) of weighted percentiles.

    Parameters
    ----------
    x, weight
        The train slice's matrix (n, f) and weights (n,) back to the real prior.
    probability, probability_weight
        The model's calibrated probabilities on the calibration slice, which no tree has seen, and their weights.
    """
    columns = [
        *((name, x[:, place], weight) for place, name in enumerate(MODEL_FEATURES)),
        ("probability", probability, probability_weight),
    ]
    return pa.table(
        {
            "column": pa.array(np.repeat([name for name, _, _ in columns], len(QUANTILES)).tolist(), pa.string()),
            "quantile": np.tile(QUANTILES, len(columns)),
            "value": np.concatenate([_weighted_quantiles(values, weights) for _, values, weights in columns]),
        }
    )


def _weighted_quantiles(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    places = np.searchsorted(reached, QUANTILES * reached[-1], side="left")
    return np.asarray(values[order][np.minimum(places, len(values) - 1)], dtype=np.float64)
