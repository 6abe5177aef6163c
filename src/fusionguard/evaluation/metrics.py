"""What a model is judged by; every metric counts a row as often as its weight says.

Sampled legitimate rows carry a weight above 1, which brings each metric back to the real prior.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.ranked import CalibrationBins, TopAlerts
from fusionguard.evaluation.scored import Flags, Floats, Integers

CALIBRATION_BINS = 20

Labels = NDArray[np.int8]


class UndefinedMetricError(DataError):
    """A metric that has no value on these rows; ``what`` says why."""


def average_precision(label: Labels, score: Floats, weight: Floats) -> float:
    """Return the area under the precision-recall steps, in [0, 1]; raise :class:`UndefinedMetricError` without a fraud."""
    _need_frauds(label)
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(label, score, sample_weight=weight))


def roc_auc(label: Labels, score: Floats, weight: Floats) -> float:
    """Return the chance that a fraud outranks a legitimate row; raise :class:`UndefinedMetricError` with one class only."""
    _need_frauds(label)
    _need_legitimate(label)
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(label, score, sample_weight=weight))


def recall_at_false_positive_rate(label: Labels, score: Floats, weight: Floats, rate: float) -> float:
    """Return the highest recall among thresholds that flag at most ``rate`` of the legitimate rows.

    Raises :class:`UndefinedMetricError` with one class only.
    """
    _need_frauds(label)
    _need_legitimate(label)
    from sklearn.metrics import roc_curve

    false_positive_rate, recall, _ = roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    return float(recall[false_positive_rate <= rate * (1 + 1e-9)].max())


def precision_in_top_alerts_per_day(label: Labels, score: Floats, weight: Floats, time_seconds: Integers, alerts: float) -> float:
    """Return the share of fraud among each day's ``alerts`` highest-scored rows; see :class:`~.ranked.TopAlerts`.

    Raises :class:`UndefinedMetricError` without rows.
    """
    _need_rows(label)
    return TopAlerts(label, score, time_seconds, alerts).precision(weight)


def expected_calibration_error(label: Labels, probability: Floats, weight: Floats, bins: int = CALIBRATION_BINS) -> float:
    """Return the weighted mean distance of predicted from observed fraud rates over ``bins`` bins of equal weight.

    Raises :class:`UndefinedMetricError` without rows. Formula: Naeini, Cooper, Hauskrecht, AAAI 2015.
    """
    _need_rows(label)
    return CalibrationBins(label, probability, bins).error(weight)


def brier(label: Labels, probability: Floats, weight: Floats) -> float:
    """Return the weighted mean squared distance of probability and outcome (Brier 1950); without rows it is undefined."""
    _need_rows(label)
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(label, probability, sample_weight=weight, pos_label=1))


def cost(label: Labels, amount: Floats, weight: Floats, alert: Flags, review_cost: float) -> float:
    """Return what decisions cost: ``review_cost`` for each alert, the amount for each fraud that is let through.

    The cost matrix of Bahnsen et al. (ICMLA 2013): true and false positives cost the review, false negatives the amount,
    true negatives nothing.
    """
    return float(np.sum(weight * np.where(alert, review_cost, label * amount)))


def savings(label: Labels, amount: Floats, weight: Floats, alert: Flags, review_cost: float) -> float:
    """Return the share of the loss of accepting everything that ``alert`` (n,) saves, reviews paid; 1 is perfect and free.

    ``1 - cost(model) / cost(accept all)``, after Bahnsen et al., "Improving Credit Card Fraud Detection with Calibrated
    Probabilities", SDM 2014. Negative where the reviews cost more than they save.
    Raises :class:`UndefinedMetricError` where accepting everything costs nothing.
    """
    _need_frauds(label)
    accept_all = cost(label, amount, weight, np.zeros(label.shape, dtype=np.bool_), review_cost)
    if accept_all <= 0:
        raise UndefinedMetricError("the frauds here have no amount to lose")
    return 1 - cost(label, amount, weight, alert, review_cost) / accept_all


def recall(label: Labels, weight: Floats, alert: Flags) -> float:
    """Return the share of the frauds that ``alert`` (n,) catches; raise :class:`UndefinedMetricError` without a fraud."""
    _need_frauds(label)
    return float(np.sum(weight * label * alert) / np.sum(weight * label))


def precision(label: Labels, weight: Floats, alert: Flags) -> float:
    """Return the share of fraud among the alerts; raise :class:`UndefinedMetricError` without an alert."""
    if not alert.any():
        raise UndefinedMetricError("no alerts here")
    return float(np.sum(weight * label * alert) / np.sum(weight * alert))


def amount_recall(label: Labels, amount: Floats, weight: Floats, alert: Flags) -> float:
    """Return the share of the fraudulent amount that ``alert`` (n,) catches; without such an amount it is undefined."""
    at_stake = weight * label * amount
    if not at_stake.any():
        raise UndefinedMetricError("the frauds here have no amount to lose" if label.any() else "no frauds here")
    return float(np.sum(at_stake * alert) / np.sum(at_stake))


def alert_rate(weight: Floats, alert: Flags) -> float:
    """Return the share of all transactions that become alerts; raise :class:`UndefinedMetricError` without rows."""
    _need_rows(weight)
    return float(np.sum(weight * alert) / np.sum(weight))


def _need_rows(label: Labels | Floats) -> None:
    if label.size == 0:
        raise UndefinedMetricError("no rows here")


def _need_frauds(label: Labels) -> None:
    _need_rows(label)
    if not label.any():
        raise UndefinedMetricError("no frauds here")


def _need_legitimate(label: Labels) -> None:
    if label.all():
        raise UndefinedMetricError("no legitimate rows here")
