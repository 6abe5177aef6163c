"""A raw table as a file for others: CSV in Kaggle's layout, plain or gzip, or parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from fusionguard.data.table import Table
from fusionguard.files import storage_errors
from fusionguard.output import row_writer


def write_table(table: Table, destination: Path) -> Path:
    """Write ``table`` to ``destination`` atomically, in the form its name asks for, and return ``destination``.

    CSV keeps every double exactly; whole numbers such as ``Time`` have no decimal point, as in Kaggle's file. The same
    table gives the same bytes.

    Raises
    ------
    UnknownChoiceError
        The name ends in none of ``.csv``, ``.csv.gz`` and ``.parquet``.
    StorageError
        The disk is full, or the folder cannot be written.
    """
    with storage_errors(destination), row_writer(destination, table.schema) as writer:
        for file in table.files:
            with pq.ParquetFile(file, pre_buffer=False) as parquet:
                for batch in parquet.iter_batches(batch_size=1 << 16):
                    writer.write_batch(batch)
    return destination
