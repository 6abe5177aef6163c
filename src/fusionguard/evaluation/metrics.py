"""What a model is judged by; every metric counts a row as often as its weight says.

Sampled negative rows carry a weight above 1, which brings each metric back to the real prior.
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
    """Return the area under the precision-recall steps, in [0, 1]; raise :class:`UndefinedMetricError` without a positive row."""
    _need_positives(label)
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(label, score, sample_weight=weight))


def roc_auc(label: Labels, score: Floats, weight: Floats) -> float:
    """Return the chance that a positive row outranks a negative one; raise :class:`UndefinedMetricError` with one class only."""
    _need_positives(label)
    _need_negatives(label)
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(label, score, sample_weight=weight))


def recall_at_false_positive_rate(label: Labels, score: Floats, weight: Floats, rate: float) -> float:
    """Return the highest recall among thresholds that flag at most ``rate`` of the negative rows.

    Raises :class:`UndefinedMetricError` with one class only.
    """
    _need_positives(label)
    _need_negatives(label)
    from sklearn.metrics import roc_curve

    false_positive_rate, recall, _ = roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    return float(recall[false_positive_rate <= rate * (1 + 1e-9)].max())


def precision_in_top_alerts_per_day(label: Labels, score: Floats, weight: Floats, time_seconds: Integers, alerts: float) -> float:
    """Return the share of positive rows among each day's ``alerts`` highest-scored rows; see :class:`~.ranked.TopAlerts`.

    Raises :class:`UndefinedMetricError` without rows.
    """
    _need_rows(label)
    return TopAlerts(label, score, time_seconds, alerts).precision(weight)


def expected_calibration_error(label: Labels, probability: Floats, weight: Floats, bins: int = CALIBRATION_BINS) -> float:
    """Return the weighted mean distance of predicted from observed rates of positive rows over ``bins`` bins of equal weight.

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
    """Return what decisions cost: ``review_cost`` for each alert, the amount for each positive row that is let through.

    The cost matrix of Bahnsen et al. (ICMLA 2013): true and false positives cost the review, false negatives the amount,
    true negatives nothing.
    """
    return float(np.sum(weight * np.where(alert, review_cost, label * amount)))


def savings(label: Labels, amount: Floats, weight: Floats, alert: Flags, review_cost: float) -> float:
    """Return the share of the loss of accepting everything that ``alert`` (n,) saves, reviews paid; 1 is perfect and free.

    ``1 - cost(model) / cost(accept all)``, as Bahnsen, Stojanovic, Aouada and Ottersten read calibrated
    probabilities (SDM 2014). Negative where the reviews cost more than they save.
    Raises :class:`UndefinedMetricError` where accepting everything costs nothing.
    """
    _need_positives(label)
    accept_all = cost(label, amount, weight, np.zeros(label.shape, dtype=np.bool_), review_cost)
    if accept_all <= 0:
        raise UndefinedMetricError("the positive rows here have no amount to lose")
    return 1 - cost(label, amount, weight, alert, review_cost) / accept_all


def recall(label: Labels, weight: Floats, alert: Flags) -> float:
    """Return the share of the positive rows that ``alert`` (n,) catches; raise :class:`UndefinedMetricError` without any."""
    _need_positives(label)
    return float(np.sum(weight * label * alert) / np.sum(weight * label))


def precision(label: Labels, weight: Floats, alert: Flags) -> float:
    """Return the share of positive rows among the alerts; raise :class:`UndefinedMetricError` without an alert."""
    if not alert.any():
        raise UndefinedMetricError("no alerts here")
    return float(np.sum(weight * label * alert) / np.sum(weight * alert))


def amount_recall(label: Labels, amount: Floats, weight: Floats, alert: Flags) -> float:
    """Return the share of the positive rows' amount that ``alert`` (n,) catches; without such an amount it is undefined."""
    at_stake = weight * label * amount
    if not at_stake.any():
        raise UndefinedMetricError("the positive rows here have no amount to lose" if label.any() else "no positive rows here")
    return float(np.sum(at_stake * alert) / np.sum(at_stake))


def alert_rate(weight: Floats, alert: Flags) -> float:
    """Return the share of all rows that become alerts; raise :class:`UndefinedMetricError` without rows."""
    _need_rows(weight)
    return float(np.sum(weight * alert) / np.sum(weight))


def _need_rows(label: Labels | Floats) -> None:
    if label.size == 0:
        raise UndefinedMetricError("no rows here")


def _need_positives(label: Labels) -> None:
    _need_rows(label)
    if not label.any():
        raise UndefinedMetricError("no positive rows here")


def _need_negatives(label: Labels) -> None:
    if label.all():
        raise UndefinedMetricError("no negative rows here")
