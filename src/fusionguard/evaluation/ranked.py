"""Metrics that sort their rows once and are then read for any weights: what makes the bootstrap quick.

Each class takes rows in any order and treats rows of equal score as one, so that no reading depends on the order of ties.
Sums are numpy's own, not BLAS dot products, whose last bits change with the number of threads.
Readings that have no value for the given weights are NaN; :mod:`fusionguard.evaluation.metrics` turns that into a reason.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionguard.evaluation.scored import SECONDS_PER_DAY, Floats, Integers


class Ranking:
    """How well a score ranks positives above negatives.

    Parameters
    ----------
    label, score
        (n,) each; a higher score is more suspicious.
    """

    def __init__(self, label: NDArray[np.int8], score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        self._positive = label[self._order].astype(np.float64)
        # Precision, recall and false positives only matter where a positive is caught: all else is skipped.
        starts, ends = _tied_runs(score[self._order])
        holds_positive = np.add.reduceat(self._positive, starts) > 0
        self._before, self._after = starts[holds_positive], ends[holds_positive] + 1

    def average_precision(self, weight: Floats) -> float:
        """The sum of precision over the steps in recall, as scikit-learn's ``average_precision_score``; ``weight`` is (n,)."""
        alerts, caught = self._running(weight)
        gained, flagged = caught[self._after] - caught[self._before], alerts[self._after]
        precision = np.divide(caught[self._after], flagged, where=flagged > 0, out=np.zeros_like(flagged))
        return _ratio(float(np.sum(gained * precision)), float(caught[-1]))

    def roc_auc(self, weight: Floats) -> float:
        """The area under the ROC curve; a tie counts half."""
        alerts, caught = self._running(weight)
        gained = caught[self._after] - caught[self._before]
        false = (alerts[self._before] - caught[self._before]) + (alerts[self._after] - caught[self._after])
        return 1 - _ratio(float(np.sum(gained * false)) / 2, float(caught[-1] * (alerts[-1] - caught[-1])))

    def recall_at_false_positive_rate(self, weight: Floats, rate: float) -> float:
        """The highest recall of a threshold whose false-positive rate is at most ``rate``."""
        alerts, caught = self._running(weight)
        false_total = float(alerts[-1] - caught[-1])
        if false_total <= 0:
            return float("nan")
        allowed = alerts[self._after] - caught[self._after] <= rate * false_total * (1 + 1e-9)
        return _ratio(float(caught[self._after][allowed].max(initial=0.0)), float(caught[-1]))

    def _running(self, weight: Floats) -> tuple[Floats, Floats]:
        ranked = weight[self._order]
        return _running_sum(ranked), _running_sum(ranked * self._positive)


class TopAlerts:
    """The share of positives among each day's highest-scored rows.

    Days are counted from the first second of the rows. Each day's alerts are taken from the top until their weights add up to
    ``alerts_per_day``; a last part-day gets its proportion of them. The row (or tie) at the border counts with the part of its
    weight that still fits. This is "card precision@k" of Dal Pozzolo et al. (2018) with transactions for cards.

    Parameters
    ----------
    label, score, time_seconds
        (n,) each.
    alerts_per_day
        How many alerts the analysts look at on a whole day.
    """

    def __init__(self, label: NDArray[np.int8], score: Floats, time_seconds: Integers, alerts_per_day: float) -> None:
        elapsed = time_seconds - time_seconds.min()
        day = elapsed // SECONDS_PER_DAY
        self._order = np.lexsort((-score, day))
        self._positive = label[self._order].astype(np.float64)
        day_of_row = day[self._order]
        self._starts, self._ends = _tied_runs(score[self._order], day_of_row)
        self._day_starts, self._day_ends = _tied_runs(day_of_row)
        seconds = np.full(self._day_starts.size, SECONDS_PER_DAY, dtype=np.float64)
        seconds[-1] = int(elapsed.max()) - int(day_of_row[-1]) * SECONDS_PER_DAY + 1
        self._quota = alerts_per_day * seconds / SECONDS_PER_DAY
        holds_positive = np.add.reduceat(self._positive, self._starts) > 0
        self._starts, self._ends = self._starts[holds_positive], self._ends[holds_positive]
        self._day_of_run = np.searchsorted(self._day_starts, self._starts, side="right") - 1

    def precision(self, weight: Floats) -> float:
        """Positive weight over weight among the alerts that fit; ``weight`` is (n,)."""
        ranked = weight[self._order]
        alerts, caught = _running_sum(ranked), _running_sum(ranked * self._positive)
        before_day, quota = alerts[self._day_starts][self._day_of_run], self._quota[self._day_of_run]
        first, last = alerts[self._starts], alerts[self._ends + 1]
        fits = np.minimum(last - before_day, quota) - np.minimum(first - before_day, quota)
        positive_share = np.divide(
            caught[self._ends + 1] - caught[self._starts], last - first, where=last > first, out=np.zeros_like(fits)
        )
        return _ratio(float(np.sum(fits * positive_share)), self._looked_at(alerts))

    def share(self, weight: Floats) -> float:
        """Return which share of all rows is looked at; ``weight`` is (n,)."""
        alerts = _running_sum(weight[self._order])
        return _ratio(self._looked_at(alerts), float(alerts[-1]))

    def _looked_at(self, alerts: Floats) -> float:
        return float(np.minimum(alerts[self._day_ends + 1] - alerts[self._day_starts], self._quota).sum())


class CalibrationBins:
    """How far predicted and observed rates of positives lie apart, in bins of equal weight.

    Parameters
    ----------
    label, probability
        (n,) each.
    bins
        How many bins; each holds the same share of the weight, as far as ties allow.
    """

    def __init__(self, label: NDArray[np.int8], probability: Floats, bins: int) -> None:
        self._order = np.argsort(probability, kind="stable")
        self._probability = probability[self._order]
        self._positive = label[self._order].astype(np.float64)
        self._starts, self._ends = _tied_runs(self._probability)
        self._cuts = np.arange(1, bins) / bins

    def error(self, weight: Floats) -> float:
        """The expected calibration error: the weighted mean distance of predicted from observed (Naeini et al., AAAI 2015)."""
        ranked = weight[self._order]
        total = _running_sum(ranked)
        gap = _running_sum(ranked * (self._probability - self._positive))
        middle = (total[self._starts] + total[self._ends + 1]) / 2
        first_runs = np.searchsorted(middle, self._cuts * total[-1])
        rows = np.concatenate(([0], np.append(self._starts, total.size - 1)[first_runs], [total.size - 1]))
        return _ratio(float(np.abs(np.diff(gap[rows])).sum()), float(total[-1]))


class TopShare:
    """What the first rows by falling score have in them, up to a share of all; a tie at the border counts in proportion.

    Parameters
    ----------
    amount, score
        (n,) each: what a row has in it, such as its label, and what ranks it.
    """

    def __init__(self, amount: Floats | NDArray[np.int8], score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        self._amount = amount[self._order].astype(np.float64)
        self._ends = _tied_runs(score[self._order])[1]

    def collected(self, weight: Floats, share: Floats) -> Floats:
        """Return the weighted sum of the amounts over the first rows, for each ``share`` (m,) of the weight (n,)."""
        rows, collected = self._sums(weight)
        return np.asarray(np.interp(share * rows[-1], rows, collected), dtype=np.float64)

    def lift(self, weight: Floats, share: float) -> float:
        """Return how many times their part of the amounts the first rows have; NaN where there is nothing to have."""
        rows, collected = self._sums(weight)
        if collected[-1] <= 0:
            return float("nan")
        wanted = share * rows[-1]
        return float((float(np.interp(wanted, rows, collected)) / wanted) / (collected[-1] / rows[-1]))

    def _sums(self, weight: Floats) -> tuple[Floats, Floats]:
        """Return the sums of weights and of amounts up to the end of each tie, from none on."""
        ranked, ends = weight[self._order], np.append(0, self._ends + 1)
        return _running_sum(ranked)[ends], _running_sum(ranked * self._amount)[ends]


def _tied_runs(*keys: NDArray[np.generic]) -> tuple[Integers, Integers]:
    """Return the first and the last position of each run of rows equal in every key."""
    rows = keys[0].shape[0]
    new = np.zeros(max(rows - 1, 0), dtype=np.bool_)
    for key in keys:
        new |= key[1:] != key[:-1]
    borders = np.flatnonzero(new)
    starts = np.concatenate(([0], borders + 1)) if rows else np.zeros(0)
    ends = np.concatenate((borders, [rows - 1])) if rows else np.zeros(0)
    return starts.astype(np.int64), ends.astype(np.int64)


def _running_sum(values: Floats) -> Floats:
    """Return (n + 1,) sums: entry i is the sum of the first i values."""
    sums = np.empty(values.size + 1, dtype=np.float64)
    sums[0] = 0.0
    np.cumsum(values, out=sums[1:])
    return sums


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")
