"""Parquet columns that nobody can read are ignored, and what does not fit is told with the declaration's line and the row."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.cli.datasets import problems
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.faults import ContradictionError, Fault
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import inspect_table
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve

_ROWS = 300
_STRANGE = {
    "basket": (pa.array([[row, 2] for row in range(_ROWS)]), "lists or structures"),
    "parts": (pa.array([{"a": row % 3} for row in range(_ROWS)]), "lists or structures"),
    "at_noon": (pa.array([43_200_000_000 + row % 7 for row in range(_ROWS)], pa.time64("us")), "time64[us]"),
    "took": (pa.array([timedelta(seconds=row) for row in range(_ROWS)]), "duration[us]"),
}
_SIZE = "numeric.size against t.parquet"
_TEXT = "version: 1\nname: odd\nproblem: fraud\nlabel: fraud\nnumeric: {size: {}, tall: {}}\nid: key\n"


def _table(**columns: pa.Array) -> pa.Table:
    usual = {
        "key": pa.array([2**64 - 1 - row for row in range(_ROWS)], pa.uint64()),
        "size": pa.array([row * 7 % 31 / 2 for row in range(_ROWS)]),
        "tall": pa.array([2**53 + 1 + row % 40 for row in range(_ROWS)]),
        "fraud": pa.array([row % 5 // 4 for row in range(_ROWS)]),
    }
    return pa.table(usual | columns)


def test_columns_of_types_that_are_not_read_are_drafted_as_ignored_and_train(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pq.write_table(_table(**{name: values for name, (values, _) in _STRANGE.items()}), file)
    found = inspect_table([file], problems())
    for name, (_, what) in _STRANGE.items():
        role = found.roles[name]
        assert (role.name, role.reason) == ("ignored", f"it holds {what}, which training does not read")
    declared = parse_declaration(draft_declaration(found))
    assert declared.declaration.id == "key" and set(declared.declaration.ignored) == set(_STRANGE)
    read = read_declared(declared, file, tmp_path / "read.parquet")
    assert resolve(declared, read).rows == _ROWS
    rows = read.read()
    assert rows["key"].to_pylist()[:2] == [str(2**64 - 1), str(2**64 - 2)]
    assert rows["basket"].null_count == _ROWS
    assert rows["tall"].to_pylist()[:3] == [float(2**53), float(2**53 + 2), float(2**53 + 4)]


def test_an_ignored_column_must_still_be_there(tmp_path: Path) -> None:
    pq.write_table(_table(), tmp_path / "t.parquet")
    declared = parse_declaration(_TEXT + "ignored: [basket]\n")
    with pytest.raises(ContradictionError, match="line 7: ignored needs the column 'basket'"):
        read_declared(declared, tmp_path / "t.parquet", tmp_path / "read.parquet")


@pytest.mark.parametrize(
    ("column", "values", "fault"),
    [
        (
            "size",
            _STRANGE["basket"][0],
            Fault(
                5,
                f"{_SIZE} has list<element: int64> in column size. It must hold double: write the column as such.",
                "size",
            ),
        ),
        (
            "size",
            pa.array([1.0] * 257 + [float("inf")] * 43),
            Fault(
                5,
                f"{_SIZE} holds an infinite number in column size, in row 257. Correct it at its source.",
                "size",
                257,
            ),
        ),
        (
            "key",
            pa.array([b"a"] * 211 + [b"\xff"] + [b"c"] * 88),
            Fault(6, "id against t.parquet holds a value in column key that is not string, in row 211. Correct it.", "key", 211),
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_line_and_row(column: str, values: pa.Array, fault: Fault, tmp_path: Path) -> None:
    pq.write_table(_table(**{column: values}), tmp_path / "t.parquet", row_group_size=50)
    with pytest.raises(ContradictionError) as caught:
        read_declared(parse_declaration(_TEXT), tmp_path / "t.parquet", tmp_path / "read.parquet")
    assert caught.value.faults == (fault,)


def test_the_row_of_an_ignored_column_of_bytes_is_no_hindrance(tmp_path: Path) -> None:
    pq.write_table(_table(blob=pa.array([b"\xff\xfe"] * _ROWS)), tmp_path / "t.parquet")
    read = read_declared(parse_declaration(_TEXT + "ignored: [blob]\n"), tmp_path / "t.parquet", tmp_path / "read.parquet")
    assert read.read()["blob"].null_count == _ROWS
