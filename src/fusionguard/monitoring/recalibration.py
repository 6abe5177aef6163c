"""How well probabilities are known to be calibrated: a line over their log-odds, fitted to outcomes, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import Floats

_PRIOR_SPREAD = (2.0, 0.5)
"""Of intercept and slope around 0 and 1: wide, for they are to be learned; it holds where the classes are separated."""

_STEPS = 50
_CLOSE = 1e-9
_NEWTON_CLOSE = 1e-10
_Z95 = 1.959964
_FARTHEST = 1e-12


class CalibrationLine(BaseModel):
    """``log-odds = intercept + slope * log-odds of the probability``: what outcomes have shown of a model's probabilities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    slope: float
    covariance: tuple[float, float, float]
    """Of intercept with itself, of intercept with slope, of slope with itself."""
    positives: float
    """How many it rests on."""
    source: str
    """Where the outcomes are from, for a sentence."""

    def apply(self, probability: Floats) -> Floats:
        """Return probabilities (n,) moved along the line."""
        return _sigmoid(self.intercept + self.slope * logit(probability))

    def draws(self, generator: np.random.Generator, samples: int) -> Iterator[CalibrationLine]:
        """Yield lines that agree with the outcomes as well as this one, as often as they do."""
        within, across, slope = self.covariance
        drawn = generator.multivariate_normal([self.intercept, self.slope], [[within, across], [across, slope]], samples)
        for intercept, slope_drawn in drawn:
            yield self.model_copy(update={"intercept": float(intercept), "slope": float(slope_drawn)})


def fit_line(positives: Floats, rows: Floats, probability: Floats, *, source: str) -> CalibrationLine:
    """Fit the line to groups of rows: Cox's recalibration (Biometrika 45, 1958), at the maximum a posteriori.

    The prior is normal around intercept 0 and slope 1, the probabilities as they are; the covariance is the inverse of the
    curvature there (Laplace's approximation).

    Parameters
    ----------
    positives, rows, probability
        (g,) how many of a group's rows are positive, how many it has (1 each for single rows), and their probability.
    source
        Where they are from.
    """
    x = np.column_stack([np.ones_like(probability, dtype=np.float64), logit(probability)])
    prior = np.diag(1 / np.square(_PRIOR_SPREAD))
    beta, centre = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    for _ in range(_STEPS):
        p = _sigmoid(x @ beta)
        curvature = (x * (rows * p * (1 - p))[:, None]).T @ x + prior
        slope = x.T @ (positives - rows * p) - prior @ (beta - centre)
        step = np.clip(np.linalg.solve(curvature, slope), -1, 1)
        beta = beta + step
        if float(np.abs(step).max()) < _CLOSE:
            break
    covariance = np.linalg.inv(curvature)
    return CalibrationLine(
        intercept=float(beta[0]),
        slope=float(beta[1]),
        covariance=(float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
        positives=float(positives.sum()),
        source=source,
    )


def fit_labels(label: NDArray[np.int8], probability: Floats) -> CalibrationLine | None:
    """Fit the line to outcomes (n,) of single rows; None of one class alone."""
    if not 0 < int(label.sum()) < label.size:
        return None
    return fit_line(label.astype(np.float64), np.ones(label.size), probability, source="the last labels")


def fit_intercept(label: NDArray[np.int8], probability: Floats) -> tuple[float | None, float | None]:
    """Fit ``logit(p) + a`` to outcomes (n,) by Newton's method; return a and its standard error, nothing of one class alone."""
    if not 0 < int(label.sum()) < label.size:
        return None, None
    z, shift = logit(probability), 0.0
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(z + shift)))
        information = float(np.sum(p * (1 - p)))
        step = float(np.sum(label - p)) / max(information, _NEWTON_CLOSE)
        shift += float(np.clip(step, -2, 2))
        if abs(step) < _NEWTON_CLOSE:
            break
    return shift, 1 / math.sqrt(max(information, _NEWTON_CLOSE))


def fit_slope(label: NDArray[np.int8], probability: Floats) -> Interval:
    """Fit ``a + b * logit(p)`` to outcomes (n,) by Newton's method (Cox, Biometrika 45, 1958); b with Wald's 95 % interval."""
    if not 0 < int(label.sum()) < label.size:
        return Interval(reason="one class only")
    z = logit(probability)
    x = np.column_stack([np.ones_like(z), z])
    beta = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -35, 35)))
        information = (x * (p * (1 - p))[:, None]).T @ x
        if np.linalg.cond(information) > 1e12:
            return Interval(reason="all probabilities are alike, or separate the classes")
        step = np.linalg.solve(information, x.T @ (label - p))
        beta = beta + np.clip(step, -1, 1)
        if float(np.abs(step).max()) < _NEWTON_CLOSE:
            break
    error = math.sqrt(float(np.linalg.inv(information)[1, 1]))
    return Interval(value=float(beta[1]), low=float(beta[1] - _Z95 * error), high=float(beta[1] + _Z95 * error))


def logit(probability: Floats) -> Floats:
    """Return ln(p / (1 - p)); probabilities of 0 and 1 count as nearly so."""
    p = np.clip(probability, _FARTHEST, 1 - _FARTHEST)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -35, 35))), dtype=np.float64)
