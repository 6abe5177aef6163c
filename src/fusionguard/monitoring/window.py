"""A window of the prediction log as one table on disk: each row once, with its outcome, whatever state the log is in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import AwareDatetime, BaseModel, ConfigDict

from fusionguard.data.table import Table
from fusionguard.errors import DataError, StorageError
from fusionguard.evaluation.scored import SECONDS_PER_DAY
from fusionguard.families.family import LABEL, TIME, ModelFamily
from fusionguard.features.duckdb_engine import PARQUET, connection, literal
from fusionguard.files import atomic_path, storage_errors
from fusionguard.home import Home
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.traffic import SIMULATED_PREFIX
from fusionguard.registry.model_names import find_model
from fusionguard.serving.prediction_log.labels import read_labels
from fusionguard.serving.prediction_log.parts import DamagedPartError, OpenPart, list_parts
from fusionguard.serving.prediction_log.reader import LogBounds
from fusionguard.serving.prediction_log.schema import (
    MODEL_VERSION,
    OBSERVED_AT,
    ORIGIN,
    REQUEST_ID,
    ROW,
    ForeignPartError,
    LogLayout,
    log_layout,
)

Progress = Callable[[int, int], None]
"""Told how many of how many parts of the log are read."""

_ATTEMPTS = 20


class WindowFacts(BaseModel):
    """What a window holds, and what it lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    model_version: str
    """The version whose answers are in the window."""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The bounds that were asked for: from ``since`` to before ``until``."""
    first: AwareDatetime | None = None
    last: AwareDatetime | None = None
    """The times of the first and the last row; None without rows."""
    rows: int
    labelled: int
    """Rows whose label has come."""
    simulated: int
    """Rows of simulated traffic."""
    origin: str = ""
    """What the model that answered was trained on: ``real`` or ``simulated``, as the log has it."""
    repeated: int = 0
    """Rows left out because one with the same request id and row number is in the window."""
    other_versions: dict[str, int] = {}
    """Rows that other versions of the model answered, by version; they are not in the window."""
    model_since: AwareDatetime | None = None
    """When the model began to answer, where another version answered before it in the same span of time."""
    unreadable: tuple[str, ...] = ()
    """Files of the log that were left out, and why; their rows are missing."""

    @property
    def is_simulated(self) -> bool:
        """Whether the model or some of the rows are."""
        return self.origin == "simulated" or self.simulated > 0

    @property
    def span_seconds(self) -> float:
        """The time from the first to the last row."""
        return (self.last - self.first).total_seconds() if self.first and self.last else 0.0

    def remarks(self) -> tuple[str, ...]:
        """Say what a reader of the verdict must know about the rows."""
        said = []
        if self.simulated:
            said.append(f"{self.simulated:,} of {self.rows:,} rows are simulated traffic")
        if self.origin == "simulated":
            said.append("the model was trained on simulated data")
        if self.other_versions:
            others = ", ".join(f"{version} ({rows:,})" for version, rows in self.other_versions.items())
            said.append(f"rows that other versions answered are left out: {others}")
        if self.repeated:
            said.append(f"{self.repeated:,} repeated rows were counted once")
        said += [f"a part of the log could not be read and its rows are missing: {line}" for line in self.unreadable]
        return tuple(said)


@dataclass(frozen=True)
class Window:
    """A window's rows and the facts about them.

    Parameters
    ----------
    table
        The log's columns, ``label`` (:func:`known_label`), and ``label_observed_at``, null where no label has come.
    facts
        About them.
    """

    table: Table
    facts: WindowFacts


def find_log(config: MonitoringConfig, home: Home) -> Path:
    """Return the folder of the prediction log that the settings name.

    Raises
    ------
    DataError
        No service has logged anything of the model there.
    UnknownChoiceError
        There is no such model.
    """
    log, model = Path(config.log).expanduser() if config.log else home.predictions, find_model(home, config.model)
    if not (log / model).is_dir():
        raise DataError(
            f"There is no prediction log of {model} in {log}.",
            "Let a service score something first: 'make serve', or 'make monitoring' for a demonstration.",
        )
    return log


def read_window(
    log: Path,
    family: ModelFamily,
    version: str,
    destination: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    negative_after_days: float | None = None,
    progress: Progress | None = None,
) -> Window:
    """Copy what a version of a family's model answered from ``since`` to before ``until`` into the parquet file ``destination``.

    Services may go on writing meanwhile, and nothing of the log is changed. It is read a row group at a time, so that memory
    does not grow with the window. A log that does not exist is empty.

    Raises
    ------
    StorageError
        A newer FusionGuard wrote a part, the label file is damaged, a folder may not be read, or the disk is full.
    """
    layout = log_layout(family)
    name = layout.model
    for _ in range(_ATTEMPTS):
        found = _Found()
        with storage_errors(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=destination.parent) as scratch:
                copied = Path(scratch) / "log.parquet"
                try:
                    _copy(log / name, layout, version, LogBounds(since, until), copied, found, progress)
                except FileNotFoundError:  # a part was merged away meanwhile: its rows are elsewhere now
                    continue
                label = known_label(negative_after_days, until or found.last)
                table = _finish(copied, log, name, destination, label)
        rows, labelled, simulated = _count(table)
        facts = WindowFacts(
            model=name,
            model_version=version,
            since=since,
            until=until,
            first=found.first,
            last=found.last,
            rows=rows,
            labelled=labelled,
            simulated=simulated,
            origin=found.origin,
            repeated=found.rows - rows,
            other_versions=dict(sorted(found.others.items())),
            model_since=found.model_since,
            unreadable=tuple(found.unreadable),
        )
        return Window(table, facts)
    raise StorageError(f"The parts in {log / name} change too fast to be read.", "Try again when no compaction runs.")


def known_label(negative_after_days: float | None, until: datetime | None) -> str:
    """Return the SQL of the outcome of a logged row, from its ``time`` and its ``label``; null where it is not known.

    Parameters
    ----------
    negative_after_days
        Where only positives are ever reported, as chargebacks are: rows without a label that are as old as this count as
        negative, and the outcome of younger rows is unknown whatever their label, for among them early labels are positives
        alone. None where every row gets a label.
    until
        What age counts to; None where there are no rows.
    """
    if negative_after_days is None or until is None:
        return LABEL
    days = f"({int(until.timestamp() * 1e6)} - epoch_us({TIME})) / CAST({SECONDS_PER_DAY * 1_000_000} AS DOUBLE)"
    return f"CASE WHEN {days} >= CAST({negative_after_days!r} AS DOUBLE) THEN CAST(COALESCE({LABEL}, 0) AS TINYINT) END"


@dataclass
class _Found:
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    origin: str = ""
    others: dict[str, int] = field(default_factory=dict)
    others_first: datetime | None = None
    unreadable: list[str] = field(default_factory=list)

    @property
    def model_since(self) -> datetime | None:
        """When the version took over from another, where that lies inside the bounds."""
        return self.first if self.first and self.others_first and self.others_first < self.first else None

    def add(self, inside: pa.Table, version: str) -> pa.Table:
        """Count rows; return those of the version."""
        for entry in inside[MODEL_VERSION].value_counts().to_pylist():
            if entry["values"] != version:
                self.others[entry["values"]] = self.others.get(entry["values"], 0) + entry["counts"]
        is_own = pc.equal(inside[MODEL_VERSION], version)
        before = pc.min(inside.filter(pc.invert(is_own))[TIME]).as_py()
        self.others_first = min(filter(None, (self.others_first, before)), default=None)
        own = inside.filter(is_own)
        if own.num_rows:
            times = pc.min_max(own[TIME]).as_py()
            self.first = min(filter(None, (self.first, times["min"])))
            self.last = max(filter(None, (self.last, times["max"])))
            self.origin = own[ORIGIN][0].as_py()
            self.rows += own.num_rows
        return own


def _copy(
    home: Path, layout: LogLayout, version: str, bounds: LogBounds, target: Path, found: _Found, progress: Progress | None
) -> None:
    schema = layout.parts.remove_metadata()
    parts = list_parts(home)
    with pq.ParquetWriter(target, schema, compression="zstd", compression_level=1) as writer:
        for number, path in enumerate(parts, start=1):
            try:
                with OpenPart(path, layout.model, layout) as part:
                    inside = [group for group in range(part.groups) if not bounds.misses(part.times(group))]
                    groups = [part.read(group, schema.names) for group in inside]
            except DamagedPartError as error:
                found.unreadable.append(f"{path.name}: {error.why}")
                continue
            except ForeignPartError as error:
                found.unreadable.append(f"{path.name}: {error.what}")
                continue
            for rows in groups:
                own = found.add(bounds.of(rows.replace_schema_metadata(None)), version)
                if own.num_rows:
                    writer.write_table(own)
            if progress is not None:
                progress(number, len(parts))


def _finish(raw: Path, log: Path, model: str, destination: Path, label: str) -> Table:
    """Write each row once, of repeated ones the earliest, with its outcome."""
    with atomic_path(destination) as temporary, connection(raw.parent) as database:
        source = f"read_parquet({literal(raw)})"
        keys = f"{REQUEST_ID}, {ROW}"
        rows, distinct = database.execute(
            f"SELECT COUNT(*), (SELECT COUNT(*) FROM (SELECT DISTINCT {keys} FROM {source})) FROM {source}"
        ).fetchall()[0]
        once = f"SELECT * FROM {source}"
        if distinct < rows:
            once += f" QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {TIME}) = 1"
        requests = database.sql(f"SELECT DISTINCT {REQUEST_ID} FROM {source}").to_arrow_table()[REQUEST_ID]
        database.register("labels", read_labels(log, model, requests))
        database.execute(
            f"COPY (SELECT one.*, {label} AS {LABEL}, {OBSERVED_AT} FROM ({once}) AS one LEFT JOIN labels USING ({keys}))"
            f" TO {literal(temporary)} ({PARQUET})"
        )
    return Table(destination)


def _count(table: Table) -> tuple[int, int, int]:
    with connection(table.path.parent) as database:
        rows, labelled, simulated = database.execute(
            f"SELECT COUNT(*), COUNT({OBSERVED_AT}), COUNT(*) FILTER (WHERE starts_with({REQUEST_ID}, '{SIMULATED_PREFIX}'))"
            f" FROM read_parquet({literal(table.path)})"
        ).fetchall()[0]
    return int(rows), int(labelled), int(simulated)
