"""Opens any table as it is, CSV of any separator or parquet, whole or in parts, for DuckDB to read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.data.arrow_columns import holds_numbers, holds_text, holds_times
from fusionguard.data.file_kinds import AGAIN, file_kind
from fusionguard.data.headers import listed
from fusionguard.data.part_files import part_files
from fusionguard.datasets.inspection.text_table import quoted, write_texts
from fusionguard.errors import DataError, UsageError
from fusionguard.files import check_name

ROW = "row"
"""The column of ``OpenedTable.relation`` that numbers the rows from 0."""

MOST_COLUMNS = 2_000
_MEMORY = "1200MiB"
_TWO = "A table to learn from has a label and at least one column that tells of it."
_FOLDER_SUFFIXES = (".parquet", ".csv", ".csv.gz")
_VALUE_IN_HEADER = re.compile(r"[+-]?\d{5,}|[+-]?\d+[.,:/-]\d+\S*|\S+@\S+\.\S+|\d{4}-\d\d-\d\d[T ].*", re.ASCII)
"""Small whole numbers are left alone: they are names that some programs give."""


@dataclass(frozen=True)
class OpenedTable:
    """A table that DuckDB can be asked about.

    Parameters
    ----------
    connection, relation
        ``relation`` has the columns ``c0``, ``c1``, ... in the order of ``names``, and ``ROW``: names may be any text, and
        differ in case alone.
    names, types
        The columns as the file calls them, and the DuckDB type of each: ``VARCHAR`` (all of a CSV file), ``DOUBLE``, ``BIGINT``,
        ``TIMESTAMP`` or ``BOOLEAN``.
    layout
        What the file is: ``CSV`` or ``parquet``.
    oddities
        What must be changed before training can read it, in words.
    separators
        What separates the columns of its CSV files; of several, in their order.
    encoding
        Of the text of its CSV files.
    unread
        Of columns that hold neither numbers, texts nor moments, what they hold.
    """

    connection: duckdb.DuckDBPyConnection
    relation: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: int
    layout: str
    oddities: tuple[str, ...]
    separators: tuple[str, ...] = ()
    encoding: str = "utf-8"
    unread: Mapping[str, str] = field(default_factory=dict)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows that a query gives."""
        return list(self.connection.execute(query).fetchall())


@contextmanager
def open_table(files: Sequence[Path]) -> Iterator[OpenedTable]:
    """Open files, or folders of part files, as one table; what is unpacked for it is removed in the end.

    Raises
    ------
    UsageError
        A file does not exist, or a folder holds no table.
    DataError
        It is empty, no table, or damaged, or its columns have no names, the same name twice, or names that look like values. No
        value of the table is shown.
    """
    parts = [part for file in files for part in _parts(file)]
    with TemporaryDirectory(prefix="fusionguard-inspect-") as scratch:
        connection = duckdb.connect(
            config={"memory_limit": _MEMORY, "temp_directory": scratch, "autoinstall_known_extensions": False}
        )
        try:
            yield _opened(connection, parts, Path(scratch))
        except (duckdb.DataError, duckdb.OperationalError) as error:  # their words quote rows of the table
            raise DataError(f"{parts[0].name} cannot be read as a table ({type(error).__name__}).", AGAIN) from None
        finally:
            connection.close()


def _parts(file: Path) -> tuple[Path, ...]:
    check_name(file)
    found = part_files(file) or (_files_of(file) if file.is_dir() else (file,))
    for part in found:
        if not part.is_file():
            kind = "is a pipe or a device, which cannot be read twice" if part.exists() else "does not exist"
            raise UsageError(f"'{part}' {kind}.", "Name a CSV or parquet file, or a folder of part files.")
        if part.stat().st_size == 0:
            raise DataError(f"{part.name} is empty (0 bytes).", AGAIN)
        if not os.access(part, os.R_OK):
            raise DataError(f"You may not read {part.name}.", "Change its permissions, or ask its owner to.")
    return found


def _files_of(folder: Path) -> tuple[Path, ...]:
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().endswith(_FOLDER_SUFFIXES))
    kinds = {path.name.lower().endswith(".parquet"): path for path in found}
    if len(kinds) > 1:
        what = f"'{folder}' holds parquet and CSV files, such as '{kinds[True].name}' and '{kinds[False].name}'."
        raise UsageError(what, "Name the files of one table.")
    if found:
        return tuple(found)
    raise UsageError(f"'{folder}' is a folder without CSV or parquet files.", "Name a file, or a folder of part files.")


def declared_rows(files: Sequence[Path]) -> str | None:
    """Return what a declaration beside a file, or beside a folder of files, names its rows by; None where no words name all."""
    if len(files) != 1:
        return None
    (file,) = files
    if not file.is_dir() or part_files(file):
        return file.name
    found = _files_of(file)
    endings = {next(path.name[-len(each) :] for each in _FOLDER_SUFFIXES if path.name.lower().endswith(each)) for path in found}
    for pattern in (*(f"*{ending}" for ending in endings), "*.csv*"):
        if sorted(path for path in file.glob(pattern) if path.is_file()) == list(found):
            return f"{file.name}/{pattern}".removeprefix("/")
    return None


def _opened(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path], scratch: Path) -> OpenedTable:
    kinds = [file_kind(part) for part in parts]
    layouts = {"parquet" if kind == "parquet" else "CSV" for kind in kinds}
    if len(layouts) > 1:
        raise DataError("Some of the files are parquet and some are CSV.", "Give the parts of one table, written alike.")
    names: list[str] = []
    oddities: dict[str, None] = {}
    separators: dict[str, None] = {}
    encodings: dict[str, None] = {}
    unread: dict[str, str] = {}
    pieces, rows = [], 0
    for place, (part, kind) in enumerate(zip(parts, kinds, strict=True)):
        if kind == "parquet":
            schema = _parquet_schema(part)
            stored, header = part, schema.names
            unread |= _unread(schema)
        else:
            texts = write_texts(connection, part, kind, scratch / f"{place}.parquet")
            stored, header = texts.file, texts.header
            encodings |= {texts.encoding: None} if texts.encoding else {}
            separators[texts.separator] = None
        if place == 0:
            _check_names(part.name, header, typed=kind == "parquet")
            names = header
        elif header != names:
            what = f"{part.name} orders its columns unlike {parts[0].name}"
            if lacking := sorted(set(names) - set(header)):
                what = f"{part.name} lacks the column {listed(lacking)} of {parts[0].name}"
            elif more := sorted(set(header) - set(names)):
                what = f"{part.name} has the column {listed(more)}, which {parts[0].name} lacks"
            raise DataError(f"{what}: they are no parts of one table.", "Inspect one table at a time, or write its parts alike.")
        pieces.append(_piece(stored, rows))
        rows += pq.read_metadata(stored).num_rows
    if rows == 0:
        raise DataError(f"{parts[0].name} has a header but no rows.", AGAIN)
    connection.execute(f"CREATE VIEW whole AS {' UNION ALL BY NAME '.join(pieces)}")
    types = {str(line[0]): str(line[1]) for line in connection.execute("DESCRIBE whole").fetchall()}
    ordered = tuple(types[f"c{place}"] for place in range(len(names)))
    if unread:
        oddities[_unread_words(unread)] = None
    if len(encodings) > 1:
        oddities["some of its files are Windows-1252 text, others UTF-8"] = None
    encoding = next(iter(encodings), "utf-8")
    return OpenedTable(
        connection, "whole", tuple(names), ordered, rows, layouts.pop(), tuple(oddities), tuple(separators), encoding, unread
    )


def _parquet_schema(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{file.name} is not a whole parquet file.", AGAIN) from None


def _unread(schema: pa.Schema) -> dict[str, str]:
    """Return the columns of types that training does not read, with what they hold: times of day, spans, lists, structures."""
    return {
        each.name: "nested" if pa.types.is_nested(each.type) else str(each.type)
        for each in schema
        if not (holds_numbers(each.type) or holds_text(each.type) or holds_times(each.type))
    }


def _unread_words(unread: Mapping[str, str]) -> str:
    names = [f"'{name}' ({kind})" for name, kind in unread.items()]
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"it holds neither numbers, texts nor moments in {', '.join(names[:6])}{more}"


def _check_names(file: str, names: Sequence[str], *, typed: bool) -> None:
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"{file} has {len(names):,} columns.", f"Up to {MOST_COLUMNS:,} are looked at: leave out what is not needed."
        )
    if doubled := sorted({name for name in names if names.count(name) > 1 and name.strip()}):
        raise DataError(f"{file} has the column {listed(doubled)} more than once.", "Keep one of each, or rename the others.")
    if not typed and any(_VALUE_IN_HEADER.fullmatch(name.strip()) for name in names):
        # Such names are a first row's values, and may be anybody's: they are not shown.
        raise DataError(f"{file} has numbers, dates or addresses in its first line.", "Its first line must name the columns.")
    if not all(name.strip() for name in names):
        raise DataError(
            f"{file} has a column without a name, which may be an index that pandas wrote.",
            f"Write it without: df.to_{'parquet' if typed else 'csv'}(..., index=False), or name the column.",
        )
    if len(names) < 2:
        how = "" if typed else " if others are there, they are not separated by commas, semicolons, tabs or bars."
        raise DataError(f"{file} has one column only;{how}" if how else f"{file} has one column only.", _TWO)


def _piece(file: Path, offset: int) -> str:
    """Return the SQL that reads one part: each column as text, number, moment or boolean, and the rows' numbers."""
    fields = list(pq.read_schema(file))
    columns = ", ".join(_as_plain(f"v{place}", each.type) + f" AS c{place}" for place, each in enumerate(fields))
    aliases = ", ".join([*(f"v{place}" for place in range(len(fields))), "n"])
    source = f"(SELECT * FROM read_parquet({quoted(file)}, file_row_number = true)) AS piece({aliases})"
    return f'SELECT {columns}, n + {offset} AS "{ROW}" FROM {source}'


def _as_plain(column: str, kind: pa.DataType) -> str:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_boolean(value):
        return column
    if pa.types.is_unsigned_integer(value) and value.bit_width == 64:
        return f"CAST({column} AS VARCHAR)"  # no other type holds all of them and is measured here
    if pa.types.is_integer(value):
        return f"CAST({column} AS BIGINT)"
    if pa.types.is_floating(value) or pa.types.is_decimal(value):
        return f"CAST({column} AS DOUBLE)"
    if pa.types.is_timestamp(value) and value.tz is not None:  # nanoseconds with a zone have no way to TIMESTAMP
        return f"timezone('UTC', CAST({column} AS TIMESTAMPTZ))"
    if pa.types.is_timestamp(value) or pa.types.is_date(value):
        return f"CAST({column} AS TIMESTAMP)"
    return f"CAST({column} AS VARCHAR)"
