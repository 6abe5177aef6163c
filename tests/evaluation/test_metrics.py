from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from fusionguard.evaluation import metrics
from fusionguard.evaluation.metrics import UndefinedMetricError
from fusionguard.evaluation.ranked import CalibrationBins, Ranking, TopAlerts


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sorted_readings_equal_scikit_learn(make_rows: Any, seed: int, ties: bool) -> None:
    rows = make_rows(3_000, seed=seed, ties=ties, separation=2.0)
    drawn = rows.weight * np.random.default_rng(seed).poisson(1.0, rows.rows)
    for weight in (rows.weight, drawn):
        ranking = Ranking(rows.label, rows.score)
        assert ranking.average_precision(weight) == pytest.approx(
            average_precision_score(rows.label, rows.score, sample_weight=weight), abs=1e-12
        )
        assert ranking.roc_auc(weight) == pytest.approx(roc_auc_score(rows.label, rows.score, sample_weight=weight), abs=1e-12)
        false, recall, _ = roc_curve(rows.label, rows.score, sample_weight=weight, drop_intermediate=False)
        for rate in (0.0001, 0.001, 0.01, 0.3):
            assert ranking.recall_at_false_positive_rate(weight, rate) == pytest.approx(recall[false <= rate].max(), abs=1e-12)


def test_point_metrics_equal_the_sorted_readings(make_rows: Any) -> None:
    rows = make_rows(3_000, ties=True)
    label, score, weight = rows.label, rows.score, rows.weight
    ranking = Ranking(label, score)
    assert metrics.average_precision(label, score, weight) == pytest.approx(ranking.average_precision(weight))
    assert metrics.roc_auc(label, score, weight) == pytest.approx(ranking.roc_auc(weight))
    rate = metrics.recall_at_false_positive_rate(label, score, weight, 0.01)
    assert rate == pytest.approx(ranking.recall_at_false_positive_rate(weight, 0.01))
    expected = brier_score_loss(label, rows.probability, sample_weight=weight)
    assert metrics.brier(label, rows.probability, weight) == pytest.approx(expected)
    assert metrics.brier(label, rows.probability, weight) == pytest.approx(
        np.average((rows.probability - label) ** 2, weights=weight)
    )


def test_a_weight_of_two_equals_the_row_twice(make_rows: Any) -> None:
    rows = make_rows(800, ties=True, legitimate_weight=1.0)
    twice = np.repeat(np.arange(rows.rows), np.where(rows.label == 0, 2, 1))
    weight = np.where(rows.label == 0, 2.0, 1.0)
    one = np.ones(twice.size)
    label, score, probability, time = (getattr(rows, name) for name in ("label", "score", "probability", "time_seconds"))
    pairs = [
        (metrics.average_precision(label, score, weight), metrics.average_precision(label[twice], score[twice], one)),
        (metrics.roc_auc(label, score, weight), metrics.roc_auc(label[twice], score[twice], one)),
        (
            metrics.expected_calibration_error(label, probability, weight),
            metrics.expected_calibration_error(label[twice], probability[twice], one),
        ),
        (
            metrics.precision_in_top_alerts_per_day(label, score, weight, time, 100),
            metrics.precision_in_top_alerts_per_day(label[twice], score[twice], one, time[twice], 100),
        ),
    ]
    for weighted, repeated in pairs:
        assert weighted == pytest.approx(repeated)


def test_no_reading_depends_on_the_order_of_rows(make_rows: Any) -> None:
    rows = make_rows(2_000, ties=True)
    mixed = np.random.default_rng(5).permutation(rows.rows)
    label, score, probability, weight, time = rows.label, rows.score, rows.probability, rows.weight, rows.time_seconds
    assert TopAlerts(label, score, time, 100).precision(weight) == pytest.approx(
        TopAlerts(label[mixed], score[mixed], time[mixed], 100).precision(weight[mixed])
    )
    assert CalibrationBins(label, probability, 10).error(weight) == pytest.approx(
        CalibrationBins(label[mixed], probability[mixed], 10).error(weight[mixed])
    )


def test_top_alerts_are_taken_from_each_day() -> None:
    day = 86_400
    label = np.array([1, 0, 0, 1, 0, 0], dtype=np.int8)
    score = np.array([0.9, 0.8, 0.7, 0.1, 0.6, 0.5])
    time = np.array([0, 10, 20, day, day + 10, 2 * day - 1])
    weight = np.ones(6)
    # Two alerts a day: the first day shows its fraud and one more, the second day its two best, both legitimate.
    assert metrics.precision_in_top_alerts_per_day(label, score, weight, time, 2) == pytest.approx(1 / 4)
    assert metrics.precision_in_top_alerts_per_day(label, score, weight, time, 3) == pytest.approx(2 / 6)


def test_the_alert_at_the_border_counts_with_the_part_that_fits() -> None:
    label = np.array([1, 0, 1], dtype=np.int8)
    score = np.array([0.9, 0.8, 0.7])
    time = np.array([0, 0, 86_399])
    weight = np.array([1.0, 12.2, 1.0])
    assert metrics.precision_in_top_alerts_per_day(label, score, weight, time, 4) == pytest.approx(1 / 4)
    assert metrics.precision_in_top_alerts_per_day(label, score, weight, time, 100) == pytest.approx(2 / 14.2)


def test_ties_at_the_border_share_what_fits() -> None:
    label = np.array([1, 0, 0, 0], dtype=np.int8)
    tied = np.full(4, 0.5)
    time = np.array([0, 1, 2, 86_399])
    assert metrics.precision_in_top_alerts_per_day(label, tied, np.ones(4), time, 2) == pytest.approx(1 / 4)


def test_a_last_part_day_gets_its_proportion_of_the_alerts() -> None:
    # Half a day: 2 of the 4 alerts. Days count from the first second, wherever in the data that lies.
    start = 50_000
    label = np.array([1, 0, 1, 0], dtype=np.int8)
    score = np.array([0.9, 0.8, 0.7, 0.6])
    time = start + np.array([0, 1, 2, 43_199])
    assert metrics.precision_in_top_alerts_per_day(label, score, np.ones(4), time, 4) == pytest.approx(1 / 2)


def test_calibration_error_of_a_worked_example() -> None:
    # Two bins of equal weight: 0.1 predicted and 0.5 observed; 0.8 predicted and 0.5 observed.
    label = np.array([0, 1, 0, 1], dtype=np.int8)
    probability = np.array([0.1, 0.1, 0.8, 0.8])
    assert metrics.expected_calibration_error(label, probability, np.ones(4), bins=2) == pytest.approx(0.5 * 0.4 + 0.5 * 0.3)


def test_calibration_error_is_zero_where_every_share_is_as_predicted() -> None:
    label = np.array([0, 0, 0, 1, 0, 1], dtype=np.int8)
    probability = np.array([0.25, 0.25, 0.25, 0.25, 0.5, 0.5])
    assert metrics.expected_calibration_error(label, probability, np.ones(6)) == pytest.approx(0)
    assert metrics.expected_calibration_error(1 - label, probability, np.ones(6)) > 0.1


def test_savings_of_a_worked_example() -> None:
    # The cost matrix of Bahnsen et al.: caught frauds and false alerts cost the review, missed frauds their amount.
    label = np.array([1, 1, 0, 0], dtype=np.int8)
    amount = np.array([100.0, 50.0, 80.0, 20.0])
    alert = np.array([True, False, True, False])
    weight = np.ones(4)
    assert metrics.cost(label, amount, weight, alert, 3.0) == pytest.approx(3 + 50 + 3 + 0)
    assert metrics.savings(label, amount, weight, alert, 3.0) == pytest.approx(1 - 56 / 150)
    assert metrics.savings(label, amount, weight, np.zeros(4, dtype=bool), 3.0) == 0
    assert metrics.savings(label, amount, weight, label == 1, 3.0) == pytest.approx(1 - 6 / 150)


def test_savings_weigh_false_alerts_back_to_the_real_prior() -> None:
    label = np.array([1, 0], dtype=np.int8)
    amount = np.array([100.0, 10.0])
    everything = np.array([True, True])
    assert metrics.savings(label, amount, np.array([1.0, 40.0]), everything, 3.0) == pytest.approx(1 - 41 * 3 / 100)


def test_ranking_by_hand() -> None:
    """Frauds of 1, 3 and 5 and others of 2 and 4: of 54 pairs the first wins 6 and the second 12."""
    label, score = np.array([1, 0, 1, 0, 1], dtype=np.int8), np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    weight = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert metrics.roc_auc(label, score, weight) == pytest.approx(18 / 54)
    found = [metrics.recall_at_false_positive_rate(label, score, weight, rate) for rate in (0.0, 0.33, 1 / 3, 0.99, 1.0)]
    assert found == pytest.approx([1 / 9, 1 / 9, 4 / 9, 4 / 9, 1.0])


def test_a_small_loss_is_a_loss() -> None:
    label, amount = np.array([1, 1, 0], dtype=np.int8), np.array([0.2, 0.3, 9.0])
    alert, weight = np.array([True, False, False]), np.array([1.0, 2.0, 5.0])
    assert metrics.savings(label, amount, weight, alert, 0.05) == pytest.approx(1 - (0.05 + 0.6) / 0.8)


def test_alert_shares() -> None:
    label = np.array([1, 1, 0, 0], dtype=np.int8)
    weight = np.array([1.5, 2.5, 10.0, 7.0])
    alert = np.array([True, False, True, False])
    amount = np.array([90.0, 10.0, 5.0, 5.0])
    assert metrics.recall(label, weight, alert) == pytest.approx(1.5 / 4)
    assert metrics.precision(label, weight, alert) == pytest.approx(1.5 / 11.5)
    assert metrics.alert_rate(weight, alert) == pytest.approx(11.5 / 21)
    assert metrics.amount_recall(label, amount, weight, alert) == pytest.approx(135 / 160)


def test_the_best_threshold_may_lie_within_a_straight_part_of_the_curve() -> None:
    """Three ties of one fraud and one other row each: 0.7 of the others allowed is two of them, and two frauds."""
    label = np.array([1, 0, 1, 0, 1, 0], dtype=np.int8)
    score = np.array([0.9, 0.9, 0.8, 0.8, 0.7, 0.7])
    assert metrics.recall_at_false_positive_rate(label, score, np.ones(6), 0.7) == pytest.approx(2 / 3)
    assert Ranking(label, score).recall_at_false_positive_rate(np.ones(6), 0.7) == pytest.approx(2 / 3)


NONE = np.zeros(3, dtype=np.int8)
ALL = np.ones(3, dtype=np.int8)
VALUES, WEIGHT, FLAGS = np.array([0.1, 0.2, 0.3]), np.ones(3), np.ones(3, dtype=bool)
EMPTY_LABEL, EMPTY = np.zeros(0, dtype=np.int8), np.zeros(0)


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (lambda: metrics.average_precision(NONE, VALUES, WEIGHT), "no positive rows here"),
        (lambda: metrics.roc_auc(NONE, VALUES, WEIGHT), "no positive rows here"),
        (lambda: metrics.roc_auc(ALL, VALUES, WEIGHT), "no negative rows here"),
        (lambda: metrics.recall_at_false_positive_rate(ALL, VALUES, WEIGHT, 0.1), "no negative rows here"),
        (lambda: metrics.savings(ALL, np.zeros(3), WEIGHT, FLAGS, 3.0), "the positive rows here have no amount to lose"),
        (lambda: metrics.savings(NONE, VALUES, WEIGHT, FLAGS, 3.0), "no positive rows here"),
        (lambda: metrics.recall(NONE, WEIGHT, FLAGS), "no positive rows here"),
        (lambda: metrics.precision(ALL, WEIGHT, ~FLAGS), "no alerts here"),
        (lambda: metrics.brier(EMPTY_LABEL, EMPTY, EMPTY), "no rows here"),
        (lambda: metrics.average_precision(EMPTY_LABEL, EMPTY, EMPTY), "no rows here"),
        (lambda: metrics.expected_calibration_error(EMPTY_LABEL, EMPTY, EMPTY), "no rows here"),
        (lambda: metrics.precision_in_top_alerts_per_day(EMPTY_LABEL, EMPTY, EMPTY, EMPTY_LABEL, 3), "no rows here"),
        (lambda: metrics.alert_rate(EMPTY, FLAGS[:0]), "no rows here"),
        (lambda: metrics.recall_at_false_positive_rate(NONE, VALUES, WEIGHT, 0.1), "no positive rows here"),
        (lambda: metrics.amount_recall(NONE, VALUES, WEIGHT, FLAGS), "no positive rows here"),
        (lambda: metrics.amount_recall(ALL, np.zeros(3), WEIGHT, FLAGS), "the positive rows here have no amount to lose"),
    ],
)
def test_metrics_without_a_value_say_why(read: Any, reason: str) -> None:
    with pytest.raises(UndefinedMetricError) as caught:
        read()
    assert caught.value.what == reason


def test_brier_of_one_class_is_defined() -> None:
    assert metrics.brier(NONE, VALUES, WEIGHT) == pytest.approx(np.mean(VALUES**2))
