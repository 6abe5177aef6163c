"""Parquet and Arrow bodies: read in memory, and checked as strictly as JSON ones."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fusionguard.serving.fields import Columns, Number, RequestFields
from fusionguard.serving.problems import Fault, ProblemError, clip, invalid
from fusionguard.serving.requests import ID, ID_EXPECTED, ManyRows, check_count, check_unique

PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"

_MOST_COLUMNS = 200
_BYTES_A_CELL = 256
"""A body may unpack to so many bytes a cell; it is measured before it is unpacked."""


def read_table(body: bytes, kind: str, fields: RequestFields, most: int) -> ManyRows:
    """Check a body of the media type ``kind`` and return its rows.

    Raises
    ------
    ProblemError
        It cannot be read as such, has other columns or types than the fields, holds a null or a value outside its field's
        range, no rows or more than ``most``.
    """
    if not body:
        raise ProblemError(400, "empty_body", "The body is empty; expected a table.")
    try:
        table = _read_parquet(body, fields, most) if kind == PARQUET else _read_arrow(body, fields, most)
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        name = "parquet" if kind == PARQUET else "an Arrow stream"
        raise ProblemError(400, "malformed_table", f"The body is not {name} that can be read ({type(error).__name__}).") from None
    return _rows(table, fields)


def write_table(table: pa.Table, kind: str) -> bytes:
    """Return a table as the media type ``kind``."""
    sink = pa.BufferOutputStream()
    if kind == PARQUET:
        pq.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return bytes(sink.getvalue())


def _read_parquet(body: bytes, fields: RequestFields, most: int) -> pa.Table:
    with pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True) as file:
        _check_schema(file.schema_arrow, fields)
        check_count(file.metadata.num_rows, most, "table")
        sizes = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
        if sizes > most * len(file.schema_arrow) * _BYTES_A_CELL:
            raise _unpacks_too_large()
        texts = [name for name in (*(choice.name for choice in fields.choices), ID) if name in file.schema_arrow.names]
    # A dictionary's long strings count once in those sizes, and once a row where they are unpacked: so that comes last.
    with pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True, read_dictionary=texts) as file:
        table = file.read(use_threads=False)
    for name in texts:
        if sum(map(_unpacked_bytes, table[name].chunks)) > most * _BYTES_A_CELL:
            raise _unpacks_too_large()
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.large_string()))
    return table


def _unpacked_bytes(column: pa.DictionaryArray) -> int:
    return pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0


def _unpacks_too_large() -> ProblemError:
    return ProblemError(413, "too_large", "The table unpacks to more bytes than its rows can need.")


def _read_arrow(body: bytes, fields: RequestFields, most: int) -> pa.Table:
    if any(map(_is_compressed, pa.ipc.MessageReader.open_stream(pa.BufferReader(body)))):
        raise ProblemError(415, "compressed", "Compressed Arrow buffers are not read; send them plain, or parquet.")
    batches, rows, source = [], 0, pa.BufferReader(body)
    with pa.ipc.open_stream(source) as stream:
        _check_schema(stream.schema, fields)
        for batch in stream:
            rows += batch.num_rows
            check_count(max(rows, 1), most, "table")
            batches.append(batch)
        check_count(rows, most, "table")
        if source.tell() != len(body):  # a second stream's rows would be lost in silence
            raise ProblemError(400, "malformed_table", "The body goes on after the end of its Arrow stream; send one stream.")
        return pa.Table.from_batches(batches, stream.schema)


def _is_compressed(message: pa.Message) -> bool:
    """Tell whether an Arrow message is a record batch whose ``compression`` is set (``Message.fbs``: the fourth field)."""
    if message.type != "record batch":
        return False
    metadata = message.metadata.to_pybytes()
    root = _flatbuffer_field(metadata, struct.unpack_from("<I", metadata)[0], 2)  # the header: a union's table
    return root is not None and _flatbuffer_field(metadata, root + struct.unpack_from("<I", metadata, root)[0], 3) is not None


def _flatbuffer_field(buffer: bytes, table: int, number: int) -> int | None:
    """Return where a flatbuffer's table keeps a field; None where it is not set. pyarrow has checked the offsets."""
    layout = table - struct.unpack_from("<i", buffer, table)[0]
    place = 4 + 2 * number
    if place >= struct.unpack_from("<H", buffer, layout)[0]:
        return None
    offset = struct.unpack_from("<H", buffer, layout + place)[0]
    return table + offset if offset else None


def _check_schema(schema: pa.Schema, fields: RequestFields) -> None:
    if len(schema) > _MOST_COLUMNS:
        raise invalid([Fault("table", "the columns that models read", f"{len(schema)} columns")])
    faults, known = [], {ID}
    for field in fields.all:
        known.add(field.name)
        if schema.names.count(field.name) != 1:
            faults.append(Fault(f"table.{field.name}", "one column", f"{schema.names.count(field.name)} columns"))
        elif not (_is_number if isinstance(field, Number) else _is_text)(schema.field(field.name).type):
            found = clip(str(schema.field(field.name).type))
            faults.append(
                Fault(f"table.{field.name}", "numbers" if isinstance(field, Number) else "strings", f"values of type {found}")
            )
    faults += [
        Fault(f"table.{clip(name)}", "no such column", "a column that no model reads")
        for name in schema.names
        if name not in known
    ]
    if ID in schema.names and (schema.names.count(ID) != 1 or not _is_text(schema.field(ID).type)):
        faults.append(Fault(f"table.{ID}", "one column of strings", "something else"))
    if faults:
        raise invalid(faults)


def _rows(table: pa.Table, fields: RequestFields) -> ManyRows:
    faults: list[Fault] = []
    columns: Columns = {}
    for number in fields.numbers:
        column = table[number.name]
        if column.null_count:
            faults.append(Fault(f"table.{number.name}", number.expected, f"{column.null_count} nulls"))
            continue
        values = column.to_numpy().astype(np.float64)
        bad = ~((values >= number.low) & (values <= number.high))
        if number.whole:
            with np.errstate(invalid="ignore"):
                bad |= np.nan_to_num(values % 1) != 0
        faults += _places(bad, number.name, number.expected)
        columns[number.name] = values
    for choice in fields.choices:
        texts = table[choice.name].cast(pa.string())
        bad = ~pc.is_in(texts, value_set=pa.array(choice.values)).to_numpy().astype(bool)
        faults += _places(bad, choice.name, choice.expected)
        columns[choice.name] = texts.to_numpy(zero_copy_only=False)
    ids: list[Any] | None = None
    if ID in table.column_names:
        texts = table[ID].cast(pa.string())
        fits = pc.fill_null(pc.match_substring_regex(texts, r"\A[A-Za-z0-9._:~-]{1,64}\z"), False)
        faults += _places(~fits.to_numpy().astype(bool), ID, ID_EXPECTED)
        ids = texts.to_pylist()
    if faults:
        raise invalid(faults)
    check_unique(ids, "table.id[{}]")
    return ManyRows(columns, ids, by_column=True)


def _places(bad: Any, name: str, expected: str) -> list[Fault]:
    return [Fault(f"table.{name}[{place}]", expected, "another value") for place in np.flatnonzero(bad)[:20].tolist()]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
