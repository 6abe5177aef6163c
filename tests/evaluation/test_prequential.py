"""Prequential folds and the precision among owners, against what the words say of small tables."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.prequential import (
    AVERAGE_PRECISION,
    OWNER_PRECISION,
    ROC_AUC,
    JudgedFold,
    PrequentialPlan,
    owner_precision,
    prequential_folds,
    read_folds,
)

DAYS = 14
DAY = np.repeat(np.arange(DAYS), 5)
OWNER = np.tile(np.arange(5), DAYS)
PLAN = PrequentialPlan(learned_days=4, delay_days=2, judged_days=3, folds=2, blocked_days=3)


def labels(*positive: tuple[int, int]) -> np.ndarray:
    """Return outcomes that are positive on these days of these owners."""
    found = np.zeros(DAY.size, dtype=np.int8)
    for day, owner in positive:
        found[(day == DAY) & (owner == OWNER)] = 1
    return found


def test_folds_learn_wait_and_judge_each_a_step_earlier() -> None:
    label = labels((3, 0), (6, 1), (9, 2), (12, 3), (13, 0))
    first, second = prequential_folds(DAY, label, OWNER, PLAN)
    assert set(DAY[first.learned]) == {5, 6, 7, 8}
    assert set(DAY[first.judged]) == {11, 12, 13}
    assert set(DAY[second.learned]) == {2, 3, 4, 5}
    assert set(DAY[second.judged]) == {8, 9, 10}


def test_owners_that_are_known_by_then_are_not_judged() -> None:
    label = labels((3, 0), (6, 1), (9, 2), (10, 4), (12, 3), (13, 0))
    first, second = prequential_folds(DAY, label, OWNER, PLAN)
    # The first fold stops learning before day 9: owner 1 is known from day 6 on, owner 2 once day 9 is more than two days past.
    assert [set(OWNER[first.judged & (day == DAY)]) for day in (11, 12, 13)] == [{0, 2, 3, 4}, {0, 3, 4}, {0, 3}]
    # The second stops before day 6: owner 0 of day 3 is known; owner 1 of day 6 from day 9 on.
    assert [set(OWNER[second.judged & (day == DAY)]) for day in (8, 9, 10)] == [{1, 2, 3, 4}, {2, 3, 4}, {2, 3, 4}]


def test_all_days_are_learned_from_where_no_number_is_said() -> None:
    label = labels((3, 0), (6, 1), (9, 2), (12, 3), (13, 0))
    plan = PrequentialPlan(learned_days=None, delay_days=2, judged_days=3, folds=1, blocked_days=3)
    (fold,) = prequential_folds(DAY, label, OWNER, plan)
    assert set(DAY[fold.learned]) == set(range(9))


def test_too_few_days_and_one_class_are_refused() -> None:
    label = labels((3, 0), (6, 1), (9, 2), (12, 3), (13, 0))
    with pytest.raises(DataError, match="14 days, too few for 4 folds"):
        prequential_folds(DAY, label, OWNER, PrequentialPlan(learned_days=4, delay_days=2, judged_days=3, folds=4))
    with pytest.raises(DataError, match="rows of one class only to judge"):
        prequential_folds(DAY, labels((6, 1)), OWNER, PLAN)


def test_owners_are_checked_once_and_found_ones_no_more() -> None:
    owner = np.array([1, 1, 2, 3, 1, 2, 3, 4])
    day = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    label = np.array([0, 1, 0, 0, 1, 1, 0, 0], dtype=np.int8)
    score = np.array([0.2, 0.9, 0.8, 0.1, 0.95, 0.3, 0.7, 0.6])
    # Day 0: owners 1 and 2 are checked, 1 is found. Day 1: without 1, 3 and 4 are checked, and 2 is missed.
    assert owner_precision(label, score, owner, day, 2) == pytest.approx((1 / 2 + 0) / 2)
    assert owner_precision(label, score, owner, day, 3) == pytest.approx((1 / 3 + 1 / 3) / 2)


def test_readings_are_means_of_folds_and_their_intervals_draw_owners() -> None:
    generator = np.random.default_rng(4)
    folds = []
    for rows in (600, 900):
        owner = generator.integers(0, 60, rows)
        label = ((owner < 8) & (generator.random(rows) < 0.7)).astype(np.int8)
        score = label * 0.8 + 0.7 * generator.random(60)[owner] + 0.3 * generator.random(rows)
        folds.append(JudgedFold(label, score, owner, generator.integers(0, 7, rows)))
    found = read_folds(folds, checked=5, samples=60, seed=3)
    assert set(found) == {AVERAGE_PRECISION, ROC_AUC, OWNER_PRECISION}
    for name, interval in found.items():
        assert interval.value == pytest.approx(np.mean([fold.read(5)[name] for fold in folds]))
        assert interval.low is not None and interval.high is not None and interval.low < interval.value < interval.high
    alone = [JudgedFold(each.label, each.score, np.arange(each.label.size), each.day) for each in folds]
    rows_drawn = read_folds(alone, checked=5, samples=60, seed=3)[AVERAGE_PRECISION]
    owners_drawn = found[AVERAGE_PRECISION]
    assert rows_drawn.value == owners_drawn.value
    assert (owners_drawn.high or 0) - (owners_drawn.low or 0) > 1.5 * ((rows_drawn.high or 0) - (rows_drawn.low or 0))
