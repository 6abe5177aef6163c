"""One pass over a window: counts by bin, by span of time and by segment, and a sample; memory does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.errors import DataError, UsageError
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Integers
from fusionguard.features.definition import Segmentation
from fusionguard.features.duckdb_engine import connection, scan
from fusionguard.monitoring.counts import Counts
from fusionguard.monitoring.reference import PROBABILITY, CategoryReference, Reference
from fusionguard.monitoring.segments import OTHER, segmentations
from fusionguard.monitoring.tally import FLAGGED, Sample, Tally

MOST_SPANS = 400
"""More days, or other spans, than this are refused: each has counts of its own."""

SAMPLE_ROWS = 10_000
_BATCH_ROWS = 100_000
_DECISION, _TIME = FLAGGED, "time"
_SPAN = "span"

Progress = Callable[[int, int], None]
"""Told how many of how many rows are done."""


@dataclass(frozen=True)
class Sketch:
    """A window of rows, counted.

    Parameters
    ----------
    total
        All rows.
    spans
        By the beginning of each day (or other span) that has rows, in order of time.
    segments
        By segmentation and segment; those without rows are not there.
    first, last
        The times of the first and the last row; None without rows.
    sample
        Rows drawn without replacement, in their order: the family's model features and ``probability``.
    unknown
        By categorical column, some of the values that the model has never seen, most frequent first.
    """

    total: Counts
    spans: dict[datetime, Counts]
    segments: dict[tuple[str, str], Counts]
    first: datetime | None
    last: datetime | None
    sample: pa.Table
    unknown: dict[str, tuple[str, ...]]

    @property
    def seconds(self) -> float:
        """The time from the first to the last row."""
        return (self.last - self.first).total_seconds() if self.first and self.last else 0.0


def read_sketch(
    rows: Table | pa.Table,
    reference: Reference,
    *,
    scratch: Path,
    time: str | None = _TIME,
    span_seconds: int = SECONDS_PER_DAY,
    sample_rows: int = SAMPLE_ROWS,
    seed: int = 7,
    progress: Progress | None = None,
) -> Sketch:
    """Count a window of logged rows.

    DuckDB reads the rows in their order, a batch at a time, and numpy sorts each batch into the reference's bins: 3 million rows
    of 31 columns take about 30 s and 0.8 GB. The same rows in the same order give the same sketch.

    Parameters
    ----------
    rows
        Parquet files or an Arrow table with the family's model features, ``probability``, ``decision``, and ``time``; more
        columns do no harm.
    reference
        Whose bins to count by.
    scratch
        A folder that DuckDB may spill into.
    time
        The column of times; None where rows have none, such as a feature table: then all are in one span.
    span_seconds
        The length of a span; spans begin at multiples of it since 1970-01-01 UTC.
    sample_rows, seed
        How many rows to draw, and where the draw starts.
    progress
        Called after each batch.

    Raises
    ------
    DataError
        A column is missing.
    UsageError
        The window has more than :data:`MOST_SPANS` spans.
    StorageError
        A file is damaged or absent, or the disk is full.
    """
    with connection(scratch) as database:
        return _Reading(database, named(database, rows), reference, time, span_seconds).sketch(sample_rows, seed, progress)


def named(database: duckdb.DuckDBPyConnection, rows: Table | pa.Table) -> str:
    """Return the SQL that reads ``rows`` in their order."""
    if isinstance(rows, Table):
        return scan(rows)
    database.register("window_rows", rows)
    return "window_rows"


class _Reading:
    """The pass over the rows of one window."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, source: str, reference: Reference, time: str | None, span_seconds: int
    ) -> None:
        self._database, self._source, self._reference = database, source, reference
        self._time, self._span_seconds = time, span_seconds
        self._numbers = [*reference.numbers.values(), reference.probability]
        self._known, self._categories = reference.categories, list(reference.categories.values())
        self._cuts = segmentations(reference.family)
        self._check_columns()

    def sketch(self, sample_rows: int, seed: int, progress: Progress | None) -> Sketch:
        rows, first, last = self._extent()
        first_span, spans = self._spans(first, last)
        widths = [spans, *(len(cut.names) + 1 for cut in self._cuts)]
        tally = Tally(self._numbers, self._categories, widths)
        sample = Sample(sample_rows, seed)
        done = 0
        for batch in self._database.sql(self._query(first_span)).to_arrow_reader(_BATCH_ROWS):
            tally.add(batch, [_SPAN, *(_cut(place) for place in range(len(self._cuts)))])
            sample.add(batch)
            done += batch.num_rows
            if progress is not None:
                progress(done, rows)
        groups = tally.groups()
        segments = {
            (cut.name, name): counts
            for cut, found in zip(self._cuts, groups[1:], strict=True)
            for name, counts in zip((*cut.names.values(), OTHER), found, strict=True)
            if counts.rows
        }
        total = tally.total()
        return Sketch(
            total=total,
            spans={self._beginning(first_span + place): counts for place, counts in enumerate(groups[0]) if counts.rows},
            segments=segments,
            first=first,
            last=last,
            sample=self._sampled(sample.places()),
            unknown={
                category.name: self._unknown(category) for category in self._categories if total.categories[category.name][-1]
            },
        )

    def _check_columns(self) -> None:
        found = set(self._database.sql(f"SELECT * FROM {self._source} LIMIT 0").columns)
        wanted = [*(number.name for number in self._numbers), *(category.name for category in self._categories), _DECISION]
        absent = [name for name in [*wanted, *([self._time] if self._time else [])] if name not in found]
        if absent:
            raise DataError(f"The window lacks the columns {', '.join(absent)}.", "Read it with all columns.")

    def _extent(self) -> tuple[int, datetime | None, datetime | None]:
        # Times cross the border as whole microseconds: DuckDB would want pytz to give them a zone.
        times = f"MIN(epoch_us({self._time})), MAX(epoch_us({self._time}))" if self._time else "NULL, NULL"
        rows, first, last = self._database.sql(f"SELECT COUNT(*), {times} FROM {self._source}").fetchall()[0]
        return rows, _moment(first), _moment(last)

    def _spans(self, first: datetime | None, last: datetime | None) -> tuple[int, int]:
        if first is None or last is None:
            return 0, 1
        places = [int(moment.timestamp() // self._span_seconds) for moment in (first, last)]
        spans = places[1] - places[0] + 1
        if spans > MOST_SPANS:
            raise UsageError(
                f"The window has {spans} spans of {self._span_seconds} seconds, more than {MOST_SPANS}.", "Take longer spans."
            )
        return places[0], spans

    def _beginning(self, span: int) -> datetime:
        return datetime.fromtimestamp(span * self._span_seconds, UTC)

    def _query(self, first_span: int) -> str:
        micros = self._span_seconds * 1_000_000
        span = f"epoch_us({self._time}) // {micros} - {first_span}" if self._time else "0"
        parts = [f"CAST(COALESCE({span}, 0) AS BIGINT) AS {_SPAN}"]
        parts += [f"{_segment_code(cut)} AS {_cut(place)}" for place, cut in enumerate(self._cuts)]
        parts += [f'CAST("{number.name}" AS DOUBLE) AS "{number.name}"' for number in self._numbers]
        parts += [f'{_code(category)} AS "{category.name}"' for category in self._categories]
        parts.append(f"COALESCE({_DECISION} = '{self._reference.family.flagged}', FALSE) AS {_DECISION}")
        return f"SELECT {', '.join(parts)} FROM {self._source}"

    def _sampled(self, places: Integers) -> pa.Table:
        names = [*self._reference.family.features.model_features, PROBABILITY]
        columns = ", ".join(f'"{name}"' for name in names)
        self._database.register("drawn", pa.table({"place": places}))
        numbered = f"SELECT ROW_NUMBER() OVER () - 1 AS place, {columns} FROM {self._source}"
        return self._database.sql(f"SELECT {columns} FROM ({numbered}) JOIN drawn USING (place) ORDER BY place").to_arrow_table()

    def _unknown(self, category: CategoryReference) -> tuple[str, ...]:
        found = self._database.sql(
            f'SELECT LEFT(CAST("{category.name}" AS VARCHAR), 30) AS value, COUNT(*) AS n FROM {self._source}'
            f' WHERE "{category.name}" NOT IN ({_texts(category.values)}) GROUP BY value ORDER BY n DESC, value LIMIT 5'
        ).fetchall()
        return tuple(value for value, _ in found)


def _cut(place: int) -> str:
    return f"cut_{place}"


def _segment_code(cut: Segmentation) -> str:
    """Return SQL for the place of a row's segment among the named ones; the last place is for all others."""
    cases = " ".join(f"WHEN {_text(key)} THEN {place}" for place, key in enumerate(cut.names))
    return f"CAST(CASE CAST(({cut.expression}) AS VARCHAR) {cases} ELSE {len(cut.names)} END AS BIGINT)"


def _code(category: CategoryReference) -> str:
    """Return SQL for the place of a value among the known ones, then the place for others, then that for none."""
    column, known = f'"{category.name}"', len(category.values)
    cases = " ".join(f"WHEN {_text(value)} THEN {place}" for place, value in enumerate(category.values))
    return f"CAST(CASE WHEN {column} IS NULL THEN {known + 1} ELSE CASE {column} {cases} ELSE {known} END END AS BIGINT)"


def _texts(values: Sequence[Any]) -> str:
    return ", ".join(_text(value) for value in values)


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC)
