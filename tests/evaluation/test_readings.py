"""A model's metrics and slices, each computed a second time from rows whose weights all differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from fusionguard.evaluation import metrics
from fusionguard.evaluation.bootstrap import Interval, intervals, paired_difference, resampled_counts
from fusionguard.evaluation.ranked import CalibrationBins, TopAlerts
from fusionguard.evaluation.scored import Floats, ScoredRows
from fusionguard.evaluation.segments import Segments
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import metric_digits, metric_labels, read_metrics, read_ranking
from fusionguard.families.fraud.slices import read_slices

CONFIG = FraudEvaluationConfig(bootstrap_samples=25, top_alerts_per_day=30, false_positive_rate=0.07)
POLICY = DecisionPolicy(review_cost=4.0, minimum_expected_saving=1.5)


@pytest.fixture
def rows(make_rows: Any) -> ScoredRows:
    """400 rows whose weights differ within each class, with a score that is not the probability's order."""
    made: ScoredRows = make_rows(400, fraud_share=0.1, separation=1.5, ties=True)
    rng = np.random.default_rng(12)
    weight = np.where(made.label == 1, rng.uniform(0.5, 3.0, 400), rng.uniform(5.0, 20.0, 400))
    return replace(made, weight=weight, score=np.round(made.score + rng.normal(0, 1, 400), 1))


def _expected(rows: ScoredRows) -> dict[str, Callable[[Floats], float]]:
    label, score, amount = rows.label, rows.score, rows.amount
    alert = rows.probability * amount - 4.0 > 1.5

    def recall_at_rate(weight: Floats) -> float:
        false, recall, _ = roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
        return float(recall[false <= 0.07 * (1 + 1e-9)].max())

    def savings(weight: Floats) -> float:
        lost = np.sum(weight * label * amount)
        return float(1 - (np.sum(weight * alert) * 4.0 + np.sum(weight * label * amount * ~alert)) / lost)

    return {
        "average_precision": lambda weight: average_precision_score(label, score, sample_weight=weight),
        "roc_auc": lambda weight: roc_auc_score(label, score, sample_weight=weight),
        "recall_at_false_positive_rate": recall_at_rate,
        "precision_in_top_alerts_per_day": TopAlerts(label, score, rows.time_seconds, 30).precision,
        "expected_calibration_error": CalibrationBins(label, rows.probability, 20).error,
        "brier": lambda weight: brier_score_loss(label, rows.probability, sample_weight=weight),
        "savings": savings,
    }


def test_every_metric_and_its_interval_are_those_of_the_weighted_rows(rows: ScoredRows) -> None:
    read = read_metrics(rows, POLICY, CONFIG, seed=3)
    expected = _expected(rows)
    assert list(read) == list(expected) == list(metric_labels(CONFIG))
    draws = [rows.weight * count for count in resampled_counts(rows.label, 25, seed=3)]
    for name, reader in expected.items():
        drawn = [reader(weight) for weight in draws]
        assert read[name].value == pytest.approx(reader(rows.weight), abs=1e-12), name
        assert (read[name].low, read[name].high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=1e-12), name


def test_weights_change_every_metric(rows: ScoredRows) -> None:
    """Else the tests above could not see that one is left out."""
    alike = read_metrics(replace(rows, weight=np.ones(rows.rows)), POLICY, CONFIG, seed=3)
    read = read_metrics(rows, POLICY, CONFIG, seed=3)
    for name in read:
        assert read[name].value != pytest.approx(alike[name].value, rel=1e-3), name


def test_ranking_alone_reads_as_among_all_metrics(rows: ScoredRows) -> None:
    assert read_ranking(rows, CONFIG, seed=3) == read_metrics(rows, POLICY, CONFIG, seed=3)["average_precision"]
    assert read_ranking(rows.take(rows.label == 0), CONFIG, seed=3) == Interval(reason="no positive rows here")


def test_metrics_without_a_value_say_why_and_the_others_still_read(rows: ScoredRows) -> None:
    read = read_metrics(rows.take(rows.label == 0), POLICY, CONFIG, seed=7)
    assert list(read) == list(metric_labels(CONFIG))
    assert read["average_precision"] == read["savings"] == Interval(reason="no positive rows here")
    assert read["precision_in_top_alerts_per_day"] == Interval(value=0.0, low=0.0, high=0.0)
    assert read["brier"].low is not None
    nothing = read_metrics(rows.take(rows.label == 2), POLICY, CONFIG, seed=7)
    assert nothing == dict.fromkeys(metric_labels(CONFIG), Interval(reason="no rows here"))
    one = read_metrics(rows.take(np.arange(400) == rows.label.argmax()), POLICY, CONFIG, seed=7)
    loss = one["brier"].value
    assert one["brier"] == Interval(value=loss, low=loss, high=loss)
    assert one["roc_auc"] == Interval(reason="no negative rows here")


def test_a_budget_for_nearly_every_row_says_so_instead_of_a_number_that_no_model_could_change(rows: ScoredRows) -> None:
    assert rows.days is not None
    daily = float(rows.weight.sum()) / rows.days
    for share, defined in ((0.8, True), (1.3, False)):
        alerts = int(share * daily)
        config = CONFIG.model_copy(update={"top_alerts_per_day": alerts})
        read = read_metrics(rows, POLICY, config, seed=3)
        assert list(read) == list(metric_labels(config))
        found = read["precision_in_top_alerts_per_day"]
        assert (found.value is not None) is defined
        if not defined:
            told = f"with {alerts} alerts a day nearly every row would be looked at; set evaluation.top_alerts_per_day lower"
            assert found == Interval(reason=told)


def test_draws_in_which_nothing_can_be_lost_are_left_out_of_the_savings(rows: ScoredRows) -> None:
    """One of two frauds has no amount, so a quarter of the draws leaves nothing to lose; the other's is small."""
    label, amount, weight = np.zeros(400, dtype=np.int8), rows.amount.copy(), rows.weight.copy()
    label[:2], amount[:2], weight[:2] = 1, (0.0, 0.6), (0.5, 0.7)
    changed = replace(rows, label=label, amount=amount, weight=weight)
    read = read_metrics(changed, POLICY, CONFIG, seed=7)["savings"]
    expected = _expected(changed)["savings"]
    draws = [weight * count for count in resampled_counts(label, 25, seed=7)]
    there = [expected(draw) for draw in draws if draw[1] > 0]
    assert 0 < len(there) < 25
    assert read.value == pytest.approx(expected(weight))
    assert (read.low, read.high) == pytest.approx(tuple(np.percentile(there, [2.5, 97.5])))


def test_labels_name_the_settings_and_digits_fit_the_metric() -> None:
    assert metric_labels(CONFIG) == {
        "average_precision": "average precision",
        "roc_auc": "ROC AUC",
        "recall_at_false_positive_rate": "recall at 7 % false-positive rate",
        "precision_in_top_alerts_per_day": "precision in the top 30 alerts a day",
        "expected_calibration_error": "expected calibration error",
        "brier": "Brier score",
        "savings": "savings against accept-all",
    }
    assert [metric_digits(name) for name in metric_labels(CONFIG)] == [3, 3, 3, 3, 5, 5, 3]


def test_two_models_are_compared_on_the_same_weighted_draws(rows: ScoredRows) -> None:
    other = rows.score + np.random.default_rng(4).normal(0, 0.4, rows.rows)
    found = paired_difference(rows.label, rows.weight, rows.score, other, samples=40, seed=9)

    def gain(weight: Floats) -> float:
        own, others = (average_precision_score(rows.label, score, sample_weight=weight) for score in (rows.score, other))
        return float(own - others)

    gains = [gain(rows.weight * count) for count in resampled_counts(rows.label, 40, seed=9)]
    assert found.value == pytest.approx(gain(rows.weight), abs=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(gains, [2.5, 97.5])), abs=1e-12)
    assert 0.05 < found.probability_better < 1
    assert found.probability_better == np.mean(np.array(gains) > 0)


def test_draws_that_have_no_value_are_left_out_of_the_interval() -> None:
    label, weight = np.array([1, 0, 0, 0], dtype=np.int8), np.ones(4)
    seen: list[float] = []

    def reader(drawn: Floats) -> float:
        seen.append(float("nan") if drawn[1] == 0 else float(drawn[1]))
        return seen[-1]

    read = intervals(label, weight, {"m": 0.5}, {"m": reader}, samples=30, seed=1)["m"]
    there = [value for value in seen if not np.isnan(value)]
    assert 0 < len(there) < 30
    assert (read.value, read.low, read.high) == (0.5, *np.percentile(there, [2.5, 97.5]))
    never = intervals(label, weight, {"m": 0.5}, {"m": lambda _: float("nan")}, samples=30, seed=1)["m"]
    assert never == Interval(value=0.5)


def test_a_slice_is_what_its_weighted_rows_say(rows: ScoredRows) -> None:
    place = np.arange(rows.rows) % 3
    segments = (Segments("kind", ("first", "second", "third"), place), Segments("half", ("low", "high"), np.minimum(place, 1)))
    parts = read_slices(rows, segments, POLICY, CONFIG, seed=3)
    named = [("kind", "first"), ("kind", "second"), ("kind", "third"), ("half", "low"), ("half", "high")]
    assert [(part.segment, part.name) for part in parts] == named
    chosen = [place == 0, place == 1, place == 2, place == 0, place > 0]
    for part, inside in zip(parts, chosen, strict=True):
        own = rows.take(inside)
        alert = POLICY.decide(own.probability, own.amount)
        assert (part.rows, part.frauds) == (own.rows, own.positives), part.name
        assert part.average_precision == read_ranking(own, CONFIG, seed=3)
        if own.positives:
            assert part.recall.value == pytest.approx(np.sum(own.weight * own.label * alert) / np.sum(own.weight * own.label))
        assert part.alert_rate.value == pytest.approx(np.sum(own.weight * alert) / np.sum(own.weight))
        assert part.calibration_error.value == metrics.expected_calibration_error(own.label, own.probability, own.weight)
