"""The split is chronological, whole, and refuses slices that cannot be used."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from fusionguard.config import SplitConfig
from fusionguard.errors import DataError
from fusionguard.evaluation.planned_rows import PlannedColumns, PlannedRows
from fusionguard.evaluation.splits import Slice, SplitPlan, plan_split

COLUMNS = PlannedColumns(label="outcome", time="second")


def _rows(seconds: list[int], label: list[int]) -> PlannedRows:
    return PlannedRows(np.array(label, np.int8), np.array(seconds), columns=COLUMNS)


def test_slices_follow_each_other_in_time_and_cover_every_row() -> None:
    rows = _rows(list(range(100)), [0, 1] * 50)
    slices = list(plan_split(rows, SplitConfig()).slices().values())
    assert [(part.start, part.stop) for part in slices] == [(0, 60), (60, 70), (70, 80), (80, 100)]
    for before, after in pairwise(slices):
        assert before.last_second < after.first_second
    assert [part.positives for part in slices] == [30, 5, 5, 10]


def test_shares_are_rounded_to_the_nearest_row_and_seconds_are_those_of_the_rows() -> None:
    """Of 103 rows, 46.35, 66.95 and 82.4 are wanted before the cuts."""
    rows = _rows([7 * row + 3 for row in range(103)], [int(row % 3 == 0) for row in range(103)])
    plan = plan_split(rows, SplitConfig(train=0.45, validation=0.2, calibration=0.15, test=0.2))
    assert plan == SplitPlan(
        columns=COLUMNS,
        train=Slice(start=0, stop=46, first_second=3, last_second=318, positives=16),
        validation=Slice(start=46, stop=67, first_second=325, last_second=465, positives=7),
        calibration=Slice(start=67, stop=82, first_second=472, last_second=570, positives=5),
        test=Slice(start=82, stop=103, first_second=577, last_second=717, positives=7),
    )
    assert plan.slices() == {name: getattr(plan, name) for name in ("train", "validation", "calibration", "test")}
    assert plan.validation.rows == 21


def test_a_slice_of_one_row_takes_the_frauds_it_needs_from_the_one_before() -> None:
    rows = _rows(list(range(100)), [0, 1] * 50)
    slices = plan_split(rows, SplitConfig(train=0.6, validation=0.2, calibration=0.19, test=0.01)).slices().values()
    assert [(part.start, part.stop) for part in slices] == [(0, 60), (60, 80), (80, 91), (91, 100)]


def test_rows_of_one_second_stay_together() -> None:
    rows = _rows(sorted([*range(90), *[59] * 10]), [0, 1] * 50)
    plan = plan_split(rows, SplitConfig())
    assert plan.train.last_second < plan.validation.first_second == 59


def _frauds_at(rows: int, places: list[int]) -> list[int]:
    return [int(row in places) for row in range(rows)]


def test_cuts_move_as_little_as_is_needed_for_frauds_in_each_slice() -> None:
    """By shares the cuts are 60, 70 and 80: validation has no fraud there, and takes its five from train and calibration.

    Of the twenty frauds, five are left for train, the very first row among them.
    """
    places = [0, 7, 11, 19, 30, 41, 55, 57, 72, 74, 75, 77, 79, 83, 86, 91, 94, 97, 98, 99]
    plan = plan_split(_rows(list(range(100)), _frauds_at(100, places)), SplitConfig())
    slices = list(plan.slices().values())
    assert [(part.start, part.stop) for part in slices] == [(0, 41), (41, 75), (75, 87), (87, 100)]
    assert [part.positives for part in slices] == [5, 5, 5, 5]


@pytest.mark.parametrize(("frauds", "least"), [(4, 1), (7, 1), (8, 2), (13, 3), (19, 4), (20, 5), (33, 5)])
@pytest.mark.parametrize("seed", range(4))
def test_few_frauds_are_shared_out_in_order_of_time(frauds: int, least: int, seed: int) -> None:
    draw = np.random.default_rng((seed, frauds))
    places = sorted(draw.choice(900, frauds, replace=False).tolist())
    seconds = np.cumsum(draw.integers(1, 5, 900)).tolist()
    plan = plan_split(_rows(seconds, _frauds_at(900, places)), SplitConfig())
    slices = list(plan.slices().values())
    assert slices[0].start == 0 and slices[-1].stop == 900
    for before, after in pairwise(slices):
        assert before.stop == after.start and before.last_second < after.first_second
    assert [part.positives for part in slices] == [sum(part.start <= place < part.stop for place in places) for part in slices]
    assert min(part.positives for part in slices) >= least


def test_a_slice_has_other_rows_too() -> None:
    plan = plan_split(_rows(list(range(100)), [0, 1] * 40 + [1] * 20), SplitConfig())
    assert (plan.test.start, plan.test.stop, plan.test.positives) == (78, 100, 21)


def test_a_slice_of_frauds_alone_is_prolonged_by_one_other_row() -> None:
    """Rows 60 to 74 are frauds, and row 75 is the one that validation lacks; calibration then needs its five frauds."""
    label = [*[0, 1] * 30, *[1] * 15, *[0, 1] * 12, 0]
    slices = plan_split(_rows(list(range(100)), label), SplitConfig()).slices().values()
    assert [(part.start, part.stop) for part in slices] == [(0, 60), (60, 76), (76, 85), (85, 100)]


def test_where_two_frauds_a_slice_cannot_be_one_is_asked_for() -> None:
    """Rows 20 to 22, and 50 and 51, are of one second: two for each later slice would leave train the one of row 10."""
    seconds = list(range(100))
    seconds[20:23], seconds[50:52] = [20] * 3, [50] * 2
    label = _frauds_at(100, [10, 20, 21, 22, 50, 51, 90, 95])
    slices = list(plan_split(_rows(seconds, label), SplitConfig()).slices().values())
    assert [(part.start, part.stop) for part in slices] == [(0, 50), (50, 70), (70, 91), (91, 100)]
    assert [part.positives for part in slices] == [4, 2, 1, 1]


@pytest.mark.parametrize("label", [_frauds_at(100, [4, 30, 71]), [0] * 80 + [1] * 20, [1] * 100, [0] * 100], ids=str)
def test_rows_that_cannot_fill_four_slices_are_refused_with_what_works(label: list[int]) -> None:
    with pytest.raises(DataError, match=f"The 100 rows hold {sum(label)} positive ones, too few or too close") as refused:
        plan_split(_rows(list(range(100)), label), SplitConfig())
    assert "`--source simulated --set data.rows=20000`" in str(refused.value.remedy)


def test_frauds_of_one_second_cannot_be_shared_out() -> None:
    seconds = sorted([*range(90), *[59] * 10])
    label = [int(second == 59) for second in seconds]
    with pytest.raises(DataError, match="hold 11 positive ones, too few or too close together"):
        plan_split(_rows(seconds, label), SplitConfig())


@pytest.mark.parametrize("late", [1, 37, 60, 99])
def test_rows_out_of_order_are_refused(late: int) -> None:
    seconds = np.arange(100)
    seconds[late] -= 2  # all else, and every slice, is as it should be
    with pytest.raises(DataError, match=r"^The feature table is not in order of time\."):
        plan_split(_rows(seconds.tolist(), [0, 1] * 50), SplitConfig())


def test_rows_of_equal_time_are_in_order() -> None:
    seconds = np.repeat(np.arange(50), 2)
    assert plan_split(_rows(seconds.tolist(), [0, 1] * 50), SplitConfig()).test.stop == 100
