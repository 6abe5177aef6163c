"""Writes the features of a table that is described, not programmed: one SQL for DuckDB, Spark and the service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from fusionguard.errors import UsageError
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.expressions.expression import parse_expression
from fusionguard.features.expressions.grammar import KEYWORDS
from fusionguard.features.expressions.tokens import unportable
from fusionguard.features.expressions.tree import RawColumn
from fusionguard.features.expressions.writing import literal

Calendar = Literal["hour", "weekday", "day_of_month", "is_weekend"]

OTHER = "(other)"
"""What stands for a category that is not known, where such are kept apart."""

ROW_NUMBER, TIME_SECONDS = "row_number", "time_seconds"
LARGEST_TIME = 2.0**40
"""Seconds before and after 1970: 34,000 years, within which every step of the calendar is exact in a DOUBLE."""

LARGEST_WHOLE = 2**53
"""Up to here an integer is itself in a DOUBLE, which requests and arrays of the service hold."""

_DUCKDB_RESERVED = """
WITH WHERE VARIADIC UNPIVOT UNION TRUE USING TRAILING TO THEN TABLE SYMMETRIC SUMMARIZE CREATE AS INTO DO INITIALLY FOR
DESCRIBE DESC WINDOW EXCEPT OFFSET IN DEFAULT COLUMN FALSE COLLATE RETURNING CONSTRAINT ALL CASE PLACING CAST ANALYSE
INTERSECT ASC ANALYZE CHECK HAVING FETCH WHEN AND ONLY ASYMMETRIC ON ANY ARRAY BOTH GROUP PIVOT_LONGER PRIMARY LAMBDA
FOREIGN LATERAL UNIQUE LEADING NULL DISTINCT LIMIT NOT FROM OR ORDER SOME PIVOT END PIVOT_WIDER QUALIFY ELSE REFERENCES
DEFERRABLE SELECT SHOW
"""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True)
class NumericColumn:
    """A number that models read, in ``[low, high]``; NULL where it may be ``missing`` and is."""

    name: str
    low: float
    high: float
    integer: bool = False
    missing: bool = False


@dataclass(frozen=True)
class CategoricalColumn:
    """A text that models read: what becomes of a value that is not one of ``values``, and whether it may be ``missing``."""

    name: str
    values: tuple[str, ...]
    unseen: Literal["other", "missing", "refuse"] = "other"
    missing: bool = False


@dataclass(frozen=True)
class TimeColumn:
    """When a row happened, in seconds since 1970 in UTC, with what models read of it; weeks begin on Monday, 0."""

    name: str
    calendar: tuple[Calendar, ...] = ()
    integer: bool = False

    @property
    def sql(self) -> str:
        """The seconds as a DOUBLE."""
        return f"CAST({self.name} AS DOUBLE)" if self.integer else self.name


@dataclass(frozen=True)
class TableDescription:
    """What a table's columns mean.

    Parameters
    ----------
    dataset, label
        The data set's name, and its column of outcomes, 0 or 1.
    cents_of
        The numeric columns of money whose hundredths, 0 to 99, are a feature of their own, ``<name>_cents``.
    derived
        Expressions over the columns, by the feature's name: see :func:`parse_expression`.
    """

    dataset: str
    label: str
    numeric: tuple[NumericColumn, ...] = ()
    categorical: tuple[CategoricalColumn, ...] = ()
    time: TimeColumn | None = None
    cents_of: tuple[str, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)
    positives: str = "positive rows"
    negatives: str = "negative rows"
    rows: str = "rows"


def generate_features(table: TableDescription) -> FeatureDefinition:
    """Return the features of a described table: numbers, calendar, cents and derived numbers, then categories.

    Raises
    ------
    UsageError
        A column's or a feature's name cannot stand in SQL or is there twice, or a category or a limit cannot be written.
    ExpressionError
        A derived expression cannot be read.
    """
    raw = _raw_columns(table)
    features = dict(_features(table, raw))
    text_columns = {column.name for column in table.categorical}
    expressions = {ROW_NUMBER: f"CAST({ROW_NUMBER} AS BIGINT)"}
    if table.time is not None:
        expressions[TIME_SECONDS] = f"CAST(FLOOR({table.time.sql}) AS BIGINT)"
    expressions |= features | {table.label: f"CAST({table.label} AS INT)"}
    _check_names([*raw, *(name for name in expressions if name not in raw)])
    columns = ",\n".join(f"    {sql} AS {name}" for name, sql in expressions.items())
    order = [name for name in (TIME_SECONDS, ROW_NUMBER) if name in expressions]
    names = ", ".join(expressions)
    limits = {column.name: (float(column.low), float(column.high)) for column in table.numeric}
    if table.time is not None:
        limits = {table.time.name: (-LARGEST_TIME, LARGEST_TIME)} | limits
    definition = FeatureDefinition(
        dataset=table.dataset,
        schema_version=1,
        label=table.label,
        column_types={},
        model_features=(*(name for name in features if name not in text_columns), *(c.name for c in table.categorical)),
        raw=raw,
        rows_text=f"SELECT\n{columns}\nFROM raw\n",
        training_set_text=f"SELECT {names}\nFROM {table.dataset}_rows\nORDER BY {', '.join(order)}\n",
        positives=table.positives,
        negatives=table.negatives,
        rows=table.rows,
        segmentations=(),
        log_segmentations=(),
        limits=limits,
        known={column.name: column.values for column in table.categorical},
        open_texts=frozenset(column.name for column in table.categorical if column.unseen != "refuse"),
        made_of=_made_of(table, raw),
        row_column=ROW_NUMBER,
        span_column=None if table.time is None else table.time.name,
        hour_column="hour" if table.time is not None and "hour" in table.time.calendar else None,
    )
    definition.column_types.update({name: node.type.arrow for name, node in definition.parsed_rows.outputs.items()})
    return definition


def _raw_columns(table: TableDescription) -> dict[str, RawColumn]:
    raw = {} if table.time is None else {table.time.name: RawColumn("integer" if table.time.integer else "float")}
    for number in table.numeric:
        if number.integer and max(abs(number.low), abs(number.high)) > LARGEST_WHOLE:
            raise UsageError(
                f"The limits of '{number.name}' are beyond 2**53.", "Whole numbers up to there are exact everywhere."
            )
        raw[number.name] = RawColumn("integer" if number.integer else "float", number.missing)
    for text in table.categorical:
        for value in text.values:
            if reason := unportable(value):
                raise UsageError(f"The value {value!r} of '{text.name}' cannot be written: {reason}.", "Write it in another way.")
        raw[text.name] = RawColumn("text", text.missing)
    named = [*([table.time.name] if table.time else []), *(c.name for c in table.numeric), *(c.name for c in table.categorical)]
    _check_names([*named, table.label, ROW_NUMBER])
    return raw | {table.label: RawColumn("integer"), ROW_NUMBER: RawColumn("integer")}


def _features(table: TableDescription, raw: Mapping[str, RawColumn]) -> Iterator[tuple[str, str]]:
    """Yield each model feature with its SQL."""
    for number in table.numeric:
        yield number.name, f"CAST({number.name} AS BIGINT)" if number.integer else f"{number.name} + 0e0"
    if table.time is not None:
        calendar = _calendar(table.time.sql)
        yield from ((name, calendar[name]) for name in table.time.calendar)
    for name in table.cents_of:
        if name not in raw or raw[name].kind != "float":
            raise UsageError(f"'{name}' is no numeric column with a fraction, and has no cents.", "Name such a column.")
        yield f"{name}_cents", f"CAST(FLOOR(ABS({name}) * 100e0 + 5e-1) % 100e0 AS INT)"
    readable = {name: column for name, column in raw.items() if name not in (table.label, ROW_NUMBER)}
    for name, text in table.derived.items():
        yield name, parse_expression(text, readable).sql()
    for text_column in table.categorical:
        yield text_column.name, _category(text_column)


def _category(column: CategoricalColumn) -> str:
    name, known = column.name, ", ".join(literal(value) for value in column.values)
    if column.unseen == "refuse":
        return name
    if column.unseen == "missing":
        return f"CASE WHEN {name} IN ({known}) THEN {name} ELSE NULL END"
    missing = f" WHEN {name} IS NULL THEN NULL" if column.missing else ""
    return f"CASE WHEN {name} IN ({known}) THEN {name}{missing} ELSE {literal(OTHER)} END"


def _calendar(time: str) -> dict[Calendar, str]:
    """Return the SQL of each calendar feature, from whole DOUBLEs: seconds and days since 1970-01-01, a Thursday.

    The day of the month follows Howard Hinnant, *chrono-compatible low-level date algorithms* (2021), ``civil_from_days``: eras
    of 400 years that begin on 1 March, so that a leap day is the last of its year.
    """
    seconds = f"FLOOR({time})"
    days = f"FLOOR({seconds} / 86400e0)"
    weekday = f"({days} + 3e0 - 7e0 * FLOOR(({days} + 3e0) / 7e0))"
    era_days = f"({days} + 719468e0)"
    day_of_era = f"({era_days} - 146097e0 * FLOOR({era_days} / 146097e0))"
    leap = f"FLOOR({day_of_era} / 1460e0) - FLOOR({day_of_era} / 36524e0) + FLOOR({day_of_era} / 146096e0)"
    year = f"FLOOR(({day_of_era} - ({leap})) / 365e0)"
    day_of_year = f"({day_of_era} - (365e0 * {year} + FLOOR({year} / 4e0) - FLOOR({year} / 100e0)))"
    month = f"FLOOR((5e0 * {day_of_year} + 2e0) / 153e0)"
    return {
        "hour": f"CAST(FLOOR(({seconds} - 86400e0 * {days}) / 3600e0) AS INT)",
        "weekday": f"CAST({weekday} AS INT)",
        "is_weekend": f"CASE WHEN {weekday} >= 5e0 THEN 1 ELSE 0 END",
        "day_of_month": f"CAST({day_of_year} - FLOOR((153e0 * {month} + 2e0) / 5e0) + 1e0 AS INT)",
    }


def _made_of(table: TableDescription, raw: Mapping[str, RawColumn]) -> dict[str, tuple[str, ...]]:
    made: dict[str, tuple[str, ...]] = {}
    if table.time is not None:
        made |= dict.fromkeys(table.time.calendar, (table.time.name,))
    made |= {f"{name}_cents": (name,) for name in table.cents_of}
    return made | {name: parse_expression(text, raw).columns for name, text in table.derived.items()}


def _check_names(names: list[str]) -> None:
    """Refuse what the engines cannot read without quotes, in which they differ, and names that differ in their case alone."""
    seen: dict[str, str] = {}
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(f"'{name}' cannot name a column in SQL.", "Use letters, digits and '_', and begin with a letter.")
        if name.upper() in KEYWORDS | set(_DUCKDB_RESERVED.split()):
            raise UsageError(f"'{name}' is a word of SQL.", f"Rename the column, such as {name}_value.")
        if name.lower() in seen:
            raise UsageError(f"'{name}' and '{seen[name.lower()]}' are one name to SQL.", "Rename one of them.")
        seen[name.lower()] = name
