"""A raw table as a file for others: CSV in Kaggle's layout, plain or gzip, or parquet."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.dataset as ds

from fusionguard.data.ingest import parquet_writer
from fusionguard.data.table import Table
from fusionguard.errors import UnknownChoiceError
from fusionguard.files import atomic_path, storage_errors

_SUFFIXES = (".csv", ".csv.gz", ".parquet")


def write_table(table: Table, destination: Path) -> Path:
    """Write ``table`` to ``destination`` atomically, in the form its name asks for, and return ``destination``.

    CSV keeps every double exactly; a column of whole numbers such as ``Time`` is written without a decimal point, as Kaggle does.
    The same table gives the same bytes.

    Raises
    ------
    UnknownChoiceError
        The name ends in none of ``.csv``, ``.csv.gz`` and ``.parquet``.
    StorageError
        The disk is full, or the folder cannot be written.
    """
    suffix = next((suffix for suffix in _SUFFIXES if destination.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise UnknownChoiceError("file type", destination.suffix or destination.name, _SUFFIXES)
    with atomic_path(destination) as temporary, storage_errors(destination):
        if suffix == ".parquet" and len(table.files) == 1:
            shutil.copyfile(table.path, temporary)
        elif suffix == ".parquet":
            with parquet_writer(temporary, table.schema) as writer:
                for batch in _batches(table):
                    writer.write_batch(batch)
        elif suffix == ".csv":
            with temporary.open("wb") as stream:
                _write_csv(table, stream)
        else:
            # Without a name and a time in its header, the same rows give the same bytes.
            with temporary.open("wb") as stream, gzip.GzipFile("", "wb", 5, stream, mtime=0) as packed:
                _write_csv(table, packed)
    return destination


def _write_csv(table: Table, stream: IO[bytes] | gzip.GzipFile) -> None:
    whole = _whole_columns(table)
    fields = [pa.field(field.name, pa.int64()) if field.name in whole else field for field in table.schema]
    options = pacsv.WriteOptions(quoting_style="needed")
    with pacsv.CSVWriter(stream, pa.schema(fields), write_options=options) as writer:
        for batch in _batches(table):
            writer.write_batch(batch.cast(pa.schema(fields)))


def _whole_columns(table: Table) -> set[str]:
    """Return the names of float columns that hold whole numbers only."""
    whole = {field.name for field in table.schema if pa.types.is_floating(field.type)}
    for batch in _batches(table):
        for name in list(whole):
            column = batch[name]
            if not pc.all(pc.equal(column, pc.floor(column))).as_py() or (pc.max(pc.abs(column)).as_py() or 0) >= 2**53:
                whole.discard(name)
        if not whole:
            break
    return whole


def _batches(table: Table) -> Iterator[pa.RecordBatch]:
    yield from ds.dataset([str(file) for file in table.files], format="parquet").to_batches(batch_size=1 << 16)
