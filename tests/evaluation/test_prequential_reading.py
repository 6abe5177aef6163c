"""Readings by owners, against counts made by hand, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.evaluation.prequential.owner_days import OwnerDays
from fusionguard.evaluation.prequential.reading import FoldsReader, JudgedRows, perfect_precision
from fusionguard.evaluation.prequential.report import AMOUNT_RECALL, OWNER_PRECISION, RECALL
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC

# Two days of five owners. Day 0: owner 0 has two rows, of which the higher counts.
OWNER = np.array([0, 0, 1, 2, 0, 1, 2, 3, 4])
DAY = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
LABEL = np.array([0, 1, 0, 0, 1, 1, 0, 0, 1], dtype=np.int8)
SCORE = np.array([0.2, 0.9, 0.8, 0.1, 0.95, 0.3, 0.7, 0.6, 0.2])
AMOUNT = np.array([7.0, 10.0, 7.0, 7.0, 300.0, 40.0, 7.0, 7.0, 50.0])
JUDGED = JudgedRows(LABEL, OWNER, DAY, np.ones(9), AMOUNT)


def owner_precision(checked: int, copies: list[float] | None = None) -> float:
    given = None if copies is None else np.array(copies)
    return OwnerDays(LABEL, SCORE, OWNER, DAY, checked).check(given).precision


def test_owners_are_looked_at_once_a_day_and_found_ones_no_more() -> None:
    # Day 0: owners 0 and 1 are looked at, 0 is found. Day 1: without 0, 2 and 3 are looked at, and 1 and 4 are missed.
    assert owner_precision(2) == pytest.approx((1 / 2 + 0 / 2) / 2)
    # Three: 0, 1, 2 on day 0; 2, 3 and 1 on day 1. If 0 were looked at again, it would be 2 and 3 beside it, and 1 again.
    assert owner_precision(3) == pytest.approx((1 / 3 + 1 / 3) / 2)
    # Day 0 has three owners: the two that are lacking count as negative.
    assert owner_precision(5) == pytest.approx((1 / 5 + 2 / 5) / 2)
    assert perfect_precision(JUDGED, 2) == pytest.approx((1 / 2 + 2 / 2) / 2)


def test_copies_of_an_owner_are_looked_at_one_by_one() -> None:
    # Three of owner 0: day 0 takes two of them; the third is found on day 1, beside one of owner 2.
    assert owner_precision(2, [3, 1, 1, 1, 1]) == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert owner_precision(2, [0, 1, 1, 1, 1]) == 0.0
    drawn = np.array([0, 0, 0, 1, 2, 3, 4])
    rows = np.concatenate([np.flatnonzero(each == OWNER) for each in drawn])
    renamed = np.concatenate([np.full(np.count_nonzero(each == OWNER), name) for name, each in enumerate(drawn)])
    as_owners = OwnerDays(LABEL[rows], SCORE[rows], renamed, DAY[rows], 3).check().precision
    assert owner_precision(3, [3, 1, 1, 1, 1]) == pytest.approx(as_owners)


def test_recall_counts_rows_of_owners_that_are_looked_at_or_were_found() -> None:
    reader = FoldsReader([JUDGED], checked=2, edges=(20.0, 45.0), samples=3, seed=1)
    read = reader.read([SCORE])
    # Of the positive rows of 10, 300, 40 and 50, owner 0's are caught: 10 when it is found, and 300 because it was.
    mean = read.mean()
    assert mean[RECALL].value == pytest.approx(2 / 4)
    assert mean[AMOUNT_RECALL].value == pytest.approx((10 + 300) / 400)
    assert [read.band(number).value for number in range(3)] == pytest.approx([1 / 1, 0 / 1, 1 / 2])
    assert read.positives[0].tolist() == [1, 1, 2]
    three = FoldsReader([JUDGED], checked=3, edges=(20.0, 45.0), samples=3, seed=1).read([SCORE]).mean()
    assert three[RECALL].value == pytest.approx(3 / 4)
    assert three[AMOUNT_RECALL].value == pytest.approx((10 + 300 + 40) / 400)


def test_without_amounts_there_is_no_recall_of_them_and_rows_count_as_often_as_they_stand_for() -> None:
    weight = np.where(LABEL == 0, 4.0, 1.0)
    read = FoldsReader([JudgedRows(LABEL, OWNER, DAY, weight)], checked=2, edges=(), samples=2, seed=1).read([SCORE]).mean()
    assert set(read) == {AVERAGE_PRECISION, ROC_AUC, OWNER_PRECISION, RECALL}
    # By falling score: + (0.95), + (0.9), - (0.8), - (0.7), - (0.6), + (0.3), then a tie of one of each (0.2), - (0.1).
    assert read[AVERAGE_PRECISION].value == pytest.approx((1 + 1 + 3 / (3 + 12) + 4 / (4 + 16)) / 4)


def test_what_is_given_back_is_at_stake_without_its_sign() -> None:
    ones = np.ones(4, dtype=np.int64)
    label, amount = np.array([1, 1, 0, 1], dtype=np.int8), np.array([-30.0, 12.0, -5.0, np.nan])
    assert JudgedRows(label, ones, ones, np.ones(4), amount).at_stake().tolist() == [30.0, 12.0, 0.0, 0.0]


def table(rows: int = 900, seed: int = 4) -> tuple[JudgedRows, np.ndarray]:
    """Return rows of 60 owners who are alike within themselves, with scores."""
    generator = np.random.default_rng(seed)
    owner = generator.integers(0, 60, rows)
    label = ((owner < 8) & (generator.random(rows) < 0.7)).astype(np.int8)
    score = label * 0.4 + 0.7 * generator.random(60)[owner] + 0.3 * generator.random(rows)
    return JudgedRows(label, owner, generator.integers(0, 7, rows), np.ones(rows)), score


def width(low: float | None, high: float | None) -> float:
    assert low is not None and high is not None
    return high - low


def test_intervals_draw_owners_and_not_rows() -> None:
    (first, one), (second, other) = table(600), table(900, seed=5)
    found = FoldsReader([first, second], checked=5, edges=(), samples=60, seed=3).read([one, other])
    for name, interval in found.mean().items():
        assert interval.value == pytest.approx(np.mean([found.fold(number)[name].value for number in (0, 1)]))
        assert interval.low is not None and interval.high is not None and interval.low <= interval.value <= interval.high
    apart = [JudgedRows(each.label, np.arange(each.label.size), each.day, each.weight) for each in (first, second)]
    rows_drawn = FoldsReader(apart, checked=5, edges=(), samples=60, seed=3).read([one, other]).mean()[AVERAGE_PRECISION]
    owners_drawn = found.mean()[AVERAGE_PRECISION]
    assert rows_drawn.value == owners_drawn.value
    assert width(owners_drawn.low, owners_drawn.high) > 1.5 * width(rows_drawn.low, rows_drawn.high)


def test_a_draw_is_the_same_as_a_table_of_the_drawn_owners() -> None:
    judged, score = table(400)
    reader = FoldsReader([judged], checked=5, edges=(), samples=1, seed=9)
    drawn = np.random.default_rng(9).integers(0, judged.owners.size, judged.owners.size)
    parts = [np.flatnonzero(judged.owner == judged.owners[each]) for each in drawn]
    rows, renamed = np.concatenate(parts), np.repeat(np.arange(len(parts)), [part.size for part in parts])
    copied = JudgedRows(judged.label[rows], renamed, judged.day[rows], judged.weight[rows])
    whole = FoldsReader([copied], checked=5, edges=(), samples=0, seed=0).read([score[rows]])
    assert reader.read([score]).values[1, 0, :4] == pytest.approx(whole.values[0, 0, :4])


def test_two_models_are_compared_on_the_same_draws() -> None:
    judged, score = table()
    reader = FoldsReader([judged, judged], checked=5, edges=(), samples=40, seed=2)
    worse = score - 0.4 * judged.label
    read, other = reader.read([score, score]), reader.read([worse, None])
    assert other.mean().keys() == set() and other.mean([0])[AVERAGE_PRECISION].value is not None
    change = read.change(other, [0])[AVERAGE_PRECISION]
    gain = (read.mean([0])[AVERAGE_PRECISION].value or 0) - (other.mean([0])[AVERAGE_PRECISION].value or 0)
    assert change.value == pytest.approx(gain) and change.low > 0 and change.probability_better == 1
    assert read.change(read)[AVERAGE_PRECISION].model_dump() == {"value": 0, "low": 0, "high": 0, "probability_better": 0}
