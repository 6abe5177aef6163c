"""The reference profile: quantiles and shares of what the model was trained on, which drift is later measured against."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fusionguard.families.fraud.rows import Encoding

QUANTILES = np.linspace(0.0, 1.0, 101)


def reference_profile(
    x: np.ndarray, weight: np.ndarray, probability: np.ndarray, probability_weight: np.ndarray, encoding: Encoding
) -> pa.Table:
    """Return a long table (column, quantile, value) of weighted percentiles of what is not missing.

    Where there are categories it has a column ``category``, too, and the weighted share of each known value with no quantile.

    Parameters
    ----------
    x, weight
        The train slice's matrix (n, f) and weights (n,) back to the real prior.
    probability, probability_weight
        The model's calibrated probabilities on the calibration slice, which no tree has seen, and their weights.
    encoding
        What the columns of ``x`` are.
    """
    columns = [
        *((name, x[:, place], weight) for place, name in enumerate(encoding.names) if name not in encoding.categories),
        ("probability", probability, probability_weight),
    ]
    known = [(name, values[~np.isnan(values)], weights[~np.isnan(values)]) for name, values, weights in columns]
    known = [column for column in known if column[1].size]
    profile = pa.table(
        {
            "column": pa.array(np.repeat([name for name, _, _ in known], len(QUANTILES)).tolist(), pa.string()),
            "quantile": np.tile(QUANTILES, len(known)),
            "value": np.concatenate([_weighted_quantiles(values, weights) for _, values, weights in known]),
        }
    )
    return (
        pa.concat_tables([profile, _shares(x, weight, encoding)], promote_options="default") if encoding.categories else profile
    )


def _shares(x: np.ndarray, weight: np.ndarray, encoding: Encoding) -> pa.Table:
    names: list[str] = []
    categories: list[str] = []
    values: list[np.ndarray] = []
    for name, known in encoding.categories.items():
        codes = x[:, encoding.names.index(name)]
        there = ~np.isnan(codes)
        counted = np.bincount(codes[there].astype(np.int64), weights=weight[there], minlength=len(known))
        names += [name] * len(known)
        categories += known
        values.append(counted / max(float(counted.sum()), 1e-300))
    return pa.table(
        {
            "column": pa.array(names, pa.string()),
            "category": pa.array(categories, pa.string()),
            "value": np.concatenate(values),
        }
    )


def _weighted_quantiles(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    places = np.searchsorted(reached, QUANTILES * reached[-1], side="left")
    return np.asarray(values[order][np.minimum(places, len(values) - 1)], dtype=np.float64)
