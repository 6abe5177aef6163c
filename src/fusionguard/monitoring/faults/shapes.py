"""How well one distribution explains another: binned counts, their distance, and the likelier of two explanations."""

from __future__ import annotations

import numpy as np

from fusionguard.evaluation.scored import Floats

_EDGES = np.concatenate([[0.005, 0.02], np.linspace(0.05, 0.95, 13), [0.98, 0.995]])
_STEPS = 25
_MOST = 10.0
"""No group of rows becomes so many times as frequent because other rows come."""

_RIDGE = 1e-6


def counts_by(reference: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Count the reference (m,) and values (n,) in the same bins, of about equal shares of either, and fine at their ends."""
    edges = _edges(reference, values)
    expected, found = (
        np.bincount(np.searchsorted(edges, side, side="left"), minlength=edges.size + 1).astype(np.float64)
        for side in (reference, values)
    )
    return expected, found


def _edges(reference: Floats, values: Floats) -> Floats:
    inner = [np.quantile(side, _EDGES, method="inverted_cdf") for side in (reference, values)]
    return np.unique(np.concatenate([[np.nextafter(reference.min(), -np.inf), reference.max()], *inner]))


def distance(expected: Floats, found: Floats) -> tuple[float, int]:
    """Return Pearson's chi-squared of two rows of counts (b,) of one distribution, and its degrees of freedom."""
    table = np.array([expected, found])
    table = table[:, table.sum(axis=0) > 0]
    should = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(np.sum((table - should) ** 2 / should)), table.shape[1] - 1


def tilted_distance(reference: Floats, values: Floats) -> float:
    """Return the chi-squared that remains when reference rows may be reweighted by exp(a z + b z²) to look like the values.

    That is how other rows of the same kind look: more of some, less of others, and none that was not there. Fitted by iteratively
    reweighted least squares over bins (Efron and Tibshirani, "Using specially designed exponential families for density
    estimation", Ann. Stat. 24, 1996).
    """
    expected, found = counts_by(reference, values)
    places = _places(reference, _edges(reference, values), expected.size)
    scale = float(reference.std()) or 1.0
    z = np.clip((places - reference.mean()) / scale, -4, 4)
    held = expected > 0
    design = np.column_stack([np.ones(int(held.sum())), z[held], z[held] ** 2])
    base = np.log(expected[held] / expected.sum() * found.sum())
    strength = np.zeros(3)
    for _ in range(_STEPS):
        mean = np.exp(np.clip(base + design @ strength, -30, 30))
        slope = design.T @ (found[held] - mean)
        curve = design.T @ (design * mean[:, None]) + _RIDGE * np.eye(3)
        step = np.linalg.solve(curve, slope)
        strength = strength + step * min(1.0, 2.0 / max(1e-9, float(np.abs(step).max())))
    mean = np.exp(np.minimum(base + design @ strength, base + np.log(_MOST)))
    noise = 1 + mean / expected[held]
    impossible = float(found[~held].sum())
    return float(np.sum((found[held] - mean) ** 2 / (np.maximum(mean, 0.5) * noise))) + 4 * impossible


def _places(reference: Floats, edges: Floats, bins: int) -> Floats:
    """Return (b,) the mean of the reference's values in each bin of :func:`counts_by`; of empty bins the nearest end."""
    code = np.searchsorted(edges, reference, side="left")
    total, count = (np.bincount(code, weights=weights, minlength=bins) for weights in (reference, np.ones(reference.size)))
    middle = np.concatenate([[reference.min()], edges])[:bins]
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), middle))
