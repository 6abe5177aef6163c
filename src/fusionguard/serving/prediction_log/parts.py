"""The parts of a log on disk: parquet files that are written whole, never changed, and checked when they are read."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.errors import StorageError
from fusionguard.families.family import TIME
from fusionguard.files import atomic_path, write_text
from fusionguard.serving.prediction_log.schema import PATTERN, REQUEST_ID, LogLayout, check_marks

TEMPORARIES = ".*.tmp"
_LAST_MERGE = ".last-merge"

ROW_GROUP_ROWS = 65_536
"""Rows of a part that are read together, at most."""


class DamagedPartError(StorageError):
    """A part whose bytes are not what was written: cut off, altered or unreadable."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path} cannot be read: {why}.", "Restore it from a copy; until then its rows are missing.")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.path, self.why))


def part_name(process: int, number: int, token: str) -> str:
    """Return the name of a part that is written now; names sort by time, and no two processes make the same one.

    ``token`` tells processes apart that have the same id in different containers.
    """
    return f"part-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{process}-{number:06d}-{token}.parquet"


def list_parts(folder: Path) -> list[Path]:
    """Return the parts in a folder in the order of their names; none where the folder does not exist.

    A listing that runs while parts are merged may miss both a part and what it was merged into, so it is repeated until no merge
    began to remove parts meanwhile (:func:`note_merge`).
    """
    while True:
        before = _last_merge(folder)
        found = sorted(folder.glob(PATTERN))
        if _last_merge(folder) == before:
            return found


def note_merge(folder: Path) -> None:
    """Tell those who list a folder that parts are about to be removed; what these were merged into is there already.

    Whoever sees no note appear has listed before the removal, and has the parts, or after the merge, and has the merged one.

    Raises
    ------
    StorageError, OSError
        The disk refuses.
    """
    write_text(folder / _LAST_MERGE, secrets.token_hex(8))


def _last_merge(folder: Path) -> str:
    try:
        return (folder / _LAST_MERGE).read_text("utf-8")
    except FileNotFoundError:
        return ""


def part_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a parquet file as every part is written: compressed, a checksum on each page, statistics of the time alone."""
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[field.name for field in schema if pa.types.is_string(field.type) and field.name != REQUEST_ID],
        write_statistics=[TIME],
        write_page_checksum=True,
    )


def write_part(target: Path, table: pa.Table) -> None:
    """Write a part: whole and on the disk when this returns, else absent.

    Raises
    ------
    StorageError, OSError
        The disk refuses.
    """
    with atomic_path(target) as temporary, part_writer(temporary, table.schema) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)


class OpenPart:
    """A part that is being read, in the columns of a layout where one is given; use it in a ``with`` statement.

    Raises
    ------
    FileNotFoundError
        It is gone: it was merged into another.
    LogVersionError, ForeignPartError
        It is not this version's to read, or not a part of ``model``'s log.
    DamagedPartError
        Its bytes are not what was written; also raised while it is read.
    """

    def __init__(self, path: Path, model: str, layout: LogLayout | None = None) -> None:
        self.path, self._layout = path, layout
        try:
            self._file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error
        try:
            check_marks(path, self._file.schema_arrow, model, layout)
        except StorageError:
            self._file.close()
            raise

    def __enter__(self) -> OpenPart:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self._file.metadata.num_rows)

    @property
    def groups(self) -> int:
        """The number of row groups."""
        return int(self._file.metadata.num_row_groups)

    @property
    def schema(self) -> pa.Schema:
        """The columns that it has, with its marks."""
        return self._file.schema_arrow

    def times(self, group: int) -> tuple[datetime, datetime] | None:
        """Return the first and the last time in a row group, from the footer; None where it does not say."""
        content = self._file.metadata.row_group(group)
        place = self._file.schema_arrow.get_field_index(TIME)
        statistics = content.column(place).statistics
        return (statistics.min, statistics.max) if statistics is not None and statistics.has_min_max else None

    def read(self, group: int, columns: list[str] | None = None) -> pa.Table:
        """Return the rows of a row group; each page is compared with its checksum. A column that it lacks is empty."""
        there = columns if columns is None else [name for name in columns if name in self.schema.names]
        try:
            rows = self._file.read_row_group(group, columns=there, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, error) from error
        if columns is None or self._layout is None:
            return rows
        for name in columns:
            if name not in rows.column_names:
                field = self._layout.parts.field(name)
                rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
        return rows.select(columns)


def remove_stale_temporaries(folder: Path, older_than_seconds: float = 3600.0) -> None:
    """Remove what processes left half written that were killed; a file that still grows is younger."""
    for path in folder.glob(TEMPORARIES):
        try:
            if time.time() - path.stat().st_mtime > older_than_seconds:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue


def _damaged(path: Path, error: Exception) -> DamagedPartError:
    return DamagedPartError(path, str(error).splitlines()[0].rstrip(". ") if str(error) else type(error).__name__)
