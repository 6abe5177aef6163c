"""What a plan reads of a table, and the cases of delays and customers that can be reckoned by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.config import HoldoutConfig, SplitConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.holdout import plan_holdout
from fusionguard.evaluation.planned_rows import PlannedColumns, PlannedRows
from fusionguard.evaluation.splits import plan_split

DATED = PlannedColumns(label="outcome", time="second", known="known")


def _dated(delay: int, *, computed: bool) -> PlannedRows:
    """A hundred rows, one a second, every second positive, each known so many seconds later."""
    label, seconds = np.tile([0, 1], 50).astype(np.int8), np.arange(100)
    return PlannedRows(label, seconds, seconds + delay, columns=DATED.model_copy(update={"known_computed": computed}))


def test_an_outcome_that_nobody_dates_was_known_at_once(tmp_path: Path) -> None:
    file = tmp_path / "features.parquet"
    columns = {"outcome": pa.array([0, 1, 1], pa.int32()), "second": pa.array([5, 8, 9]), "known": pa.array([30, None, 12])}
    pq.write_table(pa.table(columns), file)
    rows = DATED.read(Table(file))
    assert rows.known is not None and rows.known.tolist() == [30, 8, 12]
    assert (rows.count, rows.positives, rows.end) == (3, 2, 30)
    assert rows.known_by(11).tolist() == [False, True, False] and rows.known_by(12).tolist() == [False, True, True]
    again = DATED.taken_from(rows.take(np.array([0, 2])).table())
    assert again.known is not None and (again.label.tolist(), again.known.tolist()) == ([0, 1], [30, 12])


@pytest.mark.parametrize(("computed", "left_out"), [(True, 3), (False, 0)])
def test_the_data_ends_with_its_last_row_unless_somebody_wrote_down_a_later_outcome(computed: bool, left_out: int) -> None:
    """A slice lacks its last two rows; validation and calibration are two longer each, for five positive rows that are known."""
    plan = plan_split(_dated(3, computed=computed), SplitConfig())
    slices = list(plan.slices().values())
    assert [(part.start, part.stop) for part in slices] == [(0, 60), (60, 72), (72, 84), (84, 100)]
    assert [part.unknown_rows for part in slices] == [2, 2, 2, left_out]
    assert [part.positives for part in slices] == [29, 5, 5, 6 if computed else 8]
    assert [part.known_by for part in slices] == [60, 72, 84, 99 if computed else 102]
    assert [part.rows for part in slices] == [58, 10, 10, 16 - left_out]


def test_the_latest_rows_are_held_out_and_the_folds_before_them_go_forward() -> None:
    rows = _dated(3, computed=True)
    plan = plan_holdout(rows, "f" * 64, HoldoutConfig(test=0.3, folds=3, repeats=4), seed=1)
    development, test = plan.places(rows)
    assert development.tolist() == list(range(68)) and test.tolist() == list(range(70, 97))
    assert (plan.unknown_rows, plan.unknown_positives, plan.repeats) == (5, 3, 1)
    folds = plan.fold_places(rows.take(development))
    assert [(fitted[-1], places[0], places[-1]) for fitted, places in folds] == [(24, 27, 40), (38, 41, 53), (51, 54, 67)]
    assert all(np.array_equal(fitted, np.arange(fitted[-1] + 1)) for fitted, _ in folds)


def test_a_test_slice_is_known_by_its_seconds_or_by_the_rows_of_its_table() -> None:
    timed = plan_split(_dated(0, computed=True), SplitConfig())
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
