"""Writing rows as a stream to the file a user named: CSV, gzipped CSV or parquet, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from fusionguard.errors import UnknownChoiceError
from fusionguard.files import atomic_path, new_folder_beside, storage_errors

_FREE_TEXTS = ("reasons",)
"""Columns whose cells may hold commas."""

SUFFIXES = (".csv", ".csv.gz", ".parquet")
"""What an output file's name may end with; the suffix decides the format."""


class RowWriter(Protocol):
    """Takes rows batch by batch."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Append the rows of ``batch``, which has the columns the writer was opened with."""


def output_suffix(file: Path) -> str:
    """Return which of ``SUFFIXES`` a file's name ends with; raise :class:`UnknownChoiceError` for any other."""
    for suffix in SUFFIXES:
        if file.name.lower().endswith(suffix):
            return suffix
    raise UnknownChoiceError("output format", file.suffix or file.name, SUFFIXES)


@contextmanager
def row_writer(file: Path, columns: pa.Schema) -> Iterator[RowWriter]:
    """Open ``file`` for rows of the given columns; it appears, complete, when the block ends without an error.

    Numbers in a CSV have as many digits as it takes to read the same double back.

    Raises
    ------
    UnknownChoiceError
        The suffix is not one of ``SUFFIXES``.
    StorageError
        The disk is full or the folder cannot be written.
    """
    suffix = output_suffix(file)
    with atomic_path(file) as temporary, _open(suffix, temporary, columns) as writer:
        yield writer


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Yield a temporary folder beside an output file, on the disk that must have room for it anyway."""
    with storage_errors(beside):
        folder = new_folder_beside(beside, ".fusionguard-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _open(suffix: str, path: Path, columns: pa.Schema) -> Iterator[RowWriter]:
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        with pq.ParquetWriter(path, columns, compression="zstd") as writer:
            yield writer
        return
    import pyarrow.csv as pacsv

    # Arrow's "needed" quotes every text; numbers stay as they are either way.
    texts = any(pa.types.is_string(field.type) and field.name in _FREE_TEXTS for field in columns)
    named_plainly = all(set(name).isdisjoint(',"\r\n') for name in columns.names)
    header = "none" if named_plainly else "needed"
    plain = pacsv.WriteOptions(quoting_style="needed" if texts else "none", quoting_header=header)
    compression = "gzip" if suffix == ".csv.gz" else None
    with (
        pa.output_stream(str(path), compression=compression) as stream,
        pacsv.CSVWriter(stream, columns, write_options=plain) as writer,
    ):
        yield writer
