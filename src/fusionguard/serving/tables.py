"""Parquet and Arrow bodies: read in memory, and checked as strictly as JSON ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fusionguard.data.arrow_columns import as_numbers, holds_numbers, holds_text, plain_values, text_bytes, value_type
from fusionguard.families.declared_fields import Moment
from fusionguard.families.family import ModelFamily
from fusionguard.families.request_fields import BAD, ID, Choice, Columns, Field, Number, RequestFields
from fusionguard.features.online.state import Event
from fusionguard.serving.problems import Fault, ProblemError, clip, invalid
from fusionguard.serving.requests import ID_EXPECTED, ManyRows, check_count, check_unique, nearest

PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
OCTETS = "application/octet-stream"
"""Either of them, told apart by their first bytes: what clients send that know no media types of tables."""

_PARQUET_BEGINS = b"PAR1"
_FEWEST_COLUMNS = 200
"""So many columns a body may have whatever the model reads; of a wide model twice as many as its data set has."""
_BYTES_A_CELL = 256
"""A body may unpack to so many bytes a cell; it is measured before it is unpacked."""


def read_table(body: bytes, kind: str, family: ModelFamily, most: int, id_column: str = ID) -> ManyRows:
    """Check a body of the media type ``kind`` and return its rows.

    Columns of the data set that no model reads are not looked at. ``id_column`` is the one whose values are given back: texts or
    whole numbers; that of the default name need not be there.

    Raises
    ------
    ProblemError
        It cannot be read as such, has other columns or types than the fields, holds a null or a value outside its field's
        range, no rows or more than ``most``.
    """
    if not body:
        raise ProblemError(400, "empty_body", "The body is empty; expected a table.")
    is_parquet = kind == PARQUET or (kind == OCTETS and body.startswith(_PARQUET_BEGINS))
    try:
        table = (_read_parquet if is_parquet else _read_arrow)(body, family, most, id_column)
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        name = "parquet" if is_parquet else "parquet, nor an Arrow stream" if kind == OCTETS else "an Arrow stream"
        raise ProblemError(400, "malformed_table", f"The body is not {name} that can be read ({type(error).__name__}).") from None
    return _rows(table, family.request_fields, id_column)


def most_columns(fields: RequestFields) -> int:
    """Return how many columns a body may have, those that no model reads among them."""
    return max(_FEWEST_COLUMNS, 2 * (len(fields.all) + len(fields.unread)))


def write_table(table: pa.Table, kind: str) -> bytes:
    """Return a table as the media type ``kind``."""
    sink = pa.BufferOutputStream()
    if kind == PARQUET:
        pq.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return bytes(sink.getvalue())


def _read_parquet(body: bytes, family: ModelFamily, most: int, id_column: str) -> pa.Table:
    with pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True) as file:
        wanted = _check_schema(file.schema_arrow, family, id_column)
        check_count(file.metadata.num_rows, most, "table")
        sizes = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
        if sizes > most * len(file.schema_arrow) * _BYTES_A_CELL:
            raise _unpacks_too_large()
        texts = [name for name in wanted if holds_text(file.schema_arrow.field(name).type)]
    # A dictionary's long strings count once in those sizes, and once a row where they are unpacked: so that comes last.
    with pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True, read_dictionary=texts) as file:
        return _written_out(file.read(columns=wanted, use_threads=False), most)


def _written_out(table: pa.Table, most: int) -> pa.Table:
    """Return a table without dictionaries and views; a long text that they hold once would be there once a row."""
    table.validate(full=True)
    for place, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        if holds_text(column.type) and not pa.types.is_null(value_type(column.type)):
            if sum(map(text_bytes, column.chunks)) > most * _BYTES_A_CELL:
                raise _unpacks_too_large()
            table = table.set_column(place, name, plain_values(column).cast(pa.large_string()))
        else:
            table = table.set_column(place, name, plain_values(column))
    return table


def _unpacks_too_large() -> ProblemError:
    return ProblemError(413, "too_large", "The table unpacks to more bytes than its rows can need.")


def _read_arrow(body: bytes, family: ModelFamily, most: int, id_column: str) -> pa.Table:
    if any(map(_is_compressed, pa.ipc.MessageReader.open_stream(pa.BufferReader(body)))):
        raise ProblemError(415, "compressed", "Compressed Arrow buffers are not read; send them plain, or parquet.")
    batches, rows, source = [], 0, pa.BufferReader(body)
    with pa.ipc.open_stream(source) as stream:
        wanted = _check_schema(stream.schema, family, id_column)
        for batch in stream:
            rows += batch.num_rows
            check_count(max(rows, 1), most, "table")
            batches.append(batch)
        check_count(rows, most, "table")
        if source.tell() != len(body):  # a second stream's rows would be lost in silence
            raise ProblemError(400, "malformed_table", "The body goes on after the end of its Arrow stream; send one stream.")
        return _written_out(pa.Table.from_batches(batches, stream.schema).select(wanted), most)


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


def _check_schema(schema: pa.Schema, family: ModelFamily, id_column: str) -> list[str]:
    """Return the names of the columns that are to be read."""
    if len(schema) > (most := most_columns(family.request_fields)):
        raise invalid([Fault("table", f"the columns that models read, and {most:,} columns at most", f"{len(schema):,} columns")])
    faults, known, fields = [], {id_column, *family.schema.columns}, family.request_fields
    for field in fields.all:
        known.add(field.name)
        count = schema.names.count(field.name)
        if count != 1 and (count or field.required):
            faults.append(Fault(f"table.{field.name}", "one column", f"{count} columns"))
        elif count and not _holds(field, schema.field(field.name).type):
            found = clip(str(schema.field(field.name).type))
            faults.append(Fault(f"table.{field.name}", _holding(field), f"values of type {found}"))
    names = [field.name for field in fields.all]
    faults += [
        Fault(f"table.{clip(name)}", f"no such column{nearest(name, names)}", "a column that no model reads")
        for name in schema.names
        if name not in known
    ]
    carried = schema.names.count(id_column)
    if carried > 1 or (carried == 1 and not _names_rows(schema.field(id_column).type)) or (carried == 0 and id_column != ID):
        found = "something else" if carried else "no such column"
        faults.append(Fault(f"table.{clip(id_column)}", "one column of strings or whole numbers", found))
    if faults:
        raise invalid(faults)
    return list(dict.fromkeys([*(name for name in names if name in schema.names), *([id_column] if carried else [])]))


def _rows(table: pa.Table, fields: RequestFields, id_column: str) -> ManyRows:
    faults: list[Fault] = []
    read: list[NDArray[Any]] = []
    for field in fields.all:
        column = table[field.name] if field.name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows)])
        if type(field) is Number:
            if column.null_count or pa.types.is_null(column.type):
                faults.append(Fault(f"table.{field.name}", field.expected, f"{column.null_count} nulls"))
                continue
            values = as_numbers(column).to_numpy()
            faults += _places(~field.holds(values), field.name, field.expected)
        elif type(field) is Choice:
            texts = column.cast(pa.string())
            known = pc.is_in(texts, value_set=pa.array(field.values)).to_numpy().astype(bool)
            faults += _places(~known, field.name, field.expected)
            values = texts.to_numpy(zero_copy_only=False)
        else:
            values, wrong = _declared(field, column)
            faults += wrong
        read.append(values)
    columns: Columns = {}
    if not faults:
        rows = [array.tolist() for array in read]
        columns, bad = fields.mixed(read)
        for place in bad[:20].tolist():
            found = fields.mixing and fields.mixing.wrong([values[place] for values in rows])
            if found:
                faults.append(Fault(f"table.{found[0].name}[{place}]", found[0].expected, found[1]))
    ids: list[Any] | None = None
    if id_column in table.column_names:
        carried = table[id_column]
        if pa.types.is_integer(carried.type):
            fits = pc.is_valid(carried)
        else:
            carried = carried.cast(pa.string())
            fits = pc.fill_null(pc.match_substring_regex(carried, r"\A[A-Za-z0-9._:~-]{1,64}\z"), False)
        faults += _places(~fits.to_numpy().astype(bool), clip(id_column), ID_EXPECTED)
        ids = carried.to_pylist()
    if faults:
        raise invalid(faults)
    check_unique(ids, f"table.{clip(id_column)}[{{}}]")
    return ManyRows(columns, ids, by_column=True, id_name=id_column, events=_events(table, fields, columns))


def _events(table: pa.Table, fields: RequestFields, columns: Columns) -> Sequence[Event]:
    """Return what the past of each row is found by, where models read one."""
    if fields.past is None:
        return ()
    return fields.past.events({name: _cells(table[name]) for name in fields.past.columns if name in table.column_names}, columns)


def _declared(field: Field, column: pa.ChunkedArray) -> tuple[NDArray[Any], list[Fault]]:
    """Return what the cells of a declared column (n,) mean, and what is wrong with them."""
    found = [field.read(value) for value in _cells(column)]
    bad = [place for place, value in enumerate(found) if value is BAD]
    if not bad:
        return field.column(found), []
    return np.empty(0), [Fault(f"table.{field.name}[{place}]", field.expected, "another value") for place in bad[:20]]


def _cells(column: pa.ChunkedArray) -> list[Any]:
    """Return cells as JSON has them, and times as Python has them, to the microsecond."""
    kind = column.type
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        column = as_numbers(column)
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_date(kind):
        column = column.cast(pa.date32())
    elif holds_text(kind) and not pa.types.is_null(kind):
        column = column.cast(pa.string())
    cells: list[Any] = column.to_pylist()
    return cells


def _holds(field: Field, kind: pa.DataType) -> bool:
    """Whether a column of an Arrow type may hold what a field asks for."""
    if type(field) is Number:
        return holds_numbers(kind)
    if type(field) is Choice:
        return holds_text(kind)
    plain = value_type(kind)
    if isinstance(field, Moment) and (pa.types.is_timestamp(plain) or pa.types.is_date(plain)):
        return True
    return holds_text(kind) or holds_numbers(kind)


def _holding(field: Field) -> str:
    """Say what a column of a field must hold."""
    plain = "numbers" if type(field) is Number else "strings" if type(field) is Choice else "strings or numbers"
    return "times, strings or numbers" if isinstance(field, Moment) else plain


def _places(bad: Any, name: str, expected: str) -> list[Fault]:
    return [Fault(f"table.{name}[{place}]", expected, "another value") for place in np.flatnonzero(bad)[:20].tolist()]


def _names_rows(kind: pa.DataType) -> bool:
    plain = value_type(kind)
    return bool(pa.types.is_integer(plain) or (holds_text(plain) and not pa.types.is_null(plain)))
