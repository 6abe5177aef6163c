"""Fusion: one logistic layer over the booster's margin and the autoencoder's error, which calibrates as it combines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import paired_difference
from fusionguard.evaluation.log_odds import sigmoid

_FOLDS = 5
_REPEATS = 4
_DRAWS = 200
_INTERCEPT_SPREAD = 0.5
_SLOPE_SPREAD = 0.15
_ERROR_SPREAD = 0.5

Floats = NDArray[np.float64]


class Fusion(BaseModel):
    """log-odds = intercept + booster * margin + autoencoder * log error, fitted to the real prior."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    booster: float
    autoencoder: float
    """0 where XGBoost alone was better."""
    uses_autoencoder: bool
    mean_log_error: float
    """The weighted mean of the autoencoder's log error on the calibration slice: what its contribution is told against."""
    average_precision_fused: float
    """Cross-fitted on the calibration slice."""
    average_precision_booster_alone: float
    reason: str

    def logit(self, margin: Floats, log_error: Floats) -> Floats:
        """Return calibrated log-odds (n,) of margins (n,) and log errors (n,)."""
        return self.intercept + self.booster * margin + self.autoencoder * log_error


NOTHING_TO_REBUILD = "The data has too few measured numbers for an autoencoder, so XGBoost is used alone."


def fit_fusion(
    margin: Floats, log_error: Floats | None, label: NDArray[np.int8], weight: Floats, *, prior_shift: float, seed: int
) -> Fusion:
    """Fit the layer on the calibration slice, and keep the autoencoder only if it raises average precision there beyond a tie.

    Both candidates are judged cross-fitted (5 folds, 4 times), so that none is judged on rows it was fitted on. It is a tie where
    the 95 % interval of the difference over paired bootstrap draws of the slice holds 0; XGBoost alone is the simpler one.

    Parameters
    ----------
    margin, log_error, label, weight
        Arrays (n,) of the calibration slice; weights bring legitimate rows back to the real prior. There is no
        ``log_error`` without an autoencoder.
    prior_shift
        What must be added to the margin where the booster was trained on sampled legitimate rows: log(sampling rate).
    seed
        Chooses the folds.
    """
    if log_error is None:
        return _alone(margin, label, weight, prior_shift, seed)
    mean, scale = float(log_error.mean()), max(float(log_error.std()), 1e-9)
    error = (log_error - mean) / scale
    fused_logits, alone_logits = (
        _cross_fitted(margin, candidate, label, weight, prior_shift, seed) for candidate in (error, np.zeros_like(error))
    )
    fused, alone = (_mean_average_precision(rows, label, weight) for rows in (fused_logits, alone_logits))
    uses, decided = _decide(fused_logits, alone_logits, label, weight, fused - alone, seed)
    intercept, slope, error_slope = _fit(margin, error if uses else np.zeros_like(error), label, weight, prior_shift)
    return Fusion(
        intercept=float(intercept - error_slope * mean / scale),
        booster=float(slope),
        autoencoder=float(error_slope / scale) if uses else 0.0,
        uses_autoencoder=uses,
        mean_log_error=float(np.average(log_error, weights=weight)),
        average_precision_fused=fused,
        average_precision_booster_alone=alone,
        reason=(
            f"On the calibration slice (cross-fitted) average precision is {fused:.4f} fused and {alone:.4f} for XGBoost alone, "
            f"{decided}."
        ),
    )


def _alone(margin: Floats, label: NDArray[np.int8], weight: Floats, prior_shift: float, seed: int) -> Fusion:
    nothing = np.zeros_like(margin)
    found = _mean_average_precision(_cross_fitted(margin, nothing, label, weight, prior_shift, seed), label, weight)
    intercept, slope, _ = _fit(margin, nothing, label, weight, prior_shift)
    return Fusion(
        intercept=float(intercept),
        booster=float(slope),
        autoencoder=0.0,
        uses_autoencoder=False,
        mean_log_error=0.0,
        average_precision_fused=found,
        average_precision_booster_alone=found,
        reason=NOTHING_TO_REBUILD,
    )


def calibrate(score: Floats, label: NDArray[np.int8], weight: Floats, unseen: Floats, *, prior_shift: float) -> Floats:
    """Calibrate ``unseen`` log-odds (m,) by the same layer without the autoencoder, fitted on ``score`` (n,)."""
    intercept, slope, _ = _fit(score, np.zeros_like(score), label, weight, prior_shift)
    return sigmoid(intercept + slope * unseen)


def _fit(margin: Floats, error: Floats, label: NDArray[np.int8], weight: Floats, prior_shift: float) -> Floats:
    """Return (intercept, slope of the margin, slope of the error) at the maximum a posteriori.

    A margin is a log-odds already, so without evidence the answer is intercept = ``prior_shift``, slopes 1 and 0
    (King & Zeng 2001, *Political Analysis* 9:137, for the shift). Normal priors around it keep a calibration slice with
    a dozen frauds from claiming certainty; with hundreds they hardly matter and the fit is Platt's (1999).
    """
    from scipy.optimize import minimize

    # Sums without BLAS, whose last bits change with its number of threads.
    x = np.column_stack([np.ones_like(margin), margin, error])
    centre = np.array([prior_shift, 1.0, 0.0])
    precision = np.array([_INTERCEPT_SPREAD, _SLOPE_SPREAD, _ERROR_SPREAD]) ** -2.0

    def loss(line: Floats) -> tuple[float, Floats]:
        logit = np.einsum("ij,j->i", x, line)
        value = np.sum(weight * (np.logaddexp(0.0, logit) - label * logit)) + 0.5 * np.sum(precision * (line - centre) ** 2)
        gradient = np.einsum("ij,i->j", x, weight * (sigmoid(logit) - label)) + precision * (line - centre)
        return float(value), gradient

    def curvature(line: Floats) -> Any:
        probability = sigmoid(np.einsum("ij,j->i", x, line))
        return np.einsum("ij,i,ik->jk", x, weight * probability * (1 - probability), x) + np.diag(precision)

    found = minimize(loss, centre, jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-8})
    return np.asarray(found.x)


def _cross_fitted(
    margin: Floats, error: Floats, label: NDArray[np.int8], weight: Floats, prior_shift: float, seed: int
) -> Floats:
    """Return (repeats, n) log-odds of rows that were left out; no repeats where there are too few frauds to leave any out."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    folds = min(_FOLDS, int(label.sum()))
    if folds < 2:
        return np.empty((0, len(label)))
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=_REPEATS, random_state=seed)
    logits = np.empty((_REPEATS, len(label)))
    for number, (fitted, left_out) in enumerate(splitter.split(margin, label)):
        line = _fit(margin[fitted], error[fitted], label[fitted], weight[fitted], prior_shift)
        logits[number // folds, left_out] = line[0] + line[1] * margin[left_out] + line[2] * error[left_out]
    return logits


def _mean_average_precision(logits: Floats, label: NDArray[np.int8], weight: Floats) -> float:
    """Return the mean over repeats; 0 without any."""
    from sklearn.metrics import average_precision_score

    return float(np.mean([average_precision_score(label, row, sample_weight=weight) for row in logits])) if len(logits) else 0.0


def _decide(fused: Floats, alone: Floats, label: NDArray[np.int8], weight: Floats, gain: float, seed: int) -> tuple[bool, str]:
    """Return whether the autoencoder is used, and why, in words."""
    if gain <= 0 or not len(fused):
        return False, "so XGBoost is used alone"
    found = paired_difference(label, weight, fused.mean(axis=0), alone.mean(axis=0), samples=_DRAWS, seed=seed)
    if found.low > 0:
        return True, "so the two are fused"
    return False, f"a tie (95 % interval of the difference {found.low:+.3f} to {found.high:+.3f}), so XGBoost is used alone"
