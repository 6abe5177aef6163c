"""What DuckDB and the generated functions make of the same rows, compared to the last bit."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from fusionguard.expressions.errors import RowError
from fusionguard.expressions.expression import RowsText

REFUSED = "refused"
Row = tuple[Any, ...]


def bits(value: Any) -> Any:
    """A value that equals another only if both have one type and, for floats, the same bits; every NaN is one."""
    if isinstance(value, float):
        return ("float", "nan" if value != value else struct.pack("<d", value))
    return (type(value).__name__, value)


def by_duckdb(text: str, raw: pa.Table) -> list[Row | str]:
    """The rows that DuckDB makes, row by row where it refuses the whole."""
    with duckdb.connect() as database:

        def run(rows: pa.Table) -> list[Row]:
            database.register("raw", rows)
            made = database.sql(text).to_arrow_table()
            return list(zip(*(column.to_pylist() for column in made.columns), strict=True))

        try:
            return list(run(raw))
        except duckdb.Error:
            return [_one(run, raw.slice(number, 1)) for number in range(raw.num_rows)]


def by_row(rows: RowsText, raw: pa.Table, outputs: Sequence[str]) -> list[Row | str]:
    """The same by the function for one row."""
    make = rows.row_function(raw.column_names, outputs)

    def one(values: Sequence[Any]) -> Row | str:
        try:
            return tuple(make(values))
        except RowError:
            return REFUSED

    return [one(values) for values in zip(*(column.to_pylist() for column in raw.columns), strict=True)]


def by_columns(rows: RowsText, raw: pa.Table, outputs: Sequence[str]) -> list[Row | str]:
    """The same by the evaluation over arrays, row by row where it refuses the whole."""

    def run(part: pa.Table) -> list[Row]:
        columns = {name: _array(part[name]) for name in part.column_names}
        made = rows.table(columns, outputs)
        return list(zip(*(column.to_pylist() for column in made.columns), strict=True))

    try:
        return list(run(raw))
    except RowError:
        return [_one(run, raw.slice(number, 1)) for number in range(raw.num_rows)]


def assert_agree(text: str, rows: RowsText, raw: pa.Table) -> int:
    """Compare all outputs of all rows; return how many were refused.

    Where we refuse, DuckDB may give what Spark would not. An engine may compute, and refuse, a part that the value does not
    depend on: a branch, a further argument of COALESCE, the other side of AND.
    """
    outputs = tuple(rows.outputs)
    expected, found = by_duckdb(text, raw), by_row(rows, raw, outputs)
    together = by_columns(rows, raw, outputs)
    idle_parts = any(word in text for word in (" AND ", " OR ", "COALESCE", "CASE"))
    for number, (left, right, batch) in enumerate(zip(expected, found, together, strict=True)):
        where = f"{text}\n{raw.slice(number, 1).to_pylist()}: DuckDB {left}, row {right}, columns {batch}"
        if not (idle_parts and REFUSED in (right, batch)):
            assert [bits(each) for each in right] == [bits(each) for each in batch], where
        if right != REFUSED and not (idle_parts and left == REFUSED):
            assert [bits(each) for each in left] == [bits(each) for each in right], where
    return found.count(REFUSED)


def _one(run: Any, raw: pa.Table) -> Row | str:
    try:
        return tuple(run(raw)[0])
    except (duckdb.Error, RowError):
        return REFUSED


def _array(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), dtype=object)
    if pa.types.is_integer(column.type) and not column.null_count:
        return column.to_numpy()
    return np.array([np.nan if value is None else value for value in column.to_pylist()], dtype=np.float64)
