from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, intervals, paired_difference, resampled_counts
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import metric_labels, read_metrics

CONFIG = FraudEvaluationConfig(bootstrap_samples=60)
POLICY = DecisionPolicy(review_cost=3.0)


def test_every_draw_keeps_the_number_of_each_class(make_rows: Any) -> None:
    label = make_rows(1_000).label
    draws = list(resampled_counts(label, 5, seed=1))
    assert len(draws) == 5
    for count in draws:
        assert count[label == 1].sum() == label.sum()
        assert count[label == 0].sum() == (label == 0).sum()
    assert not np.array_equal(draws[0], draws[1])


def test_owners_are_drawn_with_all_of_their_rows() -> None:
    label = np.array([1, 1, 0, 0, 0, 1, 0, 0], dtype=np.int8)
    owner = np.array([7, 7, 7, 3, 3, 9, 5, 5])
    draws = list(resampled_counts(label, 40, 1, owner))
    for count in draws:
        assert all(np.unique(count[owner == each]).size == 1 for each in (7, 3, 9, 5))
        assert count[0] + count[5] == 2 and count[3] + count[6] == 2, "two owners with a positive row, and two without"
    assert {count[0] for count in draws} == {0, 1, 2}


def test_rows_of_one_owner_say_less_than_as_many_of_others(make_rows: Any) -> None:
    rows = make_rows(2_000)
    thrice = rows.take(np.repeat(np.arange(rows.rows), 3))
    owned = replace(thrice, owner=np.repeat(np.arange(rows.rows), 3))
    single, alone, together = (
        read_metrics(each, POLICY, FraudEvaluationConfig(bootstrap_samples=200), seed=3)[AVERAGE_PRECISION]
        for each in (rows, thrice, owned)
    )
    widths = [float(each.high or 0) - float(each.low or 0) for each in (single, alone, together)]
    assert widths[2] == pytest.approx(widths[0], rel=0.25), "copies add nothing"
    assert widths[1] < 0.75 * widths[0]


def test_the_same_seed_gives_the_same_intervals(make_rows: Any) -> None:
    rows = make_rows()
    first, again = (read_metrics(rows, POLICY, CONFIG, seed=7) for _ in range(2))
    assert first == again
    assert first != read_metrics(rows, POLICY, CONFIG, seed=8)


def test_every_metric_has_its_value_inside_its_interval(make_rows: Any) -> None:
    read = read_metrics(make_rows(), POLICY, CONFIG, seed=7)
    assert list(read) == list(metric_labels(CONFIG))
    for name, interval in read.items():
        assert interval.value is not None and interval.low is not None and interval.high is not None, name
        # Calibration errors of draws are larger than that of the rows themselves: noise only adds distance.
        assert interval.low <= interval.high
        if name != "expected_calibration_error":
            assert interval.low <= interval.value <= interval.high, name


def test_the_interval_of_a_mean_is_the_textbook_one() -> None:
    generator = np.random.default_rng(0)
    values, label = generator.normal(10, 2, 4_000), np.zeros(4_000, dtype=np.int8)
    weight = np.ones(4_000)
    read = intervals(
        label, weight, {"mean": values.mean()}, {"mean": lambda w: float((w * values).sum() / w.sum())}, samples=600, seed=2
    )["mean"]
    half = 1.96 * values.std() / np.sqrt(4_000)
    assert read.low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert read.high == pytest.approx(values.mean() + half, abs=0.2 * half)


@pytest.mark.full
def test_the_interval_covers_the_truth_about_as_often_as_it_says(make_rows: Any) -> None:
    truth = read_metrics(make_rows(200_000, seed=99), POLICY, FraudEvaluationConfig(bootstrap_samples=20), seed=0)[
        AVERAGE_PRECISION
    ].value
    assert truth is not None
    covered = 0
    for seed in range(40):
        read = read_metrics(make_rows(3_000, seed=seed), POLICY, CONFIG, seed=seed)[AVERAGE_PRECISION]
        covered += read.low <= truth <= read.high
    assert covered >= 33  # 95 % of 40 is 38; few draws and few frauds make the intervals a little narrow


def test_more_rows_make_the_interval_narrower(make_rows: Any) -> None:
    few, many = (read_metrics(make_rows(rows), POLICY, CONFIG, seed=7)[AVERAGE_PRECISION] for rows in (1_500, 24_000))
    assert many.high - many.low < few.high - few.low


def test_a_better_score_is_found_better(make_rows: Any) -> None:
    rows = make_rows()
    worse = rows.score + np.random.default_rng(0).normal(size=rows.rows) * 2
    difference = paired_difference(rows.label, rows.weight, rows.score, worse, samples=80, seed=1)
    assert 0 < difference.low < difference.value < difference.high
    assert difference.probability_better == 1
    opposite = paired_difference(rows.label, rows.weight, worse, rows.score, samples=80, seed=1)
    assert opposite.value == pytest.approx(-difference.value)
    assert opposite.probability_better == 0


def test_the_same_score_is_never_better(make_rows: Any) -> None:
    rows = make_rows()
    difference = paired_difference(rows.label, rows.weight, rows.score, rows.score * 2 + 1, samples=40, seed=1)
    assert (difference.value, difference.low, difference.high, difference.probability_better) == (0, 0, 0, 0)


def test_pairing_is_sharper_than_two_separate_intervals(make_rows: Any) -> None:
    rows = make_rows()
    other = rows.score + np.random.default_rng(0).normal(size=rows.rows) * 0.1
    paired = paired_difference(rows.label, rows.weight, rows.score, other, samples=80, seed=1)
    alone = read_metrics(rows, POLICY, CONFIG, seed=1)[AVERAGE_PRECISION]
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


def test_one_class_cannot_be_compared() -> None:
    label, score = np.zeros(5, dtype=np.int8), np.arange(5.0)
    with pytest.raises(DataError, match="one class"):
        paired_difference(label, np.ones(5), score, score, samples=20, seed=0)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(value=0.78149, low=0.7, high=0.86), "0.781 (0.700 to 0.860)"),
        (Interval(value=0.5), "0.500"),
        (Interval(value=0.5, low=0.4), "0.500"),
        (Interval(value=0.5, high=0.6), "0.500"),
        (Interval(reason="no frauds here"), "–"),
    ],
)
def test_intervals_read_as_text(interval: Interval, text: str) -> None:
    assert interval.text() == text
    assert Interval(value=0.00112345, low=0.0009, high=0.00134).text(5) == "0.00112 (0.00090 to 0.00134)"
    assert Interval(value=0.00112345).text(5) == "0.00112"
