"""What a table holds, measured: types, missing values, cardinalities, ranges, and repeated rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fusionguard.datasets.inspection.forms import CURRENCIES, STAND_INS, Form, find_form, numbers_among
from fusionguard.datasets.inspection.opened_table import ROW, OpenedTable
from fusionguard.datasets.inspection.personal import looks_personal
from fusionguard.datasets.inspection.text_table import quoted

SAMPLE_ROWS = 20_000
SAMPLE_CELLS = 10_000_000
"""The sample from which forms are read has so many rows, fewer where there are very many columns."""
SEED = 20_240_131
MOST_VALUES = 60
"""Of a column with so many values at most, each is counted."""
_TOGETHER = 25
"""Columns that one query measures."""
_FORM_VALUES, _FORM_CELLS = 3_000, 600_000
_EXACT_SHARE = 0.8
_SMALL_ROWS = 100_000
_WORDS = 4


@dataclass(frozen=True)
class Value:
    """A value of a column, as it is written, and how many rows have it."""

    text: str
    rows: int


@dataclass(frozen=True)
class Column:
    """A column, measured.

    Parameters
    ----------
    place
        Its place in the table, from 0; ``c<place>`` in SQL.
    form
        How its cells are written.
    missing
        Empty cells, and those that say so in a column of numbers or times.
    said
        Of numbers and times, the words that say so, as they are written, and the rows that have them.
    misfits
        Filled cells that are not written in that form.
    distinct, distinct_is_exact
        How many values it has; an estimate within about 2 % where there are many.
    smallest, largest, mean, deviation
        Of numbers; ``first`` and ``last`` of times.
    whole
        Whether all numbers are whole.
    values
        Every value and its rows where there are few, the most frequent first; empty otherwise.
    numbers
        Of a text column, the share of its sampled cells that are numbers.
    personal
        Why it looks as if it said who somebody is; None where it does not. Its values are shown nowhere.
    shortest, longest
        Characters of its texts.
    typed
        Whether the file says its type.
    unread
        What it holds, where that is neither numbers, texts nor moments: training does not read it.
    wordy
        Whether most of its texts have several words.
    apart
        Rows of the table that are not the same as an earlier one.
    """

    place: int
    name: str
    form: Form
    rows: int
    missing: int
    misfits: int
    distinct: int
    distinct_is_exact: bool
    smallest: float | None = None
    largest: float | None = None
    mean: float | None = None
    deviation: float | None = None
    first: datetime | None = None
    last: datetime | None = None
    whole: bool = False
    values: tuple[Value, ...] = ()
    numbers: float = 0.0
    personal: str | None = None
    shortest: int = 0
    longest: int = 0
    typed: bool = False
    apart: int = 0
    wordy: bool = False
    unread: str = ""
    said: tuple[Value, ...] = ()

    def hidden(self, personal: str) -> Column:
        """Return the column as a personal one: what is not kept, values and the ends of their range, cannot be shown."""
        nothing: dict[str, Any] = dict.fromkeys(("smallest", "largest", "mean", "deviation", "first", "last"))
        return replace(self, personal=personal, values=(), **nothing)

    @property
    def filled(self) -> int:
        """The number of cells that hold something."""
        return self.rows - self.missing

    @property
    def kind(self) -> str:
        """What it holds, in a word."""
        if self.form.kind == "number":
            return "whole number" if self.whole else "number"
        return self.form.kind

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own, rows that are there twice left out."""
        return self.distinct_is_exact and self.missing == 0 and self.distinct == self.apart

    @property
    def sql(self) -> str:
        """SQL of its values: numbers as doubles, times, trimmed texts, null where missing."""
        column = f"c{self.place}"
        return _value(column, self.form, self.typed)

    @property
    def sql_text(self) -> str:
        """SQL of its trimmed texts, null where empty."""
        return _text(f"c{self.place}", self.typed)


@dataclass(frozen=True)
class Profile:
    """A table, measured."""

    name: str
    rows: int
    layout: str
    oddities: tuple[str, ...]
    columns: tuple[Column, ...]
    duplicates: int
    """Rows that are the same as an earlier one in every column."""
    separators: tuple[str, ...] = ()
    """What separates the columns of its CSV files."""
    encoding: str = "utf-8"
    """Of the text of its CSV files."""
    by_name: dict[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})


def measure_columns(table: OpenedTable) -> list[Column]:
    """Return every column as one pass over the rows shows it; how cells are written is read from ``sample``."""
    forms = _forms(table)
    return [column for batch in batches(range(len(table.names))) for column in _measured(table, forms, batch)]


def repeated_rows(table: OpenedTable, places: Sequence[int]) -> int:
    """Return how many rows are the same as an earlier one in the columns at some places, by a hash of 64 bits."""
    columns = ", ".join(f"c{place}" for place in places)
    return int(table.ask(f"SELECT count(*) - count(DISTINCT hash({columns})) FROM {table.relation}")[0][0])


def sample_columns(table: OpenedTable) -> None:
    """Make the table ``sample`` of rows that are drawn by the hash of their numbers: the same ones each time."""
    wanted = min(SAMPLE_ROWS, max(SAMPLE_CELLS // len(table.names), 500))
    chosen = "" if table.rows <= wanted else f'WHERE hash("{ROW}" + {SEED}) % {table.rows} < {wanted}'
    table.connection.execute(f'CREATE TABLE sample AS SELECT * FROM {table.relation} {chosen} ORDER BY "{ROW}"')


def batches(places: range) -> Iterator[range]:
    for start in range(0, len(places), _TOGETHER):
        yield places[start : start + _TOGETHER]


def _trimmed(column: str) -> str:
    return f"nullif(trim({column}, ' \t\r\n\u00a0'), '')"


def _value(column: str, form: Form, typed: bool) -> str:
    if typed and form.pattern is None:
        return f"CAST({column} AS DOUBLE)" if form.kind == "number" else column
    return form.read.replace("{}", _text(column, typed))


def _text(column: str, typed: bool) -> str:
    return f"CAST({column} AS VARCHAR)" if typed else _trimmed(column)


def _forms(table: OpenedTable) -> list[tuple[Form, tuple[str, ...], float]]:
    """Return of each column its form, the sampled texts it was found in, and the share of numbers among them."""
    most = max(_FORM_CELLS // len(table.names), 200)
    forms = []
    for batch in batches(range(len(table.names))):
        texts = [_text(f"c{place}", table.types[place] != "VARCHAR") for place in batch]
        lists = ", ".join(f"list({text}) FILTER (WHERE {text} IS NOT NULL)" for text in texts)
        for place, cells in zip(batch, table.ask(f"SELECT {lists} FROM sample")[0], strict=True):
            seen = tuple((cells or [])[: min(most, _FORM_VALUES)])
            form = find_form(seen, table.types[place])
            forms.append((form, seen, numbers_among(seen) if form.kind == "text" else 0.0))
    return forms


def _measured(table: OpenedTable, forms: Sequence[tuple[Form, tuple[str, ...], float]], batch: range) -> Iterator[Column]:
    queries = []
    for place in batch:
        form, typed = forms[place][0], table.types[place] != "VARCHAR"
        text, raw = _text(f"c{place}", typed), f"c{place}"
        value = _value(raw, form, typed)
        finite = f"CASE WHEN isfinite({value}) THEN {value} END" if typed and form.kind == "number" else value
        ordered = form.kind in ("number", "time")
        stand_ins = ", ".join(quoted(word) for word in sorted(STAND_INS))
        spoken = f"FILTER (WHERE {value} IS NULL AND lower({text}) IN ({stand_ins}))"
        said = f"histogram({text}) {spoken}" if not typed and ordered else "NULL"
        spread = (
            f"avg({finite}), stddev_samp({finite}), count(*) FILTER (WHERE {value} <> floor({value}))"
            if form.kind == "number"
            else "NULL, NULL, NULL"
        )
        lengths = f"min(length({text})), max(length({text}))" if form.kind == "text" else "NULL, NULL"
        ends = f"min({finite}), max({finite})" if ordered else "NULL, NULL"
        queries.append(f"count({text}), {said}, count({finite}), approx_count_distinct({text}), {ends}, {spread}, {lengths}")
    row = table.ask(f"SELECT {', '.join(queries)} FROM {table.relation}")[0]
    width = len(row) // len(batch)
    for at, place in enumerate(batch):
        yield _column(table, place, *forms[place], row[at * width : (at + 1) * width])


def _column(table: OpenedTable, place: int, form: Form, texts: tuple[str, ...], numbers: float, row: Sequence[Any]) -> Column:
    filled, said, fitting, distinct, low, high, mean, deviation, broken, shortest, longest = row
    said = {str(text): int(count) for text, count in (said or {}).items()}
    filled -= sum(said.values())
    number, time = form.kind == "number", form.kind == "time"
    name, textual = table.names[place], form.kind == "text"
    personal = looks_personal(name, texts, distinct=distinct, textual=textual, largest=high if number else None, moment=time)
    column = Column(
        place=place,
        name=name,
        form=form,
        rows=table.rows,
        missing=table.rows - filled,
        misfits=filled - fitting if number or time else 0,
        distinct=distinct,
        distinct_is_exact=False,
        smallest=low if number else None,
        largest=high if number else None,
        mean=_rounded(mean),
        deviation=_rounded(deviation),
        first=low if time else None,
        last=high if time else None,
        whole=number and not broken and fitting > 0,
        numbers=numbers,
        shortest=shortest or 0,
        longest=longest or 0,
        typed=table.types[place] != "VARCHAR",
        wordy=textual and sum(text.count(" ") >= _WORDS - 1 for text in texts) > 0.5 * len(texts),
        said=tuple(Value(text, said[text]) for text in sorted(said)),
        unread=table.unread.get(name, ""),
    )
    return column if personal is None else column.hidden(personal)


def _rounded(value: float | None) -> float | None:
    """Return a number with so few digits that the order in which rows were added up does not show."""
    return None if value is None else float(f"{value:.9g}")


def holds_currencies(column: Column) -> tuple[str, ...]:
    """Return the currencies of a column of their codes; none where it is no such column."""
    codes = tuple(sorted(value.text.upper() for value in column.values))
    return codes if codes and all(code in CURRENCIES for code in codes) else ()
