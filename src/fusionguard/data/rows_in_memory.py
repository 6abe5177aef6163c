"""Rows that a caller holds in memory, in pandas or in Arrow, read as strictly as a file of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from fusionguard.data.headers import check_carried, check_columns
from fusionguard.data.ingest import arrow_schema
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.typed_columns import as_written, check_types, typed_column
from fusionguard.errors import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd

_NAME = "The table"


def read_rows(rows: pd.DataFrame | pa.Table, schema: DatasetSchema, only: Collection[str]) -> pa.Table:
    """Return some columns of a data set, typed as a raw table has them, in the schema's order; a missing value is null.

    Parameters
    ----------
    rows
        Rows in the data set's own columns; those that are not in ``only`` are not looked at, and an index is not read.

    Raises
    ------
    UsageError
        ``rows`` is neither a DataFrame nor an Arrow table.
    DataError
        It has no rows, lacks a column or has one twice, or a value is not of its column's type or infinite.
    """
    columns = arrow_schema(schema, [name for name in schema.columns if name in only])
    table = select_rows(rows, schema, lambda _: columns.names)
    check_types(_NAME, table.schema, columns)
    return pa.table([typed_column(_NAME, table[field.name], field) for field in columns], schema=columns)


def select_rows(
    rows: pd.DataFrame | pa.Table, schema: DatasetSchema, needed: Callable[[Collection[str]], Sequence[str]]
) -> pa.Table:
    """Return some columns of a data set with the types that they have; a missing value of a DataFrame is null.

    ``needed`` tells which of the names that are there. Raises as :func:`read_rows` does, but for types.
    """
    names = rows.column_names if isinstance(rows, pa.Table) else _names(rows)
    wanted = list(needed(names))
    check_columns(_NAME, names, schema, wanted, ignored=True, typed=True)
    table = (
        rows.select(wanted)
        if isinstance(rows, pa.Table)
        else pa.table({name: _arrow_column(rows[name], name) for name in wanted})
    )
    if table.num_rows == 0:
        raise DataError(f"{_NAME} has no rows.", "Give it at least one.")
    return table


def read_column(rows: pd.DataFrame | pa.Table, name: str) -> pa.Array:
    """Return one column of some rows as it is written: what tells a caller's rows apart. Raises as :func:`read_rows` does."""
    names = rows.column_names if isinstance(rows, pa.Table) else _names(rows)
    check_carried(_NAME, names, name)
    column = rows[name] if isinstance(rows, pa.Table) else _arrow_column(rows[name], name)
    return as_written(_NAME, name, column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)


def _names(rows: pd.DataFrame) -> list[str]:
    import pandas as pd

    if not isinstance(rows, pd.DataFrame):
        raise UsageError(f"Rows cannot be read from {type(rows).__name__}.", "Give a pandas DataFrame or an Arrow table.")
    return [str(name) for name in rows.columns]


def _arrow_column(column: pd.Series, name: str) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{_NAME} has values of different kinds in column {name}.", "Give it one type.") from error
    except OverflowError as error:
        raise DataError(f"{_NAME} holds a number in column {name} that 64 bits do not hold.", "Correct it.") from error
