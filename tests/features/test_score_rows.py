"""What cannot be scored is refused with column and rows, and leaves no file behind."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.errors import DataError, StorageError
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.features.fraud import FRAUD_FEATURES

from .conftest import MakeRaw


@pytest.mark.parametrize(
    ("column", "value"),
    [("V4", None), ("V4", math.nan), ("V4", math.inf), ("Time", -1.0), ("Time", -math.inf), ("Amount", -0.01), ("Amount", None)],
)
def test_an_unusable_cell(make_raw: MakeRaw, tmp_path: Path, column: str, value: float | None) -> None:
    rows = make_raw(3_000).read().to_pydict()
    rows[column][1] = rows[column][2_999] = value
    pq.write_table(pa.table(rows), tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=rf"Column '{column}' has 2 cells .* \(rows 1, 2999\)"):
        score_rows(FRAUD_FEATURES, Table(tmp_path / "bad.parquet"), tmp_path / "rows.parquet")
    assert not [file for file in tmp_path.iterdir() if "rows" in file.name]


def test_a_missing_column(make_raw: MakeRaw, tmp_path: Path) -> None:
    pq.write_table(make_raw(10).read().drop_columns(["V2", "V9"]), tmp_path / "bad.parquet")
    with pytest.raises(DataError, match="missing: V2, V9"):
        score_rows(FRAUD_FEATURES, Table(tmp_path / "bad.parquet"), tmp_path / "rows.parquet")


def test_a_path_with_a_quote_and_a_space(make_raw: MakeRaw, tmp_path: Path) -> None:
    folder = tmp_path / "Zoë's data; DROP TABLE raw"
    folder.mkdir()
    file = make_raw(50).path.rename(folder / "raw.parquet")
    assert score_rows(FRAUD_FEATURES, Table(file), folder / "rows.parquet").rows == 50


def test_a_parent_that_is_a_file(make_raw: MakeRaw, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        score_rows(FRAUD_FEATURES, make_raw(50), tmp_path / "file" / "rows.parquet")
