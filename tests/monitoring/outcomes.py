"""Probabilities and labels whose truth is known, and whether a band holds it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fusionguard.monitoring.estimate import PerformanceEstimate, estimate_performance
from fusionguard.monitoring.score_groups import group_scores

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def outcomes(rows: int, seed: int, centre: float = -2.5, spread: float = 1.5, moved: float = 0.0) -> Arrays:
    """Probabilities, flags and true labels; with ``moved`` the labels follow other log-odds than the model believes."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(centre, spread, rows)
    probability = 1 / (1 + np.exp(-log_odds))
    label = (rng.random(rows) < 1 / (1 + np.exp(-log_odds - moved))).astype(np.int8)
    return probability, probability > 0.3, label


def holds(read: PerformanceEstimate, name: str, value: float) -> bool:
    low, high = read.metrics[name].low, read.metrics[name].high
    assert low is not None and high is not None
    return low <= value <= high


def estimate_rows(
    probability: np.ndarray, flagged: np.ndarray, *, score: np.ndarray | None = None, **settings: Any
) -> PerformanceEstimate:
    """Group rows by their scores and estimate the metrics of the groups, as monitoring does."""
    return estimate_performance(group_scores(probability, flagged, score), **settings)
