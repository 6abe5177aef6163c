"""Calibration: Platt's line from a model's log-odds to calibrated ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.holdout import Fold, judged_places
from fusionguard.evaluation.log_odds import sigmoid

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]

_STEPS = 50
_CLOSE = 1e-10
"""Steps this short, on scores of unit spread, end the search."""
_ROUNDED = 1 + 1e-12
"""What rounding may add to a loss that has not grown."""


class Platt(BaseModel):
    """log-odds = intercept + slope * score. With a slope above 0 it keeps the ranking, and so all quality by rank."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    slope: float

    def logit(self, score: Floats) -> Floats:
        """Return calibrated log-odds (n,) of a model's log-odds (n,)."""
        return self.intercept + self.slope * score

    def probability(self, score: Floats) -> Floats:
        """Return calibrated probabilities (n,)."""
        return sigmoid(self.logit(score))


def fit_platt(score: Floats, label: Labels) -> Platt:
    """Fit the line by maximum likelihood (Newton, each step halved until it helps), towards Platt's smoothed targets.

    Platt, "Probabilistic outputs for support vector machines", 1999; the targets keep rows that are told apart perfectly
    from infinite slopes. ``score`` and ``label`` are (n,).
    """
    positives = int(label.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (label.size - positives + 2)
    target = np.where(label == 1, high, low)
    centre, scale = float(score.mean()), float(score.std())
    if scale <= 1e-12 * max(1.0, abs(centre)):  # all alike: they tell nobody apart, whatever their last bits say
        rate = float(target.mean())
        return Platt(intercept=float(np.log(rate / (1 - rate))), slope=0.0)
    x = np.column_stack([np.ones_like(score), (score - centre) / scale])
    line = np.zeros(2)
    loss = _loss(x, target, line)
    for _ in range(_STEPS):
        probability = sigmoid(_along(x, line))
        gradient = np.einsum("ij,i->j", x, probability - target)
        curvature = np.einsum("ij,i,ik->jk", x, probability * (1 - probability), x) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # A whole step overshoots where probabilities are near 0 and 1; half of it, or of that, never does.
        while (ahead := _loss(x, target, line - step)) > loss * _ROUNDED and float(np.abs(step).max()) > _CLOSE:
            step = step / 2
        line, loss = line - step, ahead
        if float(np.abs(step).max()) < _CLOSE:
            break
    slope = float(line[1]) / scale
    return Platt(intercept=float(line[0]) - slope * centre, slope=slope)


def cross_fitted(scores: Sequence[Floats], label: Labels, folds: Sequence[Fold]) -> list[Floats]:
    """Calibrate out-of-fold scores so that no row is among those that its line is fitted on.

    ``scores`` holds one (n,) a repeat; each fold is calibrated by a line fitted on the other folds of its repeat. The result
    has the same shape; where no fold judges a row, it is NaN.
    """
    per_repeat, judged = len(folds) // len(scores), judged_places(folds)
    calibrated = [np.full_like(score, np.nan) for score in scores]
    for number, (_, places) in enumerate(folds):
        repeat, rest = number // per_repeat, np.setdiff1d(judged, places)
        line = fit_platt(scores[repeat][rest], label[rest])
        calibrated[repeat][places] = line.probability(scores[repeat][places])
    return calibrated


def _loss(x: Floats, target: Floats, line: Floats) -> float:
    """Return the cross-entropy of ``target`` (n,) under a line through ``x`` (n, 2)."""
    logit = _along(x, line)
    return float(np.sum(np.logaddexp(0.0, logit) - target * logit))


def _along(x: Floats, line: Floats) -> Floats:
    return np.asarray(np.einsum("ij,j->i", x, line))  # not BLAS, whose last bits change with its threads
