"""One way in for raw files: CSV (plain, gzip, zip) or parquet becomes one typed parquet, or an error that says what is wrong."""

from __future__ import annotations

import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from fusionguard.data.csv_faults import MAX_HEADER_BYTES, broken_cell, read_header
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.table import Table
from fusionguard.errors import DataError, UsageError
from fusionguard.files import atomic_path

_ARROW_TYPES = {"float": pa.float64(), "integer": pa.int64(), "text": pa.string()}
_BLOCK_BYTES = 16 << 20
_GROUP_ROWS = 1 << 16


def read_raw(file: Path, schema: DatasetSchema, destination: Path, *, require_label: bool = True) -> Table:
    """Read a raw file strictly and write it as one typed parquet at ``destination``, columns in the schema's order.

    What the file is (CSV, gzip, zip, parquet) is read from its content. An empty numeric cell becomes null and is left to the
    contracts; every number keeps its exact double.

    Raises
    ------
    UsageError
        The file does not exist or is a folder.
    DataError
        It is not what it claims to be; the message names the file, the column and the row (counted from 1 after the header).
    """
    if not file.is_file():
        kind = "is a folder, not a file" if file.is_dir() else "does not exist"
        raise UsageError(f"'{file}' {kind}.", f"Name a CSV or parquet file with the columns of {schema.file_name}.")
    if file.stat().st_size == 0:
        raise DataError(f"{file.name} is empty (0 bytes).", "Get it again from where it came.")
    if not os.access(file, os.R_OK):
        raise DataError(f"You may not read {file.name}.", "Change its permissions, or ask its owner to.")
    kind = _kind(file)
    with atomic_path(destination) as temporary:
        if kind == "parquet":
            rows = _convert_parquet(file, schema, temporary, require_label)
        else:
            rows = _convert_csv(file, kind, schema, temporary, require_label)
        if rows == 0:
            raise DataError(f"{file.name} has a header but no rows.", "Get it again from where it came.")
    return Table(destination)


def arrow_schema(schema: DatasetSchema, names: list[str] | None = None) -> pa.Schema:
    """Return the columns of a data set (those in ``names``, else all) as an Arrow schema: float64, int64 and string."""
    return pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in schema.columns.items() if names is None or name in names])


def parquet_writer(path: Path, columns: pa.Schema) -> pq.ParquetWriter:
    """Open a parquet writer with the settings of every raw table: snappy, dictionaries only where values repeat."""
    repeating = [field.name for field in columns if not pa.types.is_floating(field.type) or field.name in ("Time", "Amount")]
    return pq.ParquetWriter(path, columns, compression="snappy", use_dictionary=repeating)


def _kind(file: Path) -> str:
    """Tell ``csv``, ``gzip``, ``zip`` or ``parquet`` by the first bytes, and object when the name promises another."""
    with file.open("rb") as stream:
        start = stream.read(4)
    found = {b"PK": "zip", b"\x1f\x8b": "gzip"}.get(start[:2], "parquet" if start == b"PAR1" else "csv")
    promised = {".gz": "gzip", ".zip": "zip", ".parquet": "parquet"}.get(file.suffix.lower())
    if promised and found != promised:
        raise DataError(f"{file.name} is named as {promised} but its content is not.", "Get it again, or give it its right name.")
    return found


def _convert_csv(file: Path, kind: str, schema: DatasetSchema, destination: Path, require_label: bool) -> int:
    with _decompression_faults(file), _open_csv(file, kind, schema) as stream:
        header = read_header(file.name, stream.read(MAX_HEADER_BYTES))
    columns = arrow_schema(schema, _check_columns(file.name, header, schema, require_label))
    try:
        with _decompression_faults(file), _open_csv(file, kind, schema) as stream:
            reader = pacsv.open_csv(
                stream,
                read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES),
                convert_options=pacsv.ConvertOptions(
                    column_types=columns,
                    include_columns=columns.names,
                    null_values=[""],
                    quoted_strings_can_be_null=True,
                    strings_can_be_null=True,
                ),
            )
            rows = _write_batches(file, reader, columns, destination)
    except (pa.ArrowInvalid, _NotFiniteError) as error:
        with _decompression_faults(file), _open_csv(file, kind, schema) as stream:
            raise broken_cell(file.name, stream, schema, str(error)) from None
    return rows


def _convert_parquet(file: Path, schema: DatasetSchema, destination: Path, require_label: bool) -> int:
    try:
        with pq.ParquetFile(file, pre_buffer=False) as source:  # else the whole file stays in memory
            names = _check_columns(file.name, source.schema_arrow.names, schema, require_label)
            columns = arrow_schema(schema, names)
            _check_types(file.name, source.schema_arrow, columns)
            batches = (_cast(file.name, batch, columns) for batch in source.iter_batches(_GROUP_ROWS, columns=names))
            return _write_batches(file, batches, columns, destination)
    except _NotFiniteError as error:
        raise DataError(f"{file.name} holds an infinite number in column {error}.", "Correct it at its source.") from None
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{file.name} is not a whole parquet file.", "Get it again from where it came.") from error


class _NotFiniteError(Exception):
    """A column holds ``inf`` (or, in a CSV, ``nan``), which no raw file may."""


def _write_batches(file: Path, batches: Iterator[pa.RecordBatch], columns: pa.Schema, destination: Path) -> int:
    rows = 0
    with parquet_writer(destination, columns) as writer:
        for batch in batches:
            for field, column in zip(columns, batch.columns, strict=True):
                if pa.types.is_floating(field.type) and pc.all(pc.is_finite(column)).as_py() is False:
                    raise _NotFiniteError(field.name)
            if batch.num_rows:
                writer.write_batch(batch, row_group_size=_GROUP_ROWS)
            rows += batch.num_rows
    return rows


def _cast(name: str, batch: pa.RecordBatch, columns: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for field in columns:
        column = batch.column(field.name)
        if pa.types.is_floating(column.type):
            # pandas writes a missing number as NaN: the contracts judge it as the null that it is.
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        try:
            arrays.append(column.cast(field.type))
        except pa.ArrowInvalid as error:
            raise DataError(f"{name} holds a value in column {field.name} that is not {field.type}.", "Correct it.") from error
    return pa.record_batch(arrays, schema=columns)


def _check_types(name: str, found: pa.Schema, columns: pa.Schema) -> None:
    for field in columns:
        given = found.field(field.name).type
        text = pa.types.is_string(given) or pa.types.is_large_string(given)
        number = pa.types.is_integer(given) or pa.types.is_floating(given)
        if not (text if pa.types.is_string(field.type) else number):
            raise DataError(f"{name} has {given} in column {field.name}.", f"It must hold {field.type}.")


def _check_columns(name: str, header: list[str], schema: DatasetSchema, require_label: bool) -> list[str]:
    """Return the schema's columns that the file has, in the schema's order; complain about doubled, missing and extra ones."""
    expected = list(schema.columns)
    doubled = [column for column in expected if header.count(column) > 1]
    if doubled:
        raise DataError(f"{name} has the column {_listed(doubled)} more than once.", "Keep one of each.")
    # Scoring needs neither outcomes nor names: whoever leaves private columns out should not have to invent them.
    spare = () if require_label else (schema.label, *schema.private)
    needed = [column for column in expected if column not in spare]
    missing = [column for column in needed if column not in header]
    if missing:
        raise DataError(f"{name} lacks the column {_listed(missing)}.", f"It must have {', '.join(needed)}.")
    extra = [column for column in header if column not in expected]
    if extra:
        raise DataError(f"{name} has the column {_listed(extra)}, which is not known.", f"Keep only {', '.join(expected)}.")
    return [column for column in expected if column in header]


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


@contextmanager
def _open_csv(file: Path, kind: str, schema: DatasetSchema) -> Iterator[IO[bytes]]:
    """Open the CSV text inside a file, whatever it is packed in."""
    if kind == "zip":
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX")]
            chosen = [name for name in names if Path(name).name == schema.file_name] or names
            if len(chosen) != 1:
                raise DataError(f"{file.name} holds {len(names)} CSV files.", f"It must hold {schema.file_name}.")
            with archive.open(chosen[0]) as member:
                yield member
    elif kind == "gzip":
        with gzip.open(file) as unpacked:
            yield cast(IO[bytes], unpacked)
    else:
        with file.open("rb") as stream:
            yield stream


@contextmanager
def _decompression_faults(file: Path) -> Iterator[None]:
    try:
        yield
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{file.name} is packed in a way that cannot be read ({error}).", "Unpack it, or pack it as an ordinary zip or gzip."
        ) from error
    except (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{file.name} is cut off or damaged: it does not unpack.", "Get it again from where it came.") from error
