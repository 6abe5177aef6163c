"""Arrow columns of many types as the three that raw tables have: dictionaries, decimals and views hold the same values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values behind a dictionary or an extension type."""
    if isinstance(kind, pa.DictionaryType):
        return value_type(kind.value_type)
    return value_type(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else kind


def holds_numbers(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds numbers (or nothing at all)."""
    plain = value_type(kind)
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)
    return any(test(plain) for test in tests)


def holds_text(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds texts, or bytes that may be text (or nothing at all)."""
    plain = value_type(kind)
    names = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "fixed_size_binary", "null")
    return any(getattr(pa.types, f"is_{name}")(plain) for name in names)


def holds_times(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds moments or days."""
    plain = value_type(kind)
    return bool(pa.types.is_timestamp(plain) or pa.types.is_date(plain))


def plain_values(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column without its dictionary or extension type: the values themselves."""
    plain = value_type(column.type)
    return column if column.type == plain else column.cast(plain)


def as_numbers(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column of numbers as doubles, each the nearest one to what was written; NaN stays NaN."""
    values = plain_values(column)
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.string())  # Arrow's own cast multiplies by a power of ten, and is one bit off now and then
    return values.cast(pa.float64(), safe=False)


def as_type(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Return a column as ``kind`` (float64, int64 or a string), NaN as null; pa.ArrowInvalid where a value does not fit.

    Whole numbers become the nearest double.
    """
    values = plain_values(column)
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    if pa.types.is_floating(values.type):
        # pandas writes a missing number as NaN: the contracts judge it as the null that it is.
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    if pa.types.is_decimal(values.type) and pa.types.is_floating(kind):
        values = values.cast(pa.string())  # Arrow's own cast multiplies by a power of ten, and is one bit off now and then
    nanoseconds = pa.types.is_timestamp(values.type) and values.type.unit == "ns"  # which nobody needs of a bank
    nearest = pa.types.is_integer(values.type) and pa.types.is_floating(kind)  # as of a number that is written in a CSV file
    return values.cast(kind, safe=not (nanoseconds or nearest))


def text_bytes(column: pa.Array) -> int:
    """Return how many bytes the texts of a column have once each is written out, nulls not counted."""
    if isinstance(column, pa.DictionaryArray):
        return int(pc.sum(_lengths(column.dictionary).take(column.indices)).as_py() or 0)
    return int(pc.sum(_lengths(column)).as_py() or 0)


def _lengths(values: pa.Array) -> pa.Array:
    if not (pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type)):
        return pc.binary_length(values)
    # A view is 16 bytes, and begins with its length (Arrow's columnar format, "Variable-size Binary View Layout").
    views = np.frombuffer(values.buffers()[1], dtype=np.int32)[4 * values.offset : 4 * (values.offset + len(values)) : 4]
    return pa.array(views, mask=values.is_null().to_numpy(zero_copy_only=False))
