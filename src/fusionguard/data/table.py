"""A table on disk: rows stay in parquet until somebody asks for the columns and the rows they need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CARRIED = "_carried"
"""The column of a raw table that is handed on to what is written for its owner, and that nothing is computed from."""

CARRIED_NAME = b"name"
"""The key, in that column's Arrow metadata, of the name that it has in the raw file."""


@dataclass(frozen=True)
class Table:
    """A parquet table: one file, or a folder of part files read in the order of their names.

    Parameters
    ----------
    path
        The file, or the folder that holds the ``*.parquet`` part files.
    """

    path: Path

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The parquet files in reading order."""
        return tuple(sorted(self.path.glob("*.parquet"))) if self.path.is_dir() else (self.path,)

    @cached_property
    def rows(self) -> int:
        """The number of rows, read from the files' footers."""
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    @cached_property
    def schema(self) -> pa.Schema:
        """Column names and types."""
        return pq.read_schema(self.files[0])

    @property
    def columns(self) -> list[str]:
        """Column names in order."""
        return list(self.schema.names)

    @property
    def carried_name(self) -> str | None:
        """What the carried column is called in the raw file; None where there is none."""
        if CARRIED not in self.columns:
            return None
        return str(self.schema.field(CARRIED).metadata[CARRIED_NAME].decode())

    def read(self, columns: list[str] | None = None, start: int = 0, stop: int | None = None) -> pa.Table:
        """Read rows ``[start, stop)`` of some columns (all by default); rows outside never leave the disk reader."""
        stop = self.rows if stop is None else min(stop, self.rows)
        pieces, seen = [], 0
        for file in self.files:
            with pq.ParquetFile(file) as parquet:
                for group in range(parquet.num_row_groups):
                    rows = parquet.metadata.row_group(group).num_rows
                    low, high = max(start - seen, 0), min(stop - seen, rows)
                    if low < high:
                        pieces.append(parquet.read_row_group(group, columns=columns).slice(low, high - low))
                    seen += rows
        if pieces:
            return pa.concat_tables(pieces).select(columns or self.columns)
        schema = self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])
        return schema.empty_table()
