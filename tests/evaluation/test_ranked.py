"""The sorted readings against plain definitions: rows with ties, weights that all differ, draws that leave rows out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from fusionguard.evaluation.ranked import CalibrationBins, Ranking, TopAlerts
from fusionguard.evaluation.scored import Floats

DAY = 86_400


@dataclass(frozen=True)
class Rows:
    """Rows in no order, and three sets of weights for them: one that counts all, and two draws with zeros."""

    label: np.ndarray
    score: Floats
    time: np.ndarray
    weights: tuple[Floats, ...]


def _drawn(seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 40))
    label = (rng.random(size) < rng.choice([0.1, 0.4, 0.8])).astype(np.int8)
    label[:2] = (0, 1)
    steps = rng.choice([1, 3, 8, 1000])
    score = np.round(np.clip(rng.beta(0.7, 1.3, size) + 0.2 * label, 0, 1) * steps) / steps
    time = 5_000 + rng.integers(0, rng.choice([500, 90_000, 300_000]), size)
    weight = rng.uniform(0.02, 3.0, size)
    draws = [weight * rng.poisson(1.0, size) for _ in range(2)]
    for draw in draws:
        draw[:2] = weight[:2]  # both classes stay
    order = rng.permutation(size)
    return Rows(label[order], score[order], time[order], tuple(each[order] for each in (weight, *draws)))


ROWS = [_drawn(seed) for seed in range(40)]


def _thresholds(rows: Rows, weight: Floats) -> list[tuple[float, float]]:
    """Recall and false positives' weight at every threshold, from the highest down."""
    found = [(0.0, 0.0)]
    for value in np.unique(rows.score)[::-1]:
        flagged = weight * (rows.score >= value)
        found.append((float(np.sum(flagged * rows.label)), float(np.sum(flagged * (1 - rows.label)))))
    return found


def test_average_precision_is_the_sum_of_precision_over_steps_of_recall() -> None:
    for rows in ROWS:
        ranking = Ranking(rows.label, rows.score)
        for weight in rows.weights:
            steps = _thresholds(rows, weight)
            expected = sum(
                (caught - before) * caught / (caught + false)
                for (before, _), (caught, false) in pairwise(steps)
                if caught > before
            )
            assert ranking.average_precision(weight) == pytest.approx(expected / steps[-1][0], abs=1e-12)


def test_the_area_is_the_share_of_pairs_that_are_ranked_right() -> None:
    for rows in ROWS:
        ranking, fraud = Ranking(rows.label, rows.score), rows.label == 1
        higher = rows.score[fraud][:, None] - rows.score[~fraud][None, :]
        for weight in rows.weights:
            pairs = weight[fraud][:, None] * weight[~fraud][None, :]
            expected = np.sum(pairs * ((higher > 0) + 0.5 * (higher == 0))) / pairs.sum()
            assert ranking.roc_auc(weight) == pytest.approx(expected, abs=1e-12)


def test_recall_is_the_highest_that_the_false_positive_rate_allows() -> None:
    for rows in ROWS:
        ranking = Ranking(rows.label, rows.score)
        for weight in rows.weights:
            steps = _thresholds(rows, weight)
            caught_in_all, false_in_all = steps[-1]
            for rate in (0.0, 0.13, 0.5, 1.0, *(false / false_in_all for _, false in steps)):
                allowed = [caught for caught, false in steps if false <= rate * false_in_all + 1e-12]
                assert ranking.recall_at_false_positive_rate(weight, rate) == pytest.approx(
                    max(allowed) / caught_in_all, abs=1e-12
                )


@pytest.mark.parametrize("alerts", [0.4, 3.7, 21.0, 1e6])
def test_each_days_alerts_are_taken_from_the_top(alerts: float) -> None:
    for rows in ROWS:
        elapsed = rows.time - rows.time.min()
        top = TopAlerts(rows.label, rows.score, rows.time, alerts)
        for weight in rows.weights:
            looked_at = caught = 0.0
            for day in range(int(elapsed.max()) // DAY + 1):
                own = (elapsed >= day * DAY) & (elapsed < (day + 1) * DAY)
                left = alerts * min(1.0, (elapsed.max() + 1 - day * DAY) / DAY)
                for value in np.unique(rows.score[own])[::-1]:
                    tied = own & (rows.score == value)
                    total = weight[tied].sum()
                    part = min(total, left)
                    left -= part
                    looked_at += part
                    caught += part * float(np.sum((weight * rows.label)[tied])) / total if total else 0.0
            assert top.precision(weight) == pytest.approx(caught / looked_at, abs=1e-12)


@pytest.mark.parametrize("bins", [1, 2, 3, 20])
def test_a_run_of_equal_probabilities_is_in_the_bin_of_its_middle(bins: int) -> None:
    for rows in ROWS:
        reading = CalibrationBins(rows.label, rows.score, bins)
        for weight in rows.weights:
            gaps, below = np.zeros(bins), 0.0
            for value in np.unique(rows.score):
                own = rows.score == value
                middle = (below + weight[own].sum() / 2) / weight.sum()
                number = sum(1 for cut in range(1, bins) if middle >= cut / bins)
                gaps[number] += np.sum((weight * (rows.score - rows.label))[own])
                below += weight[own].sum()
            assert reading.error(weight) == pytest.approx(np.abs(gaps).sum() / weight.sum(), abs=1e-9)


def test_the_last_day_may_be_a_second_or_whole_and_another_may_hold_nothing() -> None:
    """Days count from the first second; the last one gets the share of the alerts that its seconds are of a day."""
    label, score = np.array([1, 0, 1, 0], dtype=np.int8), np.array([0.9, 0.8, 0.7, 0.6])
    weight = np.array([2.0, 3.0, 0.5, 4.0])
    for last, quota in ((0, 1 / DAY), (1, 2 / DAY), (DAY - 1, 1.0)):
        time = 700 + np.array([0, 5, 2 * DAY, 2 * DAY + last])
        # 2 + 1 of the first day's; of the last day's 3 times its share, the fraud (0.5) first
        expected = (2 + min(0.5, 3 * quota)) / (3 + 3 * quota)
        assert TopAlerts(label, score, time, 3).precision(weight) == pytest.approx(expected, abs=1e-12)


def test_readings_without_a_value_are_nan() -> None:
    label, score = np.array([1, 0, 1], dtype=np.int8), np.array([0.9, 0.4, 0.2])
    ranking = Ranking(label, score)
    no_fraud, no_other, nothing = np.array([0.0, 2.0, 0.0]), np.array([0.5, 0.0, 0.25]), np.zeros(3)
    for weight in (no_fraud, nothing):
        assert np.isnan(ranking.average_precision(weight))
    for weight in (no_fraud, no_other, nothing):
        assert np.isnan(ranking.roc_auc(weight))
        assert np.isnan(ranking.recall_at_false_positive_rate(weight, 0.5))
    assert ranking.average_precision(no_other) == 1
    assert np.isnan(TopAlerts(label, score, np.arange(3), 5).precision(nothing))
    assert np.isnan(CalibrationBins(label, score, 4).error(nothing))


def test_rows_without_a_fraud_have_no_ranking_but_alerts_and_errors() -> None:
    label, score, weight = np.zeros(3, dtype=np.int8), np.array([0.5, 0.25, 0.25]), np.array([1.0, 2.0, 4.0])
    assert np.isnan(Ranking(label, score).average_precision(weight))
    assert TopAlerts(label, score, np.arange(3), 1e6).precision(weight) == 0
    assert CalibrationBins(label, score, 4).error(weight) == pytest.approx((0.5 + 0.5 + 1) / 7)


def test_small_weights_count_like_large_ones() -> None:
    rows = _drawn(3)
    weight = rows.weights[0]
    for small in (weight * 1e-3, weight * 1e3):
        assert Ranking(rows.label, rows.score).average_precision(small) == pytest.approx(
            Ranking(rows.label, rows.score).average_precision(weight)
        )
        assert Ranking(rows.label, rows.score).roc_auc(small) == pytest.approx(Ranking(rows.label, rows.score).roc_auc(weight))
        assert Ranking(rows.label, rows.score).recall_at_false_positive_rate(small, 0.3) == pytest.approx(
            Ranking(rows.label, rows.score).recall_at_false_positive_rate(weight, 0.3)
        )
        assert CalibrationBins(rows.label, rows.score, 5).error(small) == pytest.approx(
            CalibrationBins(rows.label, rows.score, 5).error(weight)
        )


def test_no_rows_have_no_reading_and_one_row_has_its_own() -> None:
    nothing = np.zeros(0)
    assert np.isnan(Ranking(nothing.astype(np.int8), nothing).average_precision(nothing))
    assert np.isnan(CalibrationBins(nothing.astype(np.int8), nothing, 3).error(nothing))
    fraud, score, weight = np.ones(1, dtype=np.int8), np.array([0.3]), np.array([0.25])
    assert Ranking(fraud, score).average_precision(weight) == 1
    assert TopAlerts(fraud, score, np.array([9]), 2 * DAY).precision(weight) == 1
    assert CalibrationBins(fraud, score, 3).error(weight) == pytest.approx(0.7)


def test_the_last_run_of_equal_probabilities_stays_in_one_bin() -> None:
    """Of 6 in all, 0.6 is predicted for 5, of which 3 are fraud: what is too much and too little there evens out."""
    label, probability = np.array([0, 0, 1], dtype=np.int8), np.array([0.1, 0.6, 0.6])
    assert CalibrationBins(label, probability, 20).error(np.array([1.0, 2.0, 3.0])) == pytest.approx(0.1 / 6)
