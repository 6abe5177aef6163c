"""A table's rows in DuckDB, numbered from 0, with each column's kind and the SQL that reads a cell as what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.data.table import CARRIED, Table
from fusionguard.datasets.cells import LARGEST_WHOLE, WRITTEN_NUMBER, WRITTEN_WHOLE, Spelling
from fusionguard.datasets.declared_values import Scalar, as_text
from fusionguard.errors import DataError

Kind = Literal["integer", "float", "boolean", "text", "time", "other"]

_SETTINGS = {"autoinstall_known_extensions": False, "autoload_known_extensions": False, "preserve_insertion_order": True}
_FILE_ROW = "file_row_number"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_DIGITS = "'[+-]?[0-9]{1,18}'"
_TRUTH = "('true', 'false')"


@dataclass(frozen=True)
class Hit:
    """Rows that fulfil a condition: how many, the number of the first, and what that holds."""

    rows: int
    row: int | None
    value: Any


@dataclass(frozen=True)
class TableRows:
    """The rows of a table; queries read them as ``given``, with their number as ``_row``.

    Parameters
    ----------
    names
        The columns.
    marks
        By column, what stands where nothing is known, besides an empty cell.
    """

    database: duckdb.DuckDBPyConnection
    names: tuple[str, ...]
    marks: Mapping[str, Sequence[Scalar]]

    @cached_property
    def types(self) -> dict[str, str]:
        """DuckDB's name of each column's type, in the table's order; what is carried over for the owner is none of them."""
        described = self.fetch("SELECT column_type FROM (DESCRIBE given)")[1:]  # the first is the row's number
        return {name: str(kind) for name, (kind,) in zip(self.names, described, strict=True) if name != CARRIED}

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """What each of these columns holds."""
        return {name: _kind(kind) for name, kind in self.types.items()}

    @cached_property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.fetch("SELECT COUNT(*) FROM given")[0][0])

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query over ``given`` finds."""
        return list(self.database.execute(query).fetchall())

    def hits(self, column: str, *conditions: str) -> list[Hit]:
        """Return, for each condition, how many rows fulfil it, and of the first its number and what it holds in ``column``."""
        name = f"CAST({quoted(column)} AS VARCHAR)" if self.kinds[column] in ("time", "other") else quoted(column)
        counted = [
            f"COUNT(*) FILTER (WHERE {each}), MIN(_row) FILTER (WHERE {each}), ARG_MIN({name}, _row) FILTER (WHERE {each})"
            for each in conditions
        ]
        values = self.fetch(f"SELECT {', '.join(counted)} FROM given")[0]
        return [Hit(*values[at : at + 3]) for at in range(0, len(values), 3)]

    def empty(self, column: str) -> str:
        """Return the condition that a cell holds nothing: null, NaN, blanks, or what is declared to mean it."""
        name, kind, marks = quoted(column), self.kinds[column], self.marks.get(column, ())
        conditions = [f"{name} IS NULL"]
        if kind == "text":
            written = ", ".join(string(text) for text in ("", *map(as_text, marks)))
            conditions.append(f"trim(CAST({name} AS VARCHAR)) IN ({written})")
        elif kind == "float":
            conditions.append(f"isnan(CAST({name} AS DOUBLE))")
        numbers = [repr(float(mark)) for mark in marks if isinstance(mark, int | float) and not isinstance(mark, bool)]
        if numbers and kind in ("integer", "float", "text"):
            conditions.append(f"COALESCE({self._double(column)} IN ({', '.join(numbers)}), FALSE)")
        return f"({' OR '.join(conditions)})"

    def number(self, column: str) -> str:
        """Return the cell as a double, null where it is empty or no finite number."""
        double = self._double(column)
        return f"(CASE WHEN NOT {self.empty(column)} AND isfinite({double}) THEN {double} END)"

    def _double(self, column: str) -> str:
        name, kind = quoted(column), self.kinds[column]
        if kind == "text":
            text = f"trim(CAST({name} AS VARCHAR))"
            return f"(CASE WHEN regexp_full_match({text}, '{WRITTEN_NUMBER}') THEN TRY_CAST({text} AS DOUBLE) END)"
        if kind in ("integer", "float"):
            return f"CAST({name} AS DOUBLE)"
        return f"CAST(CAST({name} AS INT) AS DOUBLE)" if kind == "boolean" else "CAST(NULL AS DOUBLE)"

    def whole(self, column: str) -> str:
        """Return the condition that a cell is written as a whole number."""
        kind = self.kinds[column]
        if kind == "text":
            return f"regexp_full_match(trim(CAST({quoted(column)} AS VARCHAR)), {_DIGITS})"
        return "TRUE" if kind == "integer" else "FALSE"

    def category(self, column: str, spelling: Spelling = "text") -> str:
        """Return the cell as a category's text in a spelling: whole numbers without a decimal point, other texts as they are."""
        name, kind = quoted(column), self.kinds[column]
        text = f"CAST({name} AS VARCHAR)"
        if kind == "float":
            whole = f"{name} = floor({name}) AND abs({name}) < {LARGEST_WHOLE!r}e0"
            text = f"(CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE {text} END)"
        if spelling == "text" or (spelling == "whole" and kind in ("integer", "float")):
            return text
        number = f"CAST(TRY_CAST(split_part(trim({text}), '.', 1) AS BIGINT) AS VARCHAR)"
        said = f"lower(trim({text}))"
        spelled = f"CASE WHEN regexp_full_match(trim({text}), '{WRITTEN_WHOLE}') THEN {number} "
        spelled += f"WHEN {said} IN {_TRUTH} THEN CASE {said} WHEN 'true' THEN '1' ELSE '0' END ELSE {text} END"
        return (
            f"({spelled})"
            if spelling == "whole"
            else f"(CASE {spelled} WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE {spelled} END)"
        )

    def spelling(self, column: str) -> Spelling:
        """Return how the categories of a column are spelled, by all of its cells that hold something."""
        kind, text = self.kinds[column], f"trim(CAST({quoted(column)} AS VARCHAR))"
        if kind != "text":
            return "truth" if kind == "boolean" else "whole" if kind in ("integer", "float") else "text"
        cells = f"(SELECT DISTINCT {text} AS cell FROM given WHERE NOT {self.empty(column)})"
        whole, truth = f"BOOL_AND(regexp_full_match(cell, '{WRITTEN_WHOLE}'))", f"BOOL_AND(lower(cell) IN {_TRUTH})"
        is_whole, is_truth = self.fetch(f"SELECT {whole}, {truth} FROM {cells}")[0]
        return "whole" if is_whole else "truth" if is_truth else "text"


@contextmanager
def open_rows(table: Table | pa.Table, marks: Mapping[str, Sequence[Scalar]]) -> Iterator[TableRows]:
    """Open the rows of a table, on disk or in memory, in a database of their own that downloads nothing.

    Parameters
    ----------
    marks
        By column, what stands where nothing is known, besides an empty cell.

    Raises
    ------
    DataError
        Two columns have one name, or names that differ in upper and lower case only; or a column has a type that DuckDB lacks.
    """
    names = tuple(table.columns if isinstance(table, Table) else table.column_names)
    _refuse_doubles(names)
    with duckdb.connect(":memory:", config=_SETTINGS) as database:
        try:
            if isinstance(table, Table) and _FILE_ROW not in names:
                source = _numbered(table)
            else:
                held = table.read() if isinstance(table, Table) else table
                database.register("held", held)
                source = "SELECT ROW_NUMBER() OVER () - 1 AS _row, * FROM held"
            database.execute(f"CREATE TEMP VIEW given AS {source}")
        except duckdb.NotImplementedException as error:
            unknown = [f"{field.type} in column {field.name}" for field in table.schema if _is_strange(field.type)]
            raise DataError(f"The table has {', '.join(unknown)}, which is not read.", "Write it as double or text.") from error
        yield TableRows(database, names, marks)


def _numbered(table: Table) -> str:
    """Return the query of a table's rows with their numbers, which its files know, so that several threads may read them."""
    parts, before = [], 0
    for file in table.files:
        rows = f"read_parquet({string(str(file))}, file_row_number = true)"
        parts.append(f"SELECT {_FILE_ROW} + {before} AS _row, * EXCLUDE ({_FILE_ROW}) FROM {rows}")
        before += pq.read_metadata(file).num_rows
    return " UNION ALL ".join(parts)


def _is_strange(kind: pa.DataType) -> bool:
    return bool(pa.types.is_float16(kind) or pa.types.is_decimal256(kind) or pa.types.is_nested(kind))


def _refuse_doubles(names: tuple[str, ...]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if (key := name.casefold()) in seen:
            raise DataError(f"The table has the columns '{seen[key]}' and '{name}'.", "Keep one of them, or rename it.")
        seen[key] = name


def quoted(column: str) -> str:
    """Return a column's name for SQL, whatever characters it holds."""
    return '"' + column.replace('"', '""') + '"'


def string(text: str) -> str:
    """Return a text as an SQL string, whatever characters it holds."""
    return "'" + text.replace("'", "''") + "'"


def _kind(name: str) -> Kind:
    base = name.partition("(")[0].split(" ")[0].split("_")[0]
    if name.endswith("]"):
        return "other"
    if base in _INTEGERS:
        return "integer"
    kinds: dict[str, Kind] = {
        **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "float"),
        **dict.fromkeys(("VARCHAR", "ENUM", '"NULL"'), "text"),
        **dict.fromkeys(("TIMESTAMP", "TIMESTAMPTZ", "DATE"), "time"),
        "BOOLEAN": "boolean",
    }
    return kinds.get(base, "other")
