"""One way in for raw files: CSV (plain, gzip, zip) or parquet, whole or in parts, becomes one typed parquet, or a true reason."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.data.csv_table import CsvTable
from fusionguard.data.file_kinds import AGAIN, file_kind
from fusionguard.data.headers import check_carried, check_columns, listed
from fusionguard.data.part_files import part_files
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.table import CARRIED, CARRIED_NAME, Table
from fusionguard.data.typed_columns import as_written, check_types, is_plain, stored_columns, typed_column
from fusionguard.errors import DataError, UsageError
from fusionguard.files import atomic_path, check_name

_ARROW_TYPES = {"float": pa.float64(), "integer": pa.int64(), "text": pa.string()}
_GROUP_ROWS = 1 << 16


def read_raw(
    source: Path | Sequence[Path],
    schema: DatasetSchema,
    destination: Path,
    *,
    only: Collection[str] | None = None,
    carried: str | None = None,
) -> Table:
    """Read a raw file, several, or a folder of part files strictly, and write one typed parquet, columns in the schema's order.

    What a file is (CSV, gzip, zip, parquet) is read from its content. An empty numeric cell becomes null and is left to the
    contracts; every number keeps its exact double.

    Parameters
    ----------
    only
        The columns that are needed; others are not looked at. By default all of the schema are but those that it calls optional,
        which are read where they are, and there may be no others.
    carried
        A column of the file that the table gets as its last one, called ``CARRIED``, as it is written: texts with their leading
        zeros, parquet's types as they are. It may be one that is not in the schema.

    Raises
    ------
    UsageError
        The file does not exist, or is a folder without part files.
    DataError
        It is not what it claims to be; the message names the file, the column and the row, from 0.
    """
    files = _files(source, schema)
    called = source.name if isinstance(source, Path) else files[0].name
    with atomic_path(destination) as temporary, ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        rows = 0
        for file in files:
            for batch in _batches(file, schema, only, carried):
                if writer is None:
                    writer = stack.enter_context(parquet_writer(temporary, batch.schema, schema))
                if batch.schema.names != writer.schema.names:
                    other = sorted(set(batch.schema.names) ^ set(writer.schema.names))
                    raise DataError(f"Not every part of {called} has the column {listed(other)}.", "Write the parts alike.")
                if batch.schema != writer.schema:
                    other_type = next(each for each in batch.schema if each.type != writer.schema.field(each.name).type)
                    column = carried if other_type.name == CARRIED else other_type.name
                    what = f"{file.name} has {other_type.type} in column {column!r}, unlike an earlier part."
                    raise DataError(what, "Write one type.")
                if batch.num_rows:
                    writer.write_batch(batch, row_group_size=_GROUP_ROWS)
                rows += batch.num_rows
        if rows == 0:
            raise DataError(f"{called} has a header but no rows.", AGAIN)
    return Table(destination)


def raw_header(source: Path, schema: DatasetSchema) -> tuple[list[str], bool]:
    """Return the names of a raw file's columns, and whether they have types; of a folder those of its first part.

    Raises
    ------
    UsageError, DataError
        As :func:`read_raw` raises them.
    """
    file = _files(source, schema)[0]
    kind = file_kind(file)
    if kind != "parquet":
        return CsvTable(file, kind, schema).header(), False
    try:
        return list(pq.read_schema(file).names), True
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{file.name} is not a whole parquet file.", AGAIN) from error


def arrow_schema(schema: DatasetSchema, names: list[str] | None = None) -> pa.Schema:
    """Return the columns of a data set (those in ``names``, else all) as an Arrow schema: float64, int64 and string."""
    return pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in schema.columns.items() if names is None or name in names])


def parquet_writer(path: Path, columns: pa.Schema, schema: DatasetSchema) -> pq.ParquetWriter:
    """Open a parquet writer with the settings of every raw table: snappy, dictionaries only where values repeat."""
    repeating = [field.name for field in columns if not pa.types.is_floating(field.type) or field.name in schema.repeating]
    return pq.ParquetWriter(path, columns, compression="snappy", use_dictionary=repeating)


def _files(source: Path | Sequence[Path], schema: DatasetSchema) -> tuple[Path, ...]:
    files = (part_files(source) or (source,)) if isinstance(source, Path) else tuple(source)
    for file in files:
        check_name(file)
        if not file.is_file():
            kind = "is a pipe or a device, which cannot be read twice" if file.exists() else "does not exist"
            kind = "is a folder without part files, not a file" if file.is_dir() else kind
            raise UsageError(f"'{file}' {kind}.", f"Name a CSV or parquet file with the columns of {schema.file_name}.")
        if file.stat().st_size == 0:
            raise DataError(f"{file.name} is empty (0 bytes).", AGAIN)
        if not os.access(file, os.R_OK):
            raise DataError(f"You may not read {file.name}.", "Change its permissions, or ask its owner to.")
    return files


def _batches(file: Path, schema: DatasetSchema, only: Collection[str] | None, carried: str | None) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows: the columns in order, then the carried one."""
    kind = file_kind(file)
    if kind == "parquet":
        yield from _parquet_batches(file, schema, only, carried)
        return
    table = CsvTable(file, kind, schema)
    header = table.header()
    columns = _read_columns(file.name, header, schema, only, carried)
    yield from table.batches(header, columns, _carried_field(carried, pa.string()) if carried else None)


def _carried_field(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(CARRIED, kind, metadata={CARRIED_NAME: name.encode()})


def _read_columns(
    name: str,
    header: list[str],
    schema: DatasetSchema,
    only: Collection[str] | None,
    carried: str | None,
    *,
    typed: bool = False,
) -> pa.Schema:
    """Return the columns that are read of a file with this header, or refuse it."""
    if carried is not None:
        check_carried(name, header, carried)
    others = [column for column in header if column != carried or column in schema.columns]
    needed = [column for column in schema.columns if (column not in schema.optional if only is None else column in only)]
    check_columns(name, others, schema, needed, only is not None, typed=typed)
    return arrow_schema(schema, list(schema.within(header).columns) if only is None else needed)


def _parquet_batches(
    file: Path, schema: DatasetSchema, only: Collection[str] | None, carried: str | None
) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(file, pre_buffer=False) as source:  # else the whole file stays in memory
            found = source.schema_arrow
            columns = _read_columns(file.name, found.names, schema, only, carried, typed=True)
            columns = stored_columns(found, columns, schema.as_stored)
            unread = {each for each in schema.unread if each in found.names and not is_plain(found.field(each).type)}
            read = pa.schema([each for each in columns if each.name not in unread])
            check_types(file.name, found, read, schema.as_stored)
            first_row = 0
            for batch in source.iter_batches(
                _GROUP_ROWS, columns=list(dict.fromkeys([*read.names, *([carried] if carried else [])]))
            ):
                rows = batch.num_rows
                arrays = [
                    pa.nulls(rows, field.type)
                    if field.name in unread
                    else typed_column(file.name, batch.column(field.name), field, first_row)
                    for field in columns
                ]
                first_row += rows
                if carried is None:
                    yield pa.record_batch(arrays, schema=columns)
                    continue
                values = as_written(file.name, carried, batch.column(carried))
                yield pa.record_batch([*arrays, values], schema=columns.append(_carried_field(carried, values.type)))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{file.name} is not a whole parquet file.", AGAIN) from error
