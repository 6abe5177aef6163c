"""What columns hold, counted for many of them in one pass over the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusionguard.datasets.cells import Spelling
from fusionguard.datasets.table_rows import TableRows, string

_TOGETHER = 40
"""Columns that are counted in one pass."""


@dataclass(frozen=True)
class NumberFacts:
    """What a column of numbers holds.

    Parameters
    ----------
    missing, wrong
        How many cells are empty, and how many others are no finite number.
    least, most
        Of all rows; None where there is no number.
    learned_least, learned_most
        Of the rows that are learned from.
    whole, written_whole
        Whether no number has a fraction, and whether all are written without one.
    """

    missing: int
    wrong: int
    least: float | None
    most: float | None
    learned_least: float | None
    learned_most: float | None
    whole: bool
    written_whole: bool

    def beyond(self, low: float, high: float) -> bool:
        """Whether a number lies outside of a range."""
        return self.least is not None and self.most is not None and (self.least < low or self.most > high)


@dataclass(frozen=True)
class CategoryFacts:
    """What a column of categories holds.

    Parameters
    ----------
    known
        Values with how many of the rows that are learned from hold each, the most frequent first.
    distinct
        How many values these rows hold.
    """

    missing: int
    known: dict[str, int]
    distinct: int


def number_facts(
    rows: TableRows, columns: Sequence[str], learned: str, converted: Mapping[str, str] | None = None
) -> dict[str, NumberFacts]:
    """Return what each column of numbers holds; ``learned`` is the condition of the rows that are learned from.

    ``converted`` has the SQL of what models read of a column where that is not the number itself: bounds are of that.
    """
    read = converted or {}
    found: dict[str, NumberFacts] = {}
    for start in range(0, len(columns), _TOGETHER):
        batch = columns[start : start + _TOGETHER]
        cells = ", ".join(
            f"{rows.empty(column)} AS e{at}, {rows.number(column)} AS n{at}, {rows.whole(column)} AS w{at}"
            + (f", {read[column]} AS r{at}" if column in read else "")
            for at, column in enumerate(batch)
        )
        counted = ", ".join(  # a CASE costs a quarter of what a FILTER of each of hundreds of aggregates does
            f"COALESCE(SUM(CAST(e{at} AS INT)), 0), COUNT(n{at}), MIN({told}), MAX({told}), "
            f"MIN(CASE WHEN learned THEN {told} END), MAX(CASE WHEN learned THEN {told} END), "
            f"COALESCE(BOOL_AND(n{at} = floor(n{at})), TRUE), COALESCE(BOOL_AND(e{at} OR w{at}), FALSE)"
            for at, told in enumerate(f"r{at}" if column in read else f"n{at}" for at, column in enumerate(batch))
        )
        values = iter(rows.fetch(f"SELECT {counted} FROM (SELECT ({learned}) AS learned, {cells} FROM given)")[0])
        found |= {column: _number(rows.count, values) for column in batch}
    return found


def _number(count: int, values: Iterator[Any]) -> NumberFacts:
    missing, numbers, *rest = (next(values) for _ in range(8))
    return NumberFacts(int(missing), count - int(missing) - numbers, *rest)


def category_facts(
    rows: TableRows, column: str, spelling: Spelling, learned: str, declared: tuple[str, ...] | None, most: int
) -> CategoryFacts:
    """Return what a column of categories holds: of the ``declared`` values, else of the ``most`` frequent ones."""
    value = f"CASE WHEN NOT {rows.empty(column)} THEN {rows.category(column, spelling)} END"
    rows.database.execute(
        f"CREATE OR REPLACE TEMP TABLE counted AS SELECT {value} AS value, COUNT(*) AS n, "
        f"SUM(CAST(COALESCE({learned}, FALSE) AS INT)) AS learned FROM given GROUP BY 1"
    )
    asked = "TRUE" if declared is None else f"value IN ({', '.join(map(string, declared))})"
    frequent = rows.fetch(
        f"SELECT value, learned FROM counted WHERE value IS NOT NULL AND learned > 0 AND {asked} "
        f"ORDER BY learned DESC, value LIMIT {most if declared is None else len(declared)}"
    )
    distinct, missing = rows.fetch(
        "SELECT COUNT(value) FILTER (WHERE learned > 0), COALESCE(SUM(n) FILTER (WHERE value IS NULL), 0) FROM counted"
    )[0]
    counts = {str(text): int(number) for text, number in frequent}
    known = counts if declared is None else {text: counts.get(text, 0) for text in declared}
    return CategoryFacts(int(missing), known, int(distinct))


def missing_rows(rows: TableRows, columns: Sequence[str]) -> dict[str, int]:
    """Return how many cells of each column are empty."""
    if not columns:
        return {}
    counted = ", ".join(f"COUNT(*) FILTER (WHERE {rows.empty(column)})" for column in columns)
    return dict(zip(columns, map(int, rows.fetch(f"SELECT {counted} FROM given")[0]), strict=True))
