"""What is counted of a window: one SQL text that every engine runs, and the tally of the batches it gives."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fusionguard.features.definition import Segmentation
from fusionguard.monitoring.reference import CategoryReference, NumberReference
from fusionguard.monitoring.tally import FLAGGED, Tally

MICROS = "time_micros"
"""The column of times as whole microseconds since 1970, which each engine lays over the rows: no date function is portable."""

ROWS = "window_rows"
"""The name under which the SQL reads the rows."""

SPAN = "span"

_LOG = logging.getLogger(__name__)
_TELL_SECONDS = 5.0

Progress = Callable[[int, int], None]
"""Told how many of how many rows are done."""


@dataclass(frozen=True)
class Counting:
    """How rows are counted: by which bins, and in which groups.

    Parameters
    ----------
    numbers, categories
        The columns, with their bins and their known values.
    cuts
        Ways in which all rows are cut into segments.
    flagged
        The decision that asks for attention.
    span_micros, first_span, spans
        The length of a span of time, the number of the first since 1970, and how many there are; a length of 0 puts all rows
        into one.
    """

    numbers: tuple[NumberReference, ...]
    categories: tuple[CategoryReference, ...]
    cuts: tuple[Segmentation, ...]
    flagged: str
    span_micros: int
    first_span: int
    spans: int

    @property
    def groupings(self) -> tuple[str, ...]:
        """The columns of groups that the SQL gives: of spans, then of each cut."""
        return (SPAN, *(f"cut_{place}" for place in range(len(self.cuts))))

    @property
    def widths(self) -> tuple[int, ...]:
        """How many groups each grouping has."""
        return (self.spans, *(len(cut.names) + 1 for cut in self.cuts))

    @property
    def sql(self) -> str:
        """The text: groups, numbers as doubles, categories as codes, and flags, of :data:`ROWS`; it runs on DuckDB and Spark."""
        span = f"({MICROS} - {MICROS} % {self.span_micros}) / {self.span_micros} - {self.first_span}" if self.span_micros else "0"
        parts = [f"CAST(COALESCE({span}, 0) AS BIGINT) AS {SPAN}"]
        parts += [f"{_segment_code(cut)} AS {name}" for cut, name in zip(self.cuts, self.groupings[1:], strict=True)]
        parts += [f"CAST({number.name} AS DOUBLE) AS {number.name}" for number in self.numbers]
        parts += [f"{_code(category)} AS {category.name}" for category in self.categories]
        parts.append(f"COALESCE({FLAGGED} = {text(self.flagged)}, FALSE) AS {FLAGGED}")
        return f"SELECT {', '.join(parts)} FROM {ROWS}"

    def tally(self) -> Tally:
        """Return a tally without rows."""
        return Tally(self.numbers, self.categories, self.widths, self.groupings)


def progress_in_log(what: str) -> Progress:
    """Return what says in the log, every few seconds of a long reading, how much of it is done: ``100 of 200 rows counted``."""
    told = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _TELL_SECONDS:
            told = now
            _LOG.info("%s of %s %s", f"{done:,}", f"{total:,}", what)

    return tell


def texts(values: Sequence[Any]) -> str:
    """Return values as a list of SQL strings."""
    return ", ".join(text(value) for value in values)


def text(value: Any) -> str:
    """Return a value as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def _segment_code(cut: Segmentation) -> str:
    """Return SQL for the place of a row's segment among the named ones; the last place is for all others."""
    cases = " ".join(f"WHEN {text(key)} THEN {place}" for place, key in enumerate(cut.names))
    return f"CAST(CASE CAST(({cut.expression}) AS STRING) {cases} ELSE {len(cut.names)} END AS BIGINT)"


def _code(category: CategoryReference) -> str:
    """Return SQL for the place of a value among the known ones, then the place for others, then that for none."""
    column, known = category.name, len(category.values)
    cases = " ".join(f"WHEN {text(value)} THEN {place}" for place, value in enumerate(category.values))
    return f"CAST(CASE WHEN {column} IS NULL THEN {known + 1} ELSE CASE {column} {cases} ELSE {known} END END AS BIGINT)"
