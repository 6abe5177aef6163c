"""The split is chronological, whole, and refuses slices that cannot be used."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.config import SplitConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.splits import plan_split


def _table(path: Path, seconds: list[int], label: list[int]) -> Table:
    pq.write_table(pa.table({"time_seconds": pa.array(seconds, pa.int64()), "Class": pa.array(label, pa.int32())}), path)
    return Table(path)


def test_slices_follow_each_other_in_time_and_cover_every_row(tmp_path: Path) -> None:
    table = _table(tmp_path / "t.parquet", list(range(100)), [0, 1] * 50)
    slices = list(plan_split(table, SplitConfig()).slices().values())
    assert [(part.start, part.stop) for part in slices] == [(0, 60), (60, 70), (70, 80), (80, 100)]
    for before, after in pairwise(slices):
        assert before.last_second < after.first_second
    assert [part.frauds for part in slices] == [30, 5, 5, 10]


def test_rows_of_one_second_stay_together(tmp_path: Path) -> None:
    table = _table(tmp_path / "t.parquet", sorted([*range(90), *[59] * 10]), [0, 1] * 50)
    plan = plan_split(table, SplitConfig())
    assert plan.train.last_second < plan.validation.first_second == 59


@pytest.mark.parametrize(("label", "what"), [([0] * 80 + [1] * 20, "no fraud"), ([0, 1] * 40 + [1] * 20, "nothing but fraud")])
def test_a_slice_of_one_class_is_refused_by_name(tmp_path: Path, label: list[int], what: str) -> None:
    with pytest.raises(DataError, match=f"slice .* holds {what}.*--set split"):
        plan_split(_table(tmp_path / "t.parquet", list(range(100)), label), SplitConfig())


@pytest.mark.parametrize("late", [1, 37, 60, 99])
def test_rows_out_of_order_are_refused(tmp_path: Path, late: int) -> None:
    seconds = np.arange(100)
    seconds[late] -= 2  # all else, and every slice, is as it should be
    with pytest.raises(DataError, match=r"^The feature table is not in order of time\."):
        plan_split(_table(tmp_path / "t.parquet", seconds.tolist(), [0, 1] * 50), SplitConfig())


def test_rows_of_equal_time_are_in_order(tmp_path: Path) -> None:
    seconds = np.repeat(np.arange(50), 2)
    assert plan_split(_table(tmp_path / "t.parquet", seconds.tolist(), [0, 1] * 50), SplitConfig()).test.stop == 100
