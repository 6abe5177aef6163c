"""What a plan reads of a table, and the cases of delays and customers that can be reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.config import HoldoutConfig, SplitConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.holdout import plan_holdout
from fusionguard.evaluation.planned_rows import NEVER, PlannedColumns, PlannedRows
from fusionguard.evaluation.splits import plan_split

DAY = 86_400
DATED = PlannedColumns(label="outcome", time="second", known="known")


def _dated(delay: int, *, end: int = 99) -> PlannedRows:
    """A hundred rows, one a second, every second positive, each known so many seconds later; the data ends at ``end``."""
    label, seconds = np.tile([0, 1], 50).astype(np.int8), np.arange(100)
    known = seconds + delay
    return PlannedRows(label, seconds, np.where(known <= end, known, NEVER), columns=DATED)


def test_an_outcome_that_is_not_known_before_the_data_ends_never_is(tmp_path: Path) -> None:
    file = tmp_path / "features.parquet"
    columns = {"outcome": pa.array([0, 1, 1], pa.int32()), "second": pa.array([5, 8, 9]), "known": pa.array([30, None, 12])}
    pq.write_table(pa.table(columns), file)
    rows = DATED.read(Table(file))
    assert rows.known is not None and rows.known.tolist() == [30, NEVER, 12]
    assert (rows.count, rows.positives, rows.end) == (3, 2, 30)
    assert rows.known_by(11).tolist() == [False, False, False] and rows.known_by(12).tolist() == [False, False, True]
    assert rows.known_by(rows.end).tolist() == [True, False, True]
    again = DATED.taken_from(rows.take(np.array([0, 2])).table())
    assert again.known is not None and (again.label.tolist(), again.known.tolist()) == ([0, 1], [30, 12])


@pytest.mark.parametrize(
    ("end", "cuts", "unknown", "positives"),
    [(99, [57, 66, 78], [0, 0, 2, 3], [28, 5, 5, 9]), (102, [58, 68, 80], [0, 0, 2, 0], [29, 5, 5, 10])],
)
def test_slices_before_the_test_slice_use_what_was_known_when_it_begins(
    end: int, cuts: list[int], unknown: list[int], positives: list[int]
) -> None:
    """Of the 97 or 100 rows known at the end, a fifth is behind the last cut; the others have six parts of eight, one and one."""
    plan = plan_split(_dated(3, end=end), SplitConfig())
    slices = list(plan.slices().values())
    assert [part.start for part in slices[1:]] == cuts
    assert [part.unknown_rows for part in slices] == unknown
    assert [part.positives for part in slices] == positives
    assert [part.known_by for part in slices] == [cuts[-1]] * 3 + [end]
    assert [part.rows for part in slices] == [
        stop - start - none for start, stop, none in zip([0, *cuts], [*cuts, 100], unknown, strict=True)
    ]


def test_the_latest_rows_are_held_out_and_the_folds_before_them_go_forward() -> None:
    rows = _dated(3)
    plan = plan_holdout(rows, "f" * 64, HoldoutConfig(test=0.3, folds=3, repeats=4), seed=1)
    development, test = plan.places(rows)
    assert development.tolist() == list(range(66)) and test.tolist() == list(range(68, 97))
    assert (plan.unknown_rows, plan.unknown_positives, plan.repeats) == (5, 3, 1)
    folds = plan.fold_places(rows.take(development))
    assert [(fitted[-1], places[0], places[-1]) for fitted, places in folds] == [(23, 26, 39), (37, 40, 52), (50, 53, 65)]
    assert all(np.array_equal(fitted, np.arange(fitted[-1] + 1)) for fitted, _ in folds)


def test_outcomes_that_are_known_late_leave_each_slice_its_share_of_those_that_are_known() -> None:
    """One row an hour for 90 days, each sixteenth positive, known after 14 days: the usual cuts leave the test slice nothing."""
    seconds = 3_600 * np.arange(2_160)
    known = np.where(seconds + 14 * DAY <= seconds[-1], seconds + 14 * DAY, NEVER)
    rows = PlannedRows((np.arange(2_160) % 16 == 5).astype(np.int8), seconds, known, columns=DATED)
    slices = plan_split(rows, SplitConfig()).slices()
    assert [(part.rows, part.unknown_rows) for part in slices.values()] == [(843, 0), (141, 0), (140, 335), (365, 336)]
    plan = plan_holdout(rows, "f" * 64, HoldoutConfig(folds=3), seed=1)
    assert (plan.test_rows, plan.development_rows, plan.unknown_rows) == (365, 1_124, 671)
    begins = [part.start for part in slices.values()]
    assert [part.used_seconds for part in slices.values()] == [
        None,
        None,
        (3_600 * begins[2], 3_600 * (begins[2] + 140 - 1)),
        (3_600 * begins[3], 3_600 * (begins[3] + 365 - 1)),
    ], "rows are left out at the end of a slice, which ends at the last one that is used"


def test_the_test_slice_begins_later_where_too_little_was_known_to_learn_from() -> None:
    """Twelve rows a day for ten days, each third positive, known after four: by shares the test slice begins at row 58.

    There rows 0 to 10 are known, two slices' worth of two positive rows; the sixth of them, row 15, is at row 63.
    """
    seconds = 7_200 * np.arange(120)
    known = np.where(seconds + 4 * DAY <= seconds[-1], seconds + 4 * DAY, NEVER)
    rows = PlannedRows((np.arange(120) % 3 == 0).astype(np.int8), seconds, known, columns=DATED)
    slices = plan_split(rows, SplitConfig()).slices().values()
    assert [part.start for part in slices] == [0, 6, 10, 63]
    assert [(part.rows, part.positives) for part in slices] == [(6, 2), (4, 2), (6, 2), (9, 3)]


@pytest.mark.parametrize(("days", "said"), [(8, "are known 8 days after"), (11, "of 120 of 120 rows are not known")])
def test_outcomes_that_are_known_too_late_are_what_a_refusal_names(days: int, said: str) -> None:
    """Twelve rows a day for ten days, a third of them positive: without the delay there are enough."""
    seconds = 7_200 * np.arange(120)
    known = np.where(seconds + days * DAY <= seconds[-1], seconds + days * DAY, NEVER)
    late = PlannedRows((np.arange(120) % 3 == 0).astype(np.int8), seconds, known, columns=DATED)
    plans = (
        lambda rows: plan_split(rows, SplitConfig()),
        lambda rows: plan_holdout(rows, "f" * 64, HoldoutConfig(folds=3), seed=1),
    )
    for plan in plans:
        plan(replace(late, known=late.seconds))
        with pytest.raises(DataError, match=rf"^Outcomes are known too late .*{said}.*`label\.known`.*Give rows of a longer"):
            plan(late)
        with pytest.raises(DataError) as few:
            plan(replace(late, label=(np.arange(120) == 7).astype(np.int8)))
        assert "too few" in few.value.what and "too late" not in few.value.what


def test_a_test_slice_is_known_by_its_seconds_or_by_the_rows_of_its_table() -> None:
    timed = plan_split(_dated(0), SplitConfig())
    assert (timed.learned_seconds, timed.holdout_sha256("a")) == ((0, 79), None)
    label = np.tile([0, 1], 50).astype(np.int8)
    plans = [plan_split(PlannedRows(label), SplitConfig(train=train, validation=0.7 - train)) for train in (0.5, 0.6)]
    assert plans[0].learned_seconds is None and not plans[0].timed
    first, second = (plan.holdout_sha256("a") for plan in plans)
    assert first == second != plans[0].holdout_sha256("b")
    assert first != plan_split(PlannedRows(label), SplitConfig(train=0.5, test=0.3)).holdout_sha256("a")


def test_customers_that_do_not_lie_together_are_refused() -> None:
    rows = PlannedRows(np.tile([0, 1], 50).astype(np.int8), group=np.tile(np.arange(50), 2))
    with pytest.raises(DataError, match="parts the rows of one customer"):
        plan_split(rows, SplitConfig())
