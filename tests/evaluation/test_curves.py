from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.evaluation import metrics
from fusionguard.evaluation.curves import (
    cost_curve,
    precision_recall_curve,
    reliability_bins,
    score_histogram,
    threshold_curve,
)
from fusionguard.evaluation.policy import DecisionPolicy


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
    assert sum(group.frauds for group in bins) == rows.frauds
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
