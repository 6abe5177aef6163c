"""The metrics against scikit-learn's and against plain definitions, on whatever labels, scores, weights and ties come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, precision_recall_curve, roc_auc_score, roc_curve

from fusionguard.evaluation import metrics
from fusionguard.evaluation.comparison import ComparedRows, compare
from fusionguard.evaluation.ranked import CalibrationBins, Ranking, TopAlerts
from fusionguard.evaluation.scored import SECONDS_PER_DAY, ScoredRows
from fusionguard.families.fraud.curves import precision_recall_curve as own_curve
from fusionguard.families.fraud.curves import reliability_bins, threshold_curve

SLOW = settings(max_examples=50, derandomize=True, deadline=None, database=None)


@dataclass(frozen=True)
class Drawn:
    """Rows with both classes."""

    label: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    time: np.ndarray

    def rows(self) -> ScoredRows:
        amount = np.arange(1.0, self.label.size + 1)
        return ScoredRows(self.label, self.score, amount, self.time, self.weight, self.score)


@st.composite
def drawn_rows(draw: st.DrawFn) -> Drawn:
    """Draw few or many rows, few or many frauds, scores on a coarse or a fine grid in [0, 1], and uneven weights."""
    size = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label = (rng.random(size) < draw(st.sampled_from([0.05, 0.3, 0.9]))).astype(np.int8)
    label[rng.permutation(size)[:2]] = (0, 1)
    steps = draw(st.sampled_from([1, 2, 7, 1000]))
    score = np.round(np.clip(rng.beta(0.6, 1.4, size) + 0.3 * label, 0, 1) * steps) / steps
    prior = draw(st.sampled_from([1.0, 0.37, 12.2, 577.0]))
    weight = np.where(label == 0, prior, 1.0) * rng.integers(1, 5, size)
    time = np.sort(rng.integers(0, draw(st.sampled_from([600, 90_000, 400_000])), size)) + 5_000
    order = rng.permutation(size)
    return Drawn(label[order], score[order], weight[order], time[order].astype(np.int64))


def _close(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


@SLOW
@given(drawn_rows())
def test_ranking_equals_scikit_learn(rows: Drawn) -> None:
    label, score, weight = rows.label, rows.score, rows.weight
    ranking = Ranking(label, score)
    precision = average_precision_score(label, score, sample_weight=weight)
    area = roc_auc_score(label, score, sample_weight=weight)
    assert metrics.average_precision(label, score, weight) == _close(precision) == ranking.average_precision(weight)
    assert metrics.roc_auc(label, score, weight) == _close(area) == ranking.roc_auc(weight)
    false, recall, _ = roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    for rate in (0.0, 0.01, 0.1, 0.47, 1.0, *false[:3]):
        best = recall[false <= rate * (1 + 1e-9)].max()
        assert metrics.recall_at_false_positive_rate(label, score, weight, rate) == _close(best)
        assert ranking.recall_at_false_positive_rate(weight, rate) == _close(best)


@SLOW
@given(drawn_rows(), st.integers(0, 2**32 - 1))
def test_rows_drawn_again_equal_rows_that_are_there_again(rows: Drawn, seed: int) -> None:
    times = np.random.default_rng(seed).poisson(1.0, rows.label.size)
    times[[rows.label.argmin(), rows.label.argmax()]] = (2, 1)
    again = np.repeat(np.arange(rows.label.size), times)
    ranking, bins = Ranking(rows.label, rows.score), CalibrationBins(rows.label, rows.score, 5)
    label, score, weight = rows.label[again], rows.score[again], rows.weight[again]
    drawn = rows.weight * times
    assert ranking.average_precision(drawn) == _close(average_precision_score(label, score, sample_weight=weight))
    assert ranking.roc_auc(drawn) == _close(roc_auc_score(label, score, sample_weight=weight))
    assert bins.error(drawn) == pytest.approx(CalibrationBins(label, score, 5).error(weight), abs=1e-9)


@SLOW
@given(drawn_rows())
def test_brier_and_log_loss_equal_scikit_learn(rows: Drawn) -> None:
    label, probability, weight = rows.label, rows.score, rows.weight
    assert metrics.brier(label, probability, weight) == _close(brier_score_loss(label, probability, sample_weight=weight))
    other = np.sqrt(1 - probability)
    seen = [ComparedRows(label, weight, rows.score, each) for each in (probability, other)]
    compared = compare(*seen, samples=20, seed=3)
    losses = [log_loss(label, each, sample_weight=weight) for each in (probability, other)]
    assert compared.log_loss.value == pytest.approx(losses[1] - losses[0], rel=1e-6, abs=1e-9)  # above 0: the first is better
    squares = [brier_score_loss(label, each, sample_weight=weight) for each in (probability, other)]
    assert compared.brier.value == pytest.approx(squares[1] - squares[0], rel=1e-9, abs=1e-12)


@SLOW
@given(drawn_rows(), st.sampled_from([1, 3, 20]))
def test_the_calibration_error_is_that_of_bins_of_equal_weight(rows: Drawn, bins: int) -> None:
    """A run of equal probabilities is in the bin that the middle of its weight falls into."""
    gap: dict[int, float] = {}
    total, below = rows.weight.sum(), 0.0
    for value in np.unique(rows.score):
        chosen = rows.score == value
        own = rows.weight[chosen].sum()
        middle = below + own / 2
        number = int(np.searchsorted(np.arange(1, bins) / bins * total, middle, side="right"))
        gap[number] = gap.get(number, 0.0) + float(np.sum(rows.weight[chosen] * (value - rows.label[chosen])))
        below += own
    expected = sum(abs(each) for each in gap.values()) / total
    assert metrics.expected_calibration_error(rows.label, rows.score, rows.weight, bins) == pytest.approx(expected, abs=1e-9)


@SLOW
@given(drawn_rows(), st.sampled_from([0.5, 3.0, 41.0, 1e6]))
def test_the_top_alerts_of_each_day_are_taken_from_the_top(rows: Drawn, alerts: float) -> None:
    elapsed = rows.time - rows.time.min()
    days = elapsed // SECONDS_PER_DAY
    looked_at = caught = 0.0
    for day in np.unique(days):
        own = days == day
        seconds = elapsed.max() - day * SECONDS_PER_DAY + 1 if day == days.max() else SECONDS_PER_DAY
        left = alerts * seconds / SECONDS_PER_DAY
        for value in np.unique(rows.score[own])[::-1]:
            tied = own & (rows.score == value)
            weight = rows.weight[tied].sum()
            part = min(weight, left)
            looked_at += part
            caught += part * float(np.sum(rows.weight[tied] * rows.label[tied])) / weight
            left -= part
    expected = caught / looked_at
    assert TopAlerts(rows.label, rows.score, rows.time, alerts).precision(rows.weight) == pytest.approx(expected, rel=1e-9)
    own = metrics.precision_in_top_alerts_per_day(rows.label, rows.score, rows.weight, rows.time, alerts)
    assert own == pytest.approx(expected, rel=1e-9)


@SLOW
@given(drawn_rows())
def test_curves_equal_scikit_learns_and_the_metrics(rows: Drawn) -> None:
    label, score, weight = rows.label, rows.score, rows.weight
    curve = own_curve(rows.rows())
    area = sum(
        precision * (recall - before)
        for precision, recall, before in zip(curve.precision, curve.recall, (0.0, *curve.recall), strict=False)
    )
    assert area == pytest.approx(average_precision_score(label, score, sample_weight=weight), abs=1e-4)
    precision, recall, _ = precision_recall_curve(label, score, sample_weight=weight)
    for own_precision, own_recall in zip(curve.precision, curve.recall, strict=True):
        distance = np.hypot(precision - own_precision, recall - own_recall)
        assert distance.min() < 2e-5
    thresholds = threshold_curve(rows.rows())
    for place in (0, 31, 48, 72, 96):
        alert = score >= thresholds.threshold[place] * (1 - 1e-6)
        if abs(score - thresholds.threshold[place]).min() < 1e-5:
            continue  # the curve is written with six digits
        assert thresholds.recall[place] == pytest.approx(metrics.recall(label, weight, alert), rel=1e-5)
        expected = metrics.precision(label, weight, alert) if alert.any() else None
        assert thresholds.precision[place] == (None if expected is None else pytest.approx(expected, rel=1e-5))


@SLOW
@given(drawn_rows())
def test_reliability_bins_hold_every_row_once_in_order(rows: Drawn) -> None:
    bins = reliability_bins(rows.rows())
    if rows.score.max() == 0:
        assert bins == ()
        return
    assert sum(each.rows for each in bins) == rows.label.size
    assert sum(each.frauds for each in bins) == rows.label.sum()
    assert [each.predicted for each in bins] == sorted((each.predicted for each in bins), reverse=True)
    start, order = 0, np.argsort(-rows.score, kind="stable")
    for each in bins:
        own = order[start : start + each.rows]
        start += each.rows
        assert each.predicted == pytest.approx(np.average(rows.score[own], weights=rows.weight[own]), rel=1e-5)
        assert each.observed == pytest.approx(np.average(rows.label[own], weights=rows.weight[own]), rel=1e-5)
        assert each.low - 1e-12 <= each.observed * (1 + 1e-5) and each.observed <= each.high * (1 + 1e-5)
        if start < order.size:
            assert rows.score[order[start]] < rows.score[own[-1]]  # ties stay together
