"""Which rows folds in time learn from and judge, against what the words say of small tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.planned_rows import NEVER
from fusionguard.evaluation.prequential.folds import (
    DatedRows,
    PrequentialPlan,
    has_days,
    learned_rows,
    prequential_folds,
    wait_days,
)

DAYS, SECONDS_PER_DAY = 14, 86_400
DAY = np.repeat(np.arange(DAYS), 5)
OWNER = np.tile(np.arange(5), DAYS)
SECONDS = DAY * SECONDS_PER_DAY + 3_600 * (1 + OWNER)
PLAN = PrequentialPlan(learned_days=4, wait_days=2, judged_days=3, folds=2, blocked_days=3)


def dated(*positive: tuple[int, int]) -> DatedRows:
    """Return a row of each owner on each day, whose outcome is positive on these days of these owners."""
    label = np.zeros(DAY.size, dtype=np.int8)
    for day, owner in positive:
        label[(day == DAY) & (owner == OWNER)] = 1
    return DatedRows(label, SECONDS, OWNER)


def test_folds_learn_wait_and_judge_each_a_step_earlier() -> None:
    first, second = prequential_folds(dated((3, 0), (6, 1), (9, 2), (12, 3), (13, 0)), PLAN)
    assert (first.made_day, set(DAY[first.learned]), set(DAY[first.judged])) == (11, {5, 6, 7, 8}, {11, 12, 13})
    assert (second.made_day, set(DAY[second.learned]), set(DAY[second.judged])) == (8, {2, 3, 4, 5}, {8, 9, 10})


@pytest.mark.parametrize("told", [False, True], ids=["by days", "by when outcomes were known"])
def test_owners_that_are_known_by_then_are_not_judged(told: bool) -> None:
    rows = dated((3, 0), (6, 1), (9, 2), (10, 4), (12, 3), (13, 0))
    rows = replace(rows, known=SECONDS + 2 * SECONDS_PER_DAY) if told else rows
    first, second = prequential_folds(rows, PLAN)
    # The first fold stops learning before day 9: owner 1 is known from day 6 on, owner 2 once day 9 is more than two days past.
    assert [set(OWNER[first.judged & (day == DAY)]) for day in (11, 12, 13)] == [{0, 2, 3, 4}, {0, 3, 4}, {0, 3}]
    # The second stops before day 6: owner 0 of day 3 is known; owner 1 of day 6 from day 9 on.
    assert [set(OWNER[second.judged & (day == DAY)]) for day in (8, 9, 10)] == [{1, 2, 3, 4}, {2, 3, 4}, {2, 3, 4}]
    assert (first.blocked_rows, second.blocked_rows) == (1 + 2 + 3, 1 + 2 + 2)


def test_an_outcome_that_is_known_later_blocks_nobody_and_is_not_learned_before() -> None:
    rows = dated((3, 0), (6, 1), (7, 2), (9, 2), (12, 3), (13, 0))
    known = SECONDS + 2 * SECONDS_PER_DAY
    late = (DAY == 6) & (OWNER == 1)
    known[late] = 12 * SECONDS_PER_DAY - 1
    (fold,) = prequential_folds(replace(rows, known=known), replace(PLAN, folds=1))
    assert not fold.learned[late].any() and np.count_nonzero(fold.learned) == 4 * 5 - 1
    assert [1 in OWNER[fold.judged & (day == DAY)] for day in (11, 12, 13)] == [True, False, False]


def test_owners_are_not_judged_once_they_were_reported() -> None:
    rows = dated((2, 4), (3, 0), (6, 1), (7, 2), (9, 3), (12, 3), (13, 0))
    # A row without a date is honest two days later; what is dated is told sooner, later, and long after it happened.
    told, known = np.full(DAY.size, NEVER), SECONDS + 2 * SECONDS_PER_DAY
    second = {(day, owner): 86_400 * at + 3_600 * hour for day, owner, at, hour in DATES}
    for (day, owner), at in second.items():
        told[(day == DAY) & (owner == OWNER)] = at
        known[(day == DAY) & (owner == OWNER)] = max(at, 86_400 * (day + 2) + 3_600 * (1 + owner))
    rows = replace(rows, known=known, told=told)
    for plan in (
        PLAN,
        replace(PLAN, wait_days=1, learned_days=6),
        replace(PLAN, blocked_days=0),
        replace(PLAN, blocked_days=None),
    ):
        for number, fold in enumerate(prequential_folds(rows, plan)):
            first = 11 - 3 * number
            assert (set(np.flatnonzero(fold.learned)), set(np.flatnonzero(fold.judged))) == _slowly(rows, plan, first, second)
    first, second_fold = prequential_folds(rows, PLAN)
    # Owner 1 was told on day 11 at 2:00, the hour of its row there, owner 4 only on day 12 at 5:30 of what was on day 2.
    assert [set(OWNER[first.judged & (day == DAY)]) for day in (11, 12, 13)] == [{0, 1, 3, 4}, {0, 3, 4}, {0, 3}]
    assert 0 not in OWNER[second_fold.judged]  # told on day 3


DATES = ((2, 4, 12, 5.5), (3, 0, 3, 7), (6, 1, 11, 2), (7, 2, 9, 0), (12, 3, 13, 4), (5, 3, 7, 9), (9, 3, 14, 0), (9, 0, 10, 1))
"""Day and owner of a row, then day and hour in which its outcome was told; those of day 5 and of owner 0 on day 9 are honest."""


def _slowly(rows: DatedRows, plan: PrequentialPlan, first: int, told: dict[tuple[int, int], float]) -> tuple[set[int], set[int]]:
    """Return the places that a fold learns from and judges which begins on a day, row by row."""
    learned, judged = set(), set()
    begin, stop = first - plan.wait_days - (plan.learned_days or 0), first - plan.wait_days
    reported = [(owner, at) for (day, owner), at in told.items() if rows.label[(day == DAY) & (owner == OWNER)].any()]
    since = 0 if plan.blocked_days is None else 86_400 * (first - plan.wait_days - plan.blocked_days)
    for place, (day, owner, second) in enumerate(zip(DAY, OWNER, SECONDS, strict=True)):
        known = max(told.get((day, owner), 0), 86_400 * (day + 2) + 3_600 * (1 + owner))
        if begin <= day < stop and known <= first * 86_400:
            learned.add(place)
        if first <= day < first + plan.judged_days and not any(whose == owner and since <= at < second for whose, at in reported):
            judged.add(place)
    return learned, judged


def test_before_a_stop_outcomes_that_never_come_are_not_judged_and_at_the_end_they_are_as_they_stand() -> None:
    rows = dated((3, 0), (6, 1), (9, 2), (10, 3), (12, 3), (13, 0))
    known = np.where((DAY == 10) & (OWNER == 4), NEVER, SECONDS + 2 * SECONDS_PER_DAY)
    plan = replace(PLAN, folds=1, stop_day=11)
    (stopped,) = prequential_folds(replace(rows, known=known), plan)
    assert set(DAY[stopped.judged]) == {8, 9, 10} and stopped.made_day == 8
    assert not stopped.judged[(DAY == 10) & (OWNER == 4)].any() and stopped.judged[(DAY == 9) & (OWNER == 4)].all()
    unknown = np.where(DAY == 13, NEVER, known)
    (last,) = prequential_folds(replace(rows, known=unknown), replace(PLAN, folds=1))
    assert 13 in DAY[last.judged]


def test_all_days_are_learned_from_where_no_number_is_said() -> None:
    rows = dated((3, 0), (6, 1), (9, 2), (12, 3), (13, 0))
    (fold,) = prequential_folds(rows, replace(PLAN, learned_days=None, folds=1))
    assert set(DAY[fold.learned]) == set(range(9))


def test_older_models_learn_from_what_was_known_when_they_were_made() -> None:
    rows = dated((3, 0))
    assert set(DAY[learned_rows(rows, PLAN, 11 - 3)]) == {2, 3, 4, 5}
    assert has_days(rows, PLAN, 6) and not has_days(rows, PLAN, 5)
    assert has_days(rows, replace(PLAN, learned_days=None), 3) and not has_days(rows, replace(PLAN, learned_days=None), 2)


def test_the_wait_is_that_of_the_outcomes() -> None:
    assert wait_days(dated((3, 0))) == 0
    known = np.where(DAY > 11, NEVER, SECONDS + SECONDS_PER_DAY * 9 // 4)
    assert wait_days(replace(dated((3, 0)), known=known)) == 3
    with pytest.raises(DataError, match="No outcome is known"):
        wait_days(replace(dated((3, 0)), known=np.full(DAY.size, NEVER)))


def test_too_few_days_and_one_class_are_refused_with_what_to_change() -> None:
    rows = dated((3, 0), (6, 1), (9, 2), (12, 3), (13, 0))
    with pytest.raises(
        DataError, match="There are 14 days, and 4 folds need 18: to learn from 4, to wait 2, and to judge 3 each"
    ) as found:
        prequential_folds(rows, replace(PLAN, folds=4))
    assert "Set validation.folds to 2 at most" in str(found.value)
    later = DatedRows(rows.label, SECONDS + 19_000 * SECONDS_PER_DAY, OWNER)
    with pytest.raises(DataError, match="There are 14 days, and 4 folds need 18"):
        prequential_folds(later, replace(PLAN, folds=4))
    with pytest.raises(DataError, match="There are 5 days before the test slice, and 1 fold needs 9: "):
        prequential_folds(rows, replace(PLAN, folds=1, stop_day=5))
    with pytest.raises(DataError, match="Fold 1 of 2 has 12 rows to judge, of one class only"):
        prequential_folds(dated((6, 1)), PLAN)


@pytest.mark.parametrize(
    ("plan", "remedy"),
    [
        ({"learned_days": 10}, "Learn from fewer days (validation.train), or"),
        ({"learned_days": None, "judged_days": 12}, "Judge fewer days (validation.test), or"),
        ({"learned_days": 4, "wait_days": 13}, "Lower validation.wait where outcomes are known sooner, or"),
        ({"learned_days": None, "wait_days": 40}, "Lower validation.wait where outcomes are known sooner, or"),
    ],
)
def test_what_to_change_would_make_room(plan: dict[str, int | None], remedy: str) -> None:
    with pytest.raises(DataError) as found:
        prequential_folds(dated((3, 0), (6, 1), (13, 0)), replace(PLAN, folds=1, **plan))
    assert f"{remedy} give rows of a longer time." in str(found.value)


@pytest.mark.full
def test_folds_of_the_published_transactions_are_those_of_the_published_protocol(real_data: Path) -> None:
    read = pq.read_table(
        real_data / "card_transactions" / "transactions.parquet", columns=["TX_TIME_SECONDS", "CUSTOMER_ID", "TX_FRAUD"]
    )
    seconds, customer, fraud = (read[name].to_numpy().astype(np.int64) for name in read.column_names)
    rows = DatedRows(fraud.astype(np.int8), seconds, customer, seconds + 7 * SECONDS_PER_DAY)
    for number, fold in enumerate(prequential_folds(rows, PrequentialPlan())):
        # Le Borgne et al. (2022), chapter 5: the training set, and the test set day by day without customers known so far.
        begin = rows.last_day + 1 - 21 - 7 * number
        learned = (rows.day >= begin) & (rows.day < begin + 7)
        compromised, asked = set(customer[learned & (fraud == 1)]), np.zeros(fraud.size, dtype=np.bool_)
        for day in range(7):
            compromised |= set(customer[(rows.day == begin + 7 + day - 1) & (fraud == 1)])
            asked |= (rows.day == begin + 14 + day) & ~np.isin(customer, list(compromised))
        assert np.array_equal(fold.learned, learned) and np.array_equal(fold.judged, asked)
