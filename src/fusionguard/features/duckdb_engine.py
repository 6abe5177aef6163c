"""Features by DuckDB, inside this process: from parquet to parquet, no row ever in Python's memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.datasets.shown_cells import wrong_cells
from fusionguard.errors import DataError, StorageError
from fusionguard.expressions.writing import literal as sql_literal
from fusionguard.features.definition import FeatureDefinition
from fusionguard.files import atomic_path, storage_errors

PARQUET = "FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 122880"
"""Not compressed: full-precision doubles shrink by 5 % only, and writing takes twice as long."""

_SQL_TYPES = {"float": "DOUBLE", "integer": "BIGINT", "text": "VARCHAR"}


@dataclass(frozen=True)
class DuckDBEngine:
    """Runs the SQL over spans of time where there is time, one part file each, so that memory does not grow with the table.

    Duplicates share their second and the order begins with it: spans that break between seconds give the same rows as the whole.

    Parameters
    ----------
    definition
        The features to build.
    span_rows
        About how many raw rows one span holds.
    """

    definition: FeatureDefinition
    span_rows: int = 500_000
    name: str = "duckdb"

    def build(self, raw: Table, destination: Path) -> Table:
        """Write the training set made from ``raw`` as part files into ``destination``, a new folder, and return it."""
        with storage_errors(destination):
            destination.mkdir(parents=True)
        with connection(scratch=destination) as database:
            for part, condition in enumerate(_spans(database, raw, self.definition.span_column, self.span_rows)):
                _define_views(database, self.definition, scan(raw), raw.columns, condition)
                file = destination / f"part-{part:05d}.parquet"
                with _unmakeable(self.definition):
                    database.execute(f"COPY ({self.definition.training_set_text}) TO {literal(file)} ({PARQUET})")
        return Table(destination)


def score_rows(definition: FeatureDefinition, raw: Table, destination: Path) -> Table:
    """Write what models read for every row of ``raw``, in its order and without the label, to the file ``destination``.

    Raises
    ------
    DataError
        A column is missing, or a cell is empty, not finite, unknown, or outside the range
        that the contract on raw data allows; the message names rows from 0.
    """
    with atomic_path(destination) as temporary, connection(scratch=destination.parent) as database:
        query = _scored_rows(database, definition, scan(raw), raw.columns)
        with _unmakeable(definition):
            database.execute(f"COPY ({query}) TO {literal(temporary)} ({PARQUET})")
    return Table(destination)


def score_table(definition: FeatureDefinition, raw: pa.Table) -> pa.Table:
    """Return what models read for every row of a table in memory, as :func:`score_rows` does; nothing is written to any disk."""
    with connection(scratch=None) as database:
        database.register("given", raw)
        query = _scored_rows(database, definition, "given", raw.column_names)
        with _unmakeable(definition):
            return database.sql(query).to_arrow_table()


@contextmanager
def connection(scratch: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a private database in memory that spills into the folder ``scratch`` or, without one, nowhere.

    It keeps row order and never downloads anything.
    """
    settings = {
        "temp_directory": "" if scratch is None else str(scratch / ".duckdb"),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    database = duckdb.connect(":memory:", config=settings)
    try:
        yield database
    except duckdb.IOException as error:
        first_line = str(error).splitlines()[0]
        raise StorageError(f"DuckDB could not read or write: {first_line}.", "Check free space and permissions there.") from error
    except duckdb.OutOfMemoryException as error:
        raise StorageError(
            "DuckDB ran out of memory or of disk to spill to.", "Free some of either, then run it again."
        ) from error
    finally:
        database.close()


@contextmanager
def _unmakeable(definition: FeatureDefinition) -> Iterator[None]:
    """Tell of a row that no feature can be made of, without the value that DuckDB shows."""
    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise DataError(
            f"A feature of {definition.dataset} cannot be made of a row: a number is out of the range of its type.",
            "Cast to BIGINT or not at all in its SQL, or declare the ranges of the columns that it reads.",
        ) from error


def scan(table: Table) -> str:
    """Return the SQL that reads a table's files in their order."""
    return f"read_parquet([{', '.join(literal(file) for file in table.files)}])"


def literal(path: Path) -> str:
    """Return a path as an SQL string, whatever characters it holds."""
    return "'" + str(path).replace("'", "''") + "'"


def _define_views(
    database: duckdb.DuckDBPyConnection, definition: FeatureDefinition, source: str, columns: Sequence[str], condition: str
) -> None:
    absent = {name: each for name, each in definition.raw.items() if name not in columns and name != definition.row_column}
    added = "".join(f", CAST(NULL AS {_SQL_TYPES[each.kind]}) AS {name}" for name, each in absent.items())
    if definition.row_column is not None:
        added += f", ROW_NUMBER() OVER () - 1 AS {definition.row_column}"
    database.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT * FROM (SELECT *{added} FROM {source}) WHERE {condition}")
    database.execute(f"CREATE OR REPLACE TEMP VIEW {definition.rows_view} AS {definition.rows_text}")


def _spans(database: duckdb.DuckDBPyConnection, raw: Table, seconds: str | None, span_rows: int) -> Iterator[str]:
    """Yield conditions on the column ``seconds`` that cut the table at whole minutes into spans of ``span_rows`` or more."""
    if seconds is None or raw.rows <= span_rows:
        yield "TRUE"
        return
    query = f"SELECT CAST(FLOOR({seconds} / 60) AS BIGINT), COUNT(*) FROM {scan(raw)} GROUP BY 1 ORDER BY 1"
    minutes = database.execute(query).fetchall()
    start, held = minutes[0][0], 0
    for minute, rows in minutes:
        if held >= span_rows:
            yield f"{seconds} >= {start * 60} AND {seconds} < {minute * 60}"
            start, held = minute, 0
        held += rows
    yield f"{seconds} >= {start * 60}"


def _scored_rows(database: duckdb.DuckDBPyConnection, definition: FeatureDefinition, source: str, columns: Sequence[str]) -> str:
    """Refuse raw rows that cannot be scored; return the query that makes features of the others."""
    _refuse_unusable(database, definition, source, columns)
    _define_views(database, definition, source, columns, "TRUE")
    return f"SELECT {', '.join(definition.scored_columns)} FROM {definition.rows_view}"


def _refuse_unusable(
    database: duckdb.DuckDBPyConnection, definition: FeatureDefinition, source: str, columns: Sequence[str]
) -> None:
    empty = {
        name: f"{name} IS {'NOT NULL AND' if definition.raw[name].missing else 'NULL OR'}" for name in definition.model_columns
    }
    broken = {
        name: f"({empty[name]} (NOT isfinite(CAST({name} AS DOUBLE)) OR {name} < {low!r} OR {name} > {high!r}))"
        for name, (low, high) in definition.limits.items()
    }
    for name, values in definition.known.items():
        listed = ", ".join(sql_literal(value) for value in values)
        broken[name] = f"({empty[name]} {'FALSE' if name in definition.open_texts else f'{name} NOT IN ({listed})'})"
    absent = [name for name in broken if name not in columns]
    if absent:
        raise DataError(f"These columns are missing: {', '.join(absent)}.", "Give a table in Kaggle's layout.")
    counts = ", ".join(f"COUNT(*) FILTER (WHERE {test})" for test in broken.values())
    for name, count in zip(broken, database.execute(f"SELECT {counts} FROM {source}").fetchall()[0], strict=True):
        if count:
            numbered = f"SELECT ROW_NUMBER() OVER () - 1 AS _data_row, * FROM {source}"
            query = f"SELECT _data_row FROM ({numbered}) WHERE {broken[name]} ORDER BY 1 LIMIT 5"
            rows = ", ".join(str(number) for (number,) in database.execute(query).fetchall())
            wrong = (
                "empty or not one of " + ", ".join(definition.known[name])
                if name in definition.known
                else "empty, not finite or out of range"
            )
            raise DataError(
                f"Column '{name}' has {wrong_cells(count)} {wrong} (rows {rows}).",
                "Correct or remove these rows; row 0 is the first row of data.",
            )
