"""Columns that already have types, of parquet or in memory, as the three types of raw tables, or a true reason why not."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.arrow_columns import as_type, holds_numbers, holds_text, plain_values, value_type
from fusionguard.errors import DataError


def stored_columns(found: pa.Schema, columns: pa.Schema, as_stored: Collection[str]) -> pa.Schema:
    """Return the types that columns are read in: of texts ``as_stored``, a plain one of the truth values, numbers or times there.

    Whole numbers become int64, others doubles, moments microseconds, in UTC where they have a zone.
    """
    return pa.schema([_stored(found.field(each.name).type, each) if each.name in as_stored else each for each in columns])


def _stored(found: pa.DataType, wanted: pa.Field) -> pa.Field:
    kind = value_type(found)
    if pa.types.is_boolean(kind) or pa.types.is_date(kind):
        return wanted.with_type(pa.bool_() if pa.types.is_boolean(kind) else pa.date32())
    if pa.types.is_timestamp(kind):
        return wanted.with_type(pa.timestamp("us", "UTC" if kind.tz else None))
    if pa.types.is_integer(kind):
        return wanted.with_type(pa.int64())
    return wanted.with_type(pa.float64()) if pa.types.is_floating(kind) or pa.types.is_decimal(kind) else wanted


def check_types(name: str, found: pa.Schema, columns: pa.Schema) -> None:
    """Raise :class:`DataError` where ``found`` has no numbers for a column that must hold numbers, or no texts for one of texts.

    ``name`` is what the message calls the table.
    """
    for field in columns:
        given = found.field(field.name).type
        if pa.types.is_temporal(field.type) or pa.types.is_boolean(field.type):
            continue  # as it is stored
        if not (holds_text if pa.types.is_string(field.type) else holds_numbers)(given):
            raise DataError(
                f"{name} has {given} in column {field.name}.", f"It must hold {field.type}: write the column as such."
            )


def typed_column(name: str, column: pa.Array | pa.ChunkedArray, field: pa.Field) -> pa.Array | pa.ChunkedArray:
    """Return a column of the type of ``field``, NaN as null; :class:`DataError` for a value that does not fit or is infinite."""
    try:
        values = as_type(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{name} holds a value in column {field.name} that is not {field.type}.", "Correct it.") from error
    if pa.types.is_floating(field.type) and pc.all(pc.is_finite(values)).as_py() is False:
        raise DataError(f"{name} holds an infinite number in column {field.name}.", "Correct it at its source.")
    return values


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
