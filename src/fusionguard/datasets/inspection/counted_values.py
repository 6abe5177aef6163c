"""A table measured as a whole: its columns, exact numbers of values where they matter, hidden persons, and repeated rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fusionguard.datasets.inspection.forms import STAND_INS
from fusionguard.datasets.inspection.opened_table import OpenedTable
from fusionguard.datasets.inspection.personal import MAILS, looks_personal
from fusionguard.datasets.inspection.profile import (
    MOST_VALUES,
    Column,
    Profile,
    Value,
    measure_columns,
    repeated_rows,
    sample_columns,
)
from fusionguard.datasets.inspection.text_table import quoted

_TOGETHER = 25
_EXACT_SHARE = 0.8
_SMALL_ROWS = 100_000
_DISTINCT_ROWS = 2_000_000
"""Exact numbers of values are counted together for columns of so many rows in all: each keeps its values in memory."""
_LONG = r"\d([ -]?\d){11,18}|[A-Z]{2}\d{2}( ?[A-Z0-9]{2,4}){3,8}"
_SUSPECTS = 2_000


def profile_table(table: OpenedTable, name: str) -> Profile:
    """Measure a table: how cells are written in a sample of a fixed seed, all else in every row."""
    sample_columns(table)
    columns = measure_columns(table)
    persons = dict(_hidden_persons(table, columns))
    columns = [column.hidden(persons[column.place]) if column.place in persons else column for column in columns]
    counts = dict(_counts(table, columns))
    distinct = dict(_distinct(table, [column for column in columns if column.place not in counts]))
    duplicates = repeated_rows(table, range(len(columns)))
    counted = tuple(_counted(column, counts, distinct, table.rows - duplicates) for column in columns)
    return Profile(name, table.rows, table.layout, table.oddities, counted, duplicates, table.separators, table.encoding)


def _hidden_persons(table: OpenedTable, columns: Sequence[Column]) -> Iterator[tuple[int, str]]:
    """Look through every text for the one e-mail address or card number that a sample may not hold."""
    texts = [column for column in columns if column.form.kind == "text" and column.personal is None and column.distinct > 1]
    for batch in _batches(texts, _TOGETHER):
        asked = []
        for column in batch:
            text = column.sql_text
            asked.append(f"coalesce(bool_or(contains({text}, '@') AND regexp_matches({text}, {quoted(MAILS)})), false)")
            asked.append(f"count(*) FILTER (WHERE length({text}) > 11 AND regexp_matches({text}, {quoted(_LONG)}))")
        row = table.ask(f"SELECT {', '.join(asked)} FROM {table.relation}")[0]
        for at, column in enumerate(batch):
            if row[2 * at]:
                yield column.place, "its cells look like e-mail addresses"
            elif row[2 * at + 1] and (why := _numbers_of_persons(table, column)):
                yield column.place, why


def _numbers_of_persons(table: OpenedTable, column: Column) -> str | None:
    text = column.sql_text
    suspects = f"length({text}) > 11 AND regexp_matches({text}, {quoted(_LONG)})"
    query = f"SELECT DISTINCT {text} AS t FROM {table.relation} WHERE {suspects} ORDER BY hash(t) LIMIT {_SUSPECTS}"
    texts = [str(each[0]) for each in table.ask(query)]
    return looks_personal("", texts, distinct=len(texts), textual=True)


def _counts(table: OpenedTable, columns: Sequence[Column]) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield of each column with few values each of them, with its rows."""
    few = [column for column in columns if column.distinct <= MOST_VALUES * 1.2]  # the estimate may be too high
    for batch in _batches(few, _TOGETHER):
        asked = ", ".join(f"histogram({column.sql_text})" for column in batch)
        for column, counts in zip(batch, table.ask(f"SELECT {asked} FROM {table.relation}")[0], strict=True):
            yield column.place, {str(text): int(rows) for text, rows in (counts or {}).items()}


def _distinct(table: OpenedTable, columns: Sequence[Column]) -> Iterator[tuple[int, int]]:
    """Yield the exact number of values of columns that may have one for every row, and of all columns of small tables."""
    wanted = [
        column
        for column in columns
        if table.rows <= _SMALL_ROWS
        or (column.distinct > _EXACT_SHARE * column.filled and (column.form.kind == "text" or column.whole))
    ]
    for batch in _batches(wanted, max(1, min(_TOGETHER, _DISTINCT_ROWS // table.rows))):
        asked = ", ".join(f"count(DISTINCT {column.sql_text})" for column in batch)
        for column, distinct in zip(batch, table.ask(f"SELECT {asked} FROM {table.relation}")[0], strict=True):
            yield column.place, int(distinct)


def _counted(column: Column, counts: dict[int, dict[str, int]], distinct: dict[int, int], apart: int) -> Column:
    if column.place in distinct:
        return replace(column, distinct=distinct[column.place], distinct_is_exact=True, apart=apart)
    if column.place not in counts:
        return replace(column, distinct=min(column.distinct, column.filled), apart=apart)
    ordered = sorted(counts[column.place].items(), key=lambda each: (-each[1], each[0]))
    if column.form.kind in ("number", "time"):
        ordered = [each for each in ordered if each[0].lower() not in STAND_INS]
    shown = len(ordered) <= MOST_VALUES and column.personal is None
    values = tuple(Value(*each) for each in ordered) if shown else ()
    return replace(column, distinct=len(ordered), distinct_is_exact=True, values=values, apart=apart)


def _batches(columns: Sequence[Column], size: int) -> Iterator[Sequence[Column]]:
    for start in range(0, len(columns), size):
        yield columns[start : start + size]
