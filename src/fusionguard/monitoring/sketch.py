"""One pass over a window: counts by bin, by span of time and by segment, and a sample; memory does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.errors import DataError, UnknownChoiceError, UsageError
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Integers
from fusionguard.features.duckdb_engine import connection, scan
from fusionguard.features.engine import ENGINES
from fusionguard.monitoring.counting import FLAGGED, MICROS, ROWS, Counting, Progress, Sample, Tally, texts
from fusionguard.monitoring.distributions import CategoryReference, Counts
from fusionguard.monitoring.reference import PROBABILITY, Reference

MOST_SPANS = 400
"""More days, or other spans, than this are refused: each has counts of its own."""

UNNAMED = "other"
"""The segment of rows whose value has no name."""

SAMPLE_ROWS = 10_000
_BATCH_ROWS = 100_000
MOST_SEGMENTS = 50
"""A way to cut the rows into more segments than this is left out: each would hold too few of them."""

_DECISION, _TIME = FLAGGED, "time"

_Count = Callable[[Counting, int, Progress], Tally]


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
    micros
        (n,) the times of the sample's rows as microseconds since 1970; empty where rows have none.
    """

    total: Counts
    spans: dict[datetime, Counts]
    segments: dict[tuple[str, str], Counts]
    first: datetime | None
    last: datetime | None
    sample: pa.Table
    unknown: dict[str, tuple[str, ...]]
    micros: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))

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
    engine: str = "duckdb",
    progress: Progress | None = None,
) -> Sketch:
    """Count a window of logged rows.

    DuckDB reads the rows in their order, a batch at a time, and numpy sorts each batch into the reference's bins: 3 million rows
    of 31 columns take about 30 s and 0.8 GB. The same rows in the same order give the same sketch, whatever the engine: Spark
    runs the same SQL and the same tally, on as many cores as it has, and DuckDB then reads only the sample.

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
    engine
        What counts: ``duckdb``, here, or ``spark``, which needs rows in files.
    progress
        Called after each batch.

    Raises
    ------
    DataError
        A column is missing.
    UsageError
        The window has more than :data:`MOST_SPANS` spans, the engine is unknown, or Spark is to count rows in memory.
    StorageError
        A file is damaged or absent, or the disk is full.
    EngineError
        Spark or Java is missing, the cluster cannot be reached, or the job failed.
    """
    if engine not in ENGINES:
        raise UnknownChoiceError("engine", engine, ENGINES)
    with connection(scratch) as database:
        reading = _Reading(database, named(database, rows), reference, time, span_seconds)
        count: _Count = reading.count
        if engine == "spark":
            if not isinstance(rows, Table):
                raise UsageError("Spark cannot count rows that are in memory.", "Write them to parquet first, or use duckdb.")
            from fusionguard.monitoring.spark_counting import SparkCounting

            count = SparkCounting(rows, time, scratch).count
        return reading.sketch(count, sample_rows, seed, progress)


def named(database: duckdb.DuckDBPyConnection, rows: Table | pa.Table) -> str:
    """Return the SQL that reads ``rows`` in their order."""
    if isinstance(rows, Table):
        return scan(rows)
    database.register("given_rows", rows)
    return "given_rows"


class _Reading:
    """The pass over the rows of one window."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, source: str, reference: Reference, time: str | None, span_seconds: int
    ) -> None:
        self._database, self._source, self._reference = database, source, reference
        self._time, self._span_seconds = time, span_seconds
        self._numbers = [*reference.numbers.values(), reference.probability]
        self._known, self._categories = reference.categories, list(reference.categories.values())
        self._cuts = tuple(cut for cut in reference.family.features.log_segmentations if 0 < len(cut.names) <= MOST_SEGMENTS)
        self._check_columns()

    def sketch(self, count: _Count, sample_rows: int, seed: int, progress: Progress | None) -> Sketch:
        rows, first, last = self._extent()
        first_span, spans = self._spans(first, last)
        counting = Counting(
            numbers=tuple(self._numbers),
            categories=tuple(self._categories),
            cuts=self._cuts,
            flagged=self._reference.family.flagged,
            span_micros=self._span_seconds * 1_000_000 if self._time else 0,
            first_span=first_span,
            spans=spans,
        )
        tally = count(counting, rows, progress or (lambda done, total: None))
        sample = Sample(sample_rows, seed)
        for done in range(0, rows, _BATCH_ROWS):
            sample.add(min(_BATCH_ROWS, rows - done))
        groups = tally.groups()
        segments = {
            (cut.name, name): counts
            for cut, found in zip(self._cuts, groups[1:], strict=True)
            for name, counts in zip((*cut.names.values(), UNNAMED), found, strict=True)
            if counts.rows
        }
        total = tally.total()
        drawn = self._sampled(sample.places())
        return Sketch(
            total=total,
            spans={self._beginning(first_span + place): counts for place, counts in enumerate(groups[0]) if counts.rows},
            segments=segments,
            first=first,
            last=last,
            sample=drawn.drop_columns(MICROS) if self._time else drawn,
            unknown={
                category.name: self._unknown(category) for category in self._categories if total.categories[category.name][-1]
            },
            micros=drawn[MICROS].to_numpy() if self._time else np.empty(0, dtype=np.int64),
        )

    def count(self, counting: Counting, rows: int, progress: Progress) -> Tally:
        """Count the rows a batch at a time: DuckDB's share of the work."""
        micros = f", epoch_us({self._time}) AS {MICROS}" if self._time else ""
        self._database.execute(f"CREATE OR REPLACE TEMP VIEW {ROWS} AS SELECT *{micros} FROM {self._source}")
        tally, done = counting.tally(), 0
        for batch in self._database.sql(counting.sql).to_arrow_reader(_BATCH_ROWS):
            tally.add(batch)
            done += batch.num_rows
            progress(done, rows)
        return tally

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

    def _sampled(self, places: Integers) -> pa.Table:
        names = [*self._reference.family.features.model_features, PROBABILITY]
        columns = ", ".join(f'"{name}"' for name in names)
        micros = f", epoch_us({self._time}) AS {MICROS}" if self._time else ""
        self._database.register("drawn", pa.table({"_place": places}))
        numbered = f"SELECT ROW_NUMBER() OVER () - 1 AS _place, {columns}{micros} FROM {self._source}"
        chosen = f"SELECT * EXCLUDE (_place) FROM ({numbered}) JOIN drawn USING (_place) ORDER BY _place"
        return self._database.sql(chosen).to_arrow_table()

    def _unknown(self, category: CategoryReference) -> tuple[str, ...]:
        """Return some of the values themselves; none where whoever prepared the rows has put all into one category."""
        features = self._reference.family.features
        if category.name in features.gathered:
            return ()
        known = features.known[category.name]
        found = self._database.sql(
            f'SELECT LEFT(CAST("{category.name}" AS VARCHAR), 30), COUNT(*) FROM {self._source}'
            f' WHERE "{category.name}" NOT IN ({texts(known)}) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5'
        ).fetchall()
        return tuple(value for value, _ in found)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC)
