"""What is counted of a window: one SQL text that every engine runs, and the tally of the batches it gives."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fusionguard.datasets.prepared_names import OTHER
from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.features.definition import Segmentation
from fusionguard.monitoring.distributions import CategoryReference, Counts, NumberReference

MICROS = "_time_micros"
"""The column of times as whole microseconds since 1970, which each engine lays over the rows: no date function is portable."""

ROWS = "window_rows"
"""The name under which the SQL reads the rows."""

SPAN = "_span"

_LOG = logging.getLogger(__name__)
_TELL_SECONDS = 5.0

Progress = Callable[[int, int], None]
"""Told how many of how many rows are done."""

FLAGGED = "decision"
"""A batch's column of flags: true where the model asks for attention."""


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
        return (SPAN, *(f"_cut_{place}" for place in range(len(self.cuts))))

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


class Tally:
    """Counts by group, for groupings that each divide all rows; the first one's groups add up to the total."""

    def __init__(
        self,
        numbers: Sequence[NumberReference],
        categories: Sequence[CategoryReference],
        widths: Sequence[int],
        groupings: Sequence[str],
    ) -> None:
        self._numbers, self._categories, self._groupings = numbers, categories, groupings
        self._starts = np.concatenate([[0], np.cumsum(widths)])
        groups = int(self._starts[-1])
        self._rows, self._flagged = np.zeros(groups, dtype=np.int64), np.zeros(groups, dtype=np.int64)
        # The last place of each column counts the rows without a value.
        widths_by_name = {number.name: number.edges.size + 2 for number in numbers}
        widths_by_name |= {category.name: len(category.values) + 2 for category in categories}
        self._counts = {name: np.zeros((groups, width), dtype=np.int64) for name, width in widths_by_name.items()}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of rows, as :attr:`Counting.sql` gives it."""
        flagged = batch[FLAGGED].to_numpy(zero_copy_only=False)
        group = [batch[name].to_numpy() for name in self._groupings]
        for start, stop, places in zip(self._starts, self._starts[1:], group, strict=False):
            self._rows[start:stop] += np.bincount(places, minlength=stop - start)
            self._flagged[start:stop] += np.bincount(places[flagged], minlength=stop - start)
        for number in self._numbers:
            self._count(number.name, number.places(batch[number.name].to_numpy(zero_copy_only=False)), group)
        for category in self._categories:
            self._count(category.name, batch[category.name].to_numpy(), group)

    def state(self) -> Integers:
        """Return all counts as one array (s,), which :meth:`merge` of a tally of the same columns and groups takes."""
        return np.concatenate([self._rows, self._flagged, *(found.ravel() for found in self._counts.values())])

    def merge(self, state: Integers) -> None:
        """Add what another tally has counted."""
        start = 0
        for counts in (self._rows, self._flagged, *self._counts.values()):
            counts += state[start : start + counts.size].reshape(counts.shape)
            start += counts.size

    def total(self) -> Counts:
        """Return the counts of all rows."""
        return self._read(slice(0, int(self._starts[1])))

    def groups(self) -> list[list[Counts]]:
        """Return the counts of each group of each grouping."""
        borders = zip(self._starts, self._starts[1:], strict=False)
        return [[self._read(slice(place, place + 1)) for place in range(start, stop)] for start, stop in borders]

    def _count(self, name: str, code: Integers, group: list[Integers]) -> None:
        counts = self._counts[name]
        width = counts.shape[1]
        for start, stop, places in zip(self._starts, self._starts[1:], group, strict=False):
            found = np.bincount(places * width + code, minlength=(stop - start) * width)
            counts[start:stop] += found.reshape(stop - start, width)

    def _read(self, groups: slice) -> Counts:
        counts = {name: found[groups].sum(axis=0) for name, found in self._counts.items()}
        return Counts(
            rows=int(self._rows[groups].sum()),
            flagged=int(self._flagged[groups].sum()),
            missing={name: int(found[-1]) for name, found in counts.items()},
            bins={number.name: counts[number.name][:-1] for number in self._numbers},
            categories={category.name: counts[category.name][:-1] for category in self._categories},
        )


class Sample:
    """The places of rows drawn without replacement: each gets a random number, and the smallest win."""

    def __init__(self, rows: int, seed: int) -> None:
        self._most, self._generator, self._seen = rows, np.random.default_rng(seed), 0
        self._lots: Floats = np.empty(0)
        self._places: Integers = np.empty(0, dtype=np.int64)

    def add(self, rows: int) -> None:
        """Draw among so many more rows."""
        lots = np.concatenate([self._lots, self._generator.random(rows)])
        places = np.concatenate([self._places, self._seen + np.arange(rows)])
        self._seen += rows
        kept = np.argpartition(lots, self._most)[: self._most] if lots.size > self._most else np.arange(lots.size)
        self._lots, self._places = lots[kept], places[kept]

    def places(self) -> Integers:
        """Return the places drawn, in their order."""
        return np.sort(self._places)


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
    """Return SQL for the place of a value among the known ones, then the place for others, then that for none.

    Where known values are pooled, whoever prepared the rows has put those that are not known into one category of their own.
    """
    column, known = category.name, len(category.values)
    cases = " ".join(f"WHEN {text(value)} THEN {place}" for place, value in enumerate(category.single))
    cases += f" WHEN {text(OTHER)} THEN {known}"
    otherwise = known - 1 if category.is_pooled else known
    return f"CAST(CASE WHEN {column} IS NULL THEN {known + 1} ELSE CASE {column} {cases} ELSE {otherwise} END END AS BIGINT)"
