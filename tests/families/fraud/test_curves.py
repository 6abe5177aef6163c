from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from fusionguard.evaluation import metrics
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.families.fraud.curves import (
    cost_curve,
    precision_recall_curve,
    reliability_bins,
    score_histogram,
    threshold_curve,
)
from fusionguard.families.fraud.policy import DecisionPolicy


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_under_the_steps_is_the_average_precision(make_rows: Any, ties: bool) -> None:
    rows = make_rows(5_000, ties=ties)
    curve = precision_recall_curve(rows)
    assert len(curve.recall) <= 300
    area = float(np.sum(np.diff(curve.recall, prepend=0.0) * curve.precision))
    assert area == pytest.approx(metrics.average_precision(rows.label, rows.score, rows.weight), abs=1e-4)
    assert curve.recall[-1] == 1


def test_long_curves_are_thinned_and_keep_their_ends(make_rows: Any) -> None:
    curve = precision_recall_curve(make_rows(40_000, fraud_share=0.05))
    assert len(curve.recall) == 300
    assert curve.recall[-1] == 1


def test_reliability_bins_hold_every_row_and_the_observed_share(make_rows: Any) -> None:
    rows = make_rows(20_000)
    bins = reliability_bins(rows)
    assert sum(group.rows for group in bins) == rows.rows
    assert sum(group.frauds for group in bins) == rows.positives
    assert [group.predicted for group in bins] == sorted((group.predicted for group in bins), reverse=True)
    for group in bins:
        assert group.low <= group.observed <= group.high


def test_reliability_intervals_hold_a_calibrated_model(make_rows: Any) -> None:
    rows = make_rows(60_000, legitimate_weight=1.0)
    label = (np.random.default_rng(4).random(rows.rows) < rows.probability).astype(np.int8)
    bins = reliability_bins(replace(rows, label=label))
    held = sum(group.low <= group.predicted <= group.high for group in bins)
    assert held >= len(bins) - 2


def test_tied_probabilities_share_a_bin(make_rows: Any) -> None:
    rows = make_rows(400)
    bins = reliability_bins(rows.scored_by(np.where(rows.amount > 20, 0.5, 0.1)))
    assert [round(group.predicted, 6) for group in bins] == [0.5, 0.1]
    assert reliability_bins(rows.scored_by(np.zeros(400))) == ()


def test_histograms_share_out_each_class(make_rows: Any) -> None:
    rows = make_rows(3_000)
    probability = rows.probability.copy()
    probability[:3] = (0.0, 1e-12, 1.0)
    histogram = score_histogram(rows.scored_by(probability))
    assert sum(histogram.legitimate) == pytest.approx(1, abs=1e-4)
    assert sum(histogram.fraud) == pytest.approx(1, abs=1e-4)
    assert len(histogram.edges_log10) == len(histogram.fraud) + 1


def test_thresholds_read_as_their_alerts_do(make_rows: Any) -> None:
    rows = make_rows(3_000)
    curve = threshold_curve(rows)
    place = 60
    alert = rows.probability >= curve.threshold[place]
    assert curve.recall[place] == pytest.approx(metrics.recall(rows.label, rows.weight, alert), rel=1e-5)
    assert curve.precision[place] == pytest.approx(metrics.precision(rows.label, rows.weight, alert), rel=1e-5)
    assert curve.alerts_per_day[place] == pytest.approx(float(np.sum(rows.weight * alert)) / rows.days, rel=1e-5)
    nothing = threshold_curve(rows.scored_by(rows.probability * 0.5))
    assert nothing.precision[-1] is None
    assert nothing.recall[-1] == 0


def test_the_cost_curve_reads_as_its_alerts_do(make_rows: Any) -> None:
    rows, policy = make_rows(3_000), DecisionPolicy(review_cost=3.0)
    curve = cost_curve(rows, policy)
    everything = np.ones(rows.rows, dtype=bool)
    expected = metrics.savings(rows.label, rows.amount, rows.weight, everything, 3.0)
    assert curve.savings[-1] == pytest.approx(expected, rel=1e-4)
    assert curve.alerts_per_day == tuple(sorted(curve.alerts_per_day))


def _six() -> ScoredRows:
    """Six rows of two days whose weights all differ, with one tie."""
    return ScoredRows(
        label=np.array([1, 0, 1, 0, 0, 1], dtype=np.int8),
        probability=np.array([0.8, 0.6, 0.4, 0.4, 0.05, 0.01]),
        amount=np.array([100.0, 20.0, 50.0, 10.0, 5.0, 200.0]),
        time_seconds=np.array([0, 1, 2, 3, 4, 2 * 86_400 - 1]),
        weight=np.array([1.0, 2.0, 1.5, 3.0, 4.0, 2.5]),
        score=np.array([5.0, 4.0, 3.0, 3.0, 2.0, 1.0]),
    )


def test_precision_over_recall_by_hand() -> None:
    curve = precision_recall_curve(_six())
    assert curve.recall == pytest.approx((1 / 5, 2.5 / 5, 1.0), rel=1e-5)
    assert curve.precision == pytest.approx((1.0, 2.5 / 7.5, 5 / 14), rel=1e-5)


def test_reliability_by_hand() -> None:
    """Bins begin where a tenth more of the expected frauds is passed: 0.8, 1.2, 0.6 + 1.2 tied, 0.2 and 0.025 of 4.025."""
    bins = reliability_bins(_six())
    found = [(group.rows, group.frauds, group.predicted, group.observed) for group in bins]
    assert found == [
        (1, 1, 0.8, 1.0),
        (1, 0, 0.6, 0.0),
        (2, 1, 0.4, pytest.approx(1.5 / 4.5, rel=1e-5)),
        (2, 1, pytest.approx(0.225 / 6.5, rel=1e-5), pytest.approx(2.5 / 6.5, rel=1e-5)),
    ]
    interval = binomtest(1, 2).proportion_ci(0.95, method="wilson")
    for group, odds_ratio in ((bins[2], 1.5 / 3.0), (bins[3], 2.5 / 4.0)):
        odds = [odds_ratio * share / (1 - share) for share in interval]
        assert (group.low, group.high) == pytest.approx([one / (1 + one) for one in odds], rel=1e-4)
    alone = binomtest(1, 1).proportion_ci(0.95, method="wilson").low
    assert (bins[0].low, bins[0].high) == (pytest.approx(alone, rel=1e-4), 1.0)
    none = (
        binomtest(0, 1).proportion_ci(0.95, method="wilson").high
    )  # carried over by the odds of a fraud of weight 1 and one of 2
    assert (bins[1].low, bins[1].high) == (0.0, pytest.approx(none / 2 / (none / 2 + 1 - none), rel=1e-4))


def test_histograms_by_hand() -> None:
    probability = np.array([0.0, 10**-4.9, 10**-4.9, 10**-4.7, 10**-0.1, 1.0])
    histogram = score_histogram(_six().scored_by(probability))
    assert histogram.edges_log10[:2] == (-5.0, -4.8)
    assert len(histogram.fraud) == 25
    assert (histogram.fraud[0], histogram.fraud[-1]) == pytest.approx((2.5 / 5, 2.5 / 5))
    assert (histogram.legitimate[0], histogram.legitimate[1], histogram.legitimate[-1]) == pytest.approx(
        (2 / 9, 3 / 9, 4 / 9), rel=1e-5
    )
    one_class = score_histogram(_six().take(_six().label == 1))
    assert set(one_class.legitimate) == {0.0}


def test_thresholds_by_hand() -> None:
    curve = threshold_curve(_six())
    assert len(curve.threshold) == 97
    assert (curve.threshold[0], curve.threshold[48], curve.threshold[-1]) == (1e-4, 0.01, 1.0)
    assert (curve.precision[48], curve.recall[48], curve.alerts_per_day[48]) == pytest.approx((5 / 14, 1.0, 7.0), rel=1e-5)
    above = next(place for place, value in enumerate(curve.threshold) if value > 0.4)
    assert (curve.precision[above], curve.recall[above], curve.alerts_per_day[above]) == pytest.approx(
        (1 / 3, 1 / 5, 1.5), rel=1e-5
    )
    assert (curve.precision[-1], curve.recall[-1], curve.alerts_per_day[-1]) == (None, 0.0, 0.0)


def test_costs_by_hand() -> None:
    """By expected saving at a review cost of 3: rows 0, 2, 1, 3, 5, 4; accepting all loses 100 + 75 + 500."""
    curve = cost_curve(_six(), DecisionPolicy(review_cost=3.0))
    assert curve.alerts_per_day == (0.5, 1.25, 2.25, 3.75, 5.0, 7.0)
    saved = [100 - 3, 175 - 7.5, 175 - 13.5, 175 - 22.5, 675 - 30, 675 - 42]
    assert curve.savings == pytest.approx([one / 675 for one in saved], rel=1e-5)


def test_a_curve_holds_at_most_300_points() -> None:
    rng = np.random.default_rng(2)
    many = ScoredRows(
        label=np.ones(301, dtype=np.int8),
        probability=np.full(301, 0.5),
        amount=np.ones(301),
        time_seconds=np.arange(301),
        weight=np.ones(301),
        score=rng.permutation(301).astype(float),
    )
    assert len(precision_recall_curve(many).recall) == 300
    assert precision_recall_curve(many).recall[0] == pytest.approx(1 / 301, rel=1e-5)
    assert len(precision_recall_curve(many.take(np.arange(301) < 300)).recall) == 300


@pytest.mark.parametrize(("value", "kept"), [(0.123456789, 0.123457), (123456.789, 123457.0), (1e-9, 1e-9)])
def test_numbers_keep_six_digits(make_rows: Any, value: float, kept: float) -> None:
    rows = replace(_six(), time_seconds=np.array([0, 0, 0, 0, 0, 86_399]), weight=np.full(6, value))
    assert cost_curve(rows, DecisionPolicy(review_cost=1.0)).alerts_per_day[0] == kept


def test_bins_begin_where_the_next_tenth_of_the_expected_frauds_begins() -> None:
    """Ten rows of one expected fraud each, and one that expects none and joins the last."""
    probability = np.array([0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.25, 0.15, 0.05, 0.0])
    weight = 1 / np.where(probability > 0, probability, 0.5)
    rows = ScoredRows(
        label=np.array([1, 0] * 5 + [0], dtype=np.int8),
        probability=probability,
        amount=np.zeros(11),
        time_seconds=np.arange(11),
        weight=weight,
        score=probability,
    )
    assert [group.rows for group in reliability_bins(rows)] == [1] * 9 + [2]
    few = replace(rows, weight=weight / 100)
    assert [group.rows for group in reliability_bins(few)] == [1] * 9 + [2]
    assert [group.rows for group in reliability_bins(few.take(np.arange(11) == 3))] == [1]
    assert sum(score_histogram(few).fraud) == pytest.approx(1, rel=1e-5)
    assert threshold_curve(few).precision[0] == pytest.approx(sum(weight[[0, 2, 4, 6, 8]]) / sum(weight[:10]), rel=1e-5)
    assert cost_curve(rows, DecisionPolicy(review_cost=3.0)).model_dump() == {"alerts_per_day": (), "savings": ()}


def test_a_cost_curve_has_as_many_points_as_a_plot_shows(make_rows: Any) -> None:
    assert 100 < len(cost_curve(make_rows(1_000), DecisionPolicy(review_cost=3.0)).savings) <= 300
