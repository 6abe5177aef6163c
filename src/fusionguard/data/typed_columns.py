"""Columns that already have types, of parquet or in memory, as the three types of raw tables, or a true reason why not."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.arrow_columns import as_type, holds_numbers, holds_text, holds_times, plain_values, value_type
from fusionguard.data.csv_faults import CellError
from fusionguard.errors import DataError


def stored_columns(found: pa.Schema, columns: pa.Schema, as_stored: Collection[str]) -> pa.Schema:
    """Return the types that columns are read in: of texts ``as_stored``, a plain one of the truth values, numbers or times there.

    Whole numbers become int64, or texts where they may be beyond it, others doubles, moments microseconds, in UTC where they
    have a zone.
    """
    return pa.schema([_stored(found.field(each.name).type, each) if each.name in as_stored else each for each in columns])


def _stored(found: pa.DataType, wanted: pa.Field) -> pa.Field:
    kind = value_type(found)
    if pa.types.is_boolean(kind) or pa.types.is_date(kind):
        return wanted.with_type(pa.bool_() if pa.types.is_boolean(kind) else pa.date32())
    if pa.types.is_timestamp(kind):
        return wanted.with_type(pa.timestamp("us", "UTC" if kind.tz else None))
    if pa.types.is_uint64(kind) and pa.types.is_string(wanted.type):
        return wanted
    if pa.types.is_integer(kind):
        return wanted.with_type(pa.int64())
    return wanted.with_type(pa.float64()) if pa.types.is_floating(kind) or pa.types.is_decimal(kind) else wanted


class ColumnTypeError(DataError):
    """A column of a typed file that holds other values than it must."""

    def __init__(self, what: str, remedy: str, column: str) -> None:
        self.column = column
        super().__init__(what, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.what, self.remedy, self.column))


def is_plain(kind: pa.DataType) -> bool:
    """Return whether a column of this type can be read: it holds numbers, truth values, texts that are no bytes, or moments."""
    plain = value_type(kind)
    texts = pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain)
    return holds_numbers(kind) or texts or holds_times(kind)


def check_types(name: str, found: pa.Schema, columns: pa.Schema, as_stored: Collection[str] = ()) -> None:
    """Raise :class:`ColumnTypeError` where ``found`` has no numbers for a column of numbers, or no texts for one of texts.

    ``name`` is what the message calls the table; columns ``as_stored`` may hold whole numbers that are read as texts.
    """
    for field in columns:
        given = found.field(field.name).type
        if pa.types.is_temporal(field.type) or pa.types.is_boolean(field.type):
            continue  # as it is stored
        if pa.types.is_uint64(value_type(given)) and field.name in as_stored:
            continue  # which int64 does not hold
        if not (holds_text if pa.types.is_string(field.type) else holds_numbers)(given):
            what = f"{name} has {given} in column {field.name}."
            raise ColumnTypeError(what, f"It must hold {field.type}: write the column as such.", field.name)


def typed_column(
    name: str, column: pa.Array | pa.ChunkedArray, field: pa.Field, first_row: int = 0
) -> pa.Array | pa.ChunkedArray:
    """Return a column of the type of ``field``, NaN as null; :class:`CellError` for a value that does not fit or is infinite."""
    try:
        values = as_type(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row = first_row + _misfit(column, field.type)
        what = f"{name} holds a value in column {field.name} that is not {field.type}, in row {row}."
        raise CellError(what, "Correct it.", field.name, row) from error
    if pa.types.is_floating(field.type) and pc.all(pc.is_finite(values)).as_py() is False:
        row = first_row + pc.index(pc.is_finite(values), False).as_py()
        what = f"{name} holds an infinite number in column {field.name}, in row {row}."
        raise CellError(what, "Correct it at its source.", field.name, row)
    return values


def _misfit(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> int:
    """Return the place of the first value that is not of a type, by halves."""
    start, rows = 0, len(column)
    while rows > 1:
        half = rows // 2
        try:
            as_type(column.slice(start, half), kind)
        except pa.ArrowInvalid:
            rows = half
        else:
            start, rows = start + half, rows - half
    return start


def as_written(name: str, column: str, values: pa.Array) -> pa.Array:
    """Return a column that is carried over to what is written for its owner, texts as strings; :class:`DataError` for lists."""
    kind = values.type
    if holds_text(kind) and not pa.types.is_null(kind):
        try:
            return as_type(values, pa.string())
        except pa.ArrowInvalid as error:
            raise DataError(f"{name} has bytes in column {column!r} that are no UTF-8 text.", "Carry another column.") from error
    if pa.types.is_nested(kind):
        raise DataError(f"{name} has {kind} in column {column!r}, which a file of scores cannot hold.", "Carry a plain column.")
    return plain_values(values)
