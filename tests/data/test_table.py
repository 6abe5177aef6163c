"""A table reads exactly the rows and columns it is asked for, however it is stored."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table


@pytest.fixture(params=["one file", "part files"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    whole = pa.table({"number": list(range(100)), "double": [2.0 * number for number in range(100)]})
    if request.param == "one file":
        pq.write_table(whole, tmp_path / "whole.parquet", row_group_size=7)
        return Table(tmp_path / "whole.parquet")
    for part, start in enumerate(range(0, 100, 40)):
        pq.write_table(whole.slice(start, 40), tmp_path / f"part-{part:05}.parquet", row_group_size=9)
    return Table(tmp_path)


@pytest.mark.parametrize(("start", "stop"), [(0, 100), (0, 1), (99, 100), (6, 8), (35, 85), (50, 50), (90, 500)])
def test_reads_just_the_rows_asked_for(table: Table, start: int, stop: int) -> None:
    assert table.read(["number"], start, stop)["number"].to_pylist() == list(range(start, min(stop, 100)))


def test_knows_its_shape_and_reads_columns_in_the_order_asked_for(table: Table) -> None:
    assert table.rows == 100
    assert table.columns == ["number", "double"]
    assert table.read(["double", "number"], 3, 4).to_pylist() == [{"double": 6.0, "number": 3}]
    assert table.read().num_columns == 2
    assert table.read(["double"], 5, 5).schema.names == ["double"]
