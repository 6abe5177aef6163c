"""The reading end of the prediction log: a window of time, each row once, with the outcomes that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.errors import StorageError, UnknownChoiceError, UsageError
from fusionguard.families.family import LABEL, TIME
from fusionguard.files import locked
from fusionguard.serving.prediction_log.labels import read_labels
from fusionguard.serving.prediction_log.parts import DamagedPartError, OpenPart, list_parts
from fusionguard.serving.prediction_log.schema import (
    KEY,
    OBSERVED_AT,
    REQUEST_ID,
    ROW,
    SHADOW,
    ForeignPartError,
    Logged,
    LogLayout,
    log_layout,
    stored_layout,
)

Read = TypeVar("Read")

_ATTEMPTS = 5
"""How often parts may be merged away under a reader before it asks merges to wait for what it has not read yet."""


@dataclass(frozen=True)
class UnreadablePart:
    """A file among the parts that was left out, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class LogWindow:
    """What was logged in a span of time.

    Parameters
    ----------
    table
        The rows by time: the columns of :func:`log_schema`, or those that were asked for.
    repeated
        Rows left out because one with the same request id and row number is in ``table``.
    unreadable
        Files left out because they are damaged or not parts of the log; their rows are missing.
    """

    table: pa.Table
    repeated: int
    unreadable: tuple[UnreadablePart, ...]


def read_log(
    folder: Path,
    model: Logged,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    columns: Sequence[str] | None = None,
    shadow: bool = False,
) -> LogWindow:
    """Read what a model answered from ``since`` to before ``until``, while services may go on writing; nothing is changed.

    Of rows with the same request id and row number the earliest in the window counts. All rows of the window are in memory, about
    350 bytes each with every column.

    Parameters
    ----------
    folder, model
        As in :meth:`PredictionLog.open`; a log that does not exist is empty. Of a declared data set the name will do where there
        is a log: it is read in the columns of its latest rows.
    since, until
        With a time zone; None for no bound.
    columns
        Names from :func:`log_schema`; by default all.
    shadow
        True reads what challengers would have answered, and False what was answered.

    Raises
    ------
    LogVersionError
        A newer FusionGuard wrote a part, or the labels.
    StorageError
        The label file is damaged, or a folder may not be read.
    UsageError
        A time without a time zone, an unknown model or column.
    """
    layout = stored_layout(folder, model) if isinstance(model, str) else log_layout(model)
    for bound in (since, until):
        if bound is not None and bound.utcoffset() is None:
            raise UsageError(f"{bound} has no time zone.", "Give one, such as UTC.")
    known = layout.rows.names
    wanted = list(known if columns is None else columns)
    for column in wanted:
        if column not in known:
            raise UnknownChoiceError("column", column, known)
    read = [column for column in layout.parts.names if column in {*wanted, *KEY, TIME}]
    rows, unreadable = _read_parts(folder / layout.model, layout, read, LogBounds(since, until, shadow))
    unique = _first_of_each(rows)
    labelled = _with_labels(unique, folder, layout.model) if {LABEL, OBSERVED_AT} & {*wanted} else unique
    return LogWindow(labelled.select(wanted), rows.num_rows - unique.num_rows, unreadable)


def count_unlogged(folder: Path, model: Logged, keys: Iterable[tuple[str, int]]) -> int:
    """Return how many rows, by request id and row number, no part on the disk holds; damaged parts are passed over.

    It reads the ids of the whole log, one row group at a time, and stops when all are found.

    Raises
    ------
    LogVersionError
        A newer FusionGuard wrote a part.
    StorageError
        A folder may not be read.
    """
    layout = log_layout(model)
    missing = set(keys)

    def look(path: Path) -> None:
        if missing:
            missing.difference_update(_logged_among(path, layout.model, missing))

    _of_each_part(folder / layout.model, look)
    return len(missing)


def _logged_among(path: Path, model: str, keys: set[tuple[str, int]]) -> set[tuple[str, int]]:
    wanted, found = pa.array(sorted({request_id for request_id, _ in keys}), pa.string()), set()
    try:
        with OpenPart(path, model) as part:
            for number in range(part.groups):
                rows = part.read(number, list(KEY))
                rows = rows.filter(pc.is_in(pc.cast(rows[REQUEST_ID], pa.string()), value_set=wanted))
                found |= set(zip(rows[REQUEST_ID].to_pylist(), rows[ROW].to_pylist(), strict=True))
    except (DamagedPartError, ForeignPartError):
        pass
    return found


@dataclass(frozen=True)
class LogBounds:
    """Which rows of the log are inside: from ``since`` to before ``until``, None for no bound; those of challengers or not."""

    since: datetime | None
    until: datetime | None
    shadow: bool = False

    def misses(self, times: tuple[datetime, datetime] | None) -> bool:
        """Tell whether no row of that span can be inside."""
        if times is None:
            return False
        return (self.since is not None and times[1] < self.since) or (self.until is not None and times[0] >= self.until)

    def of(self, rows: pa.Table) -> pa.Table:
        """Return the rows inside."""
        inside = pc.equal(rows[SHADOW], self.shadow)
        if self.since is not None:
            inside = pc.and_(inside, pc.greater_equal(rows[TIME], pa.scalar(self.since, rows[TIME].type)))
        if self.until is not None:
            inside = pc.and_(inside, pc.less(rows[TIME], pa.scalar(self.until, rows[TIME].type)))
        return rows.filter(inside)


def _read_parts(
    home: Path, layout: LogLayout, columns: list[str], window: LogBounds
) -> tuple[pa.Table, tuple[UnreadablePart, ...]]:
    tables, unreadable = [pa.schema([layout.parts.field(name) for name in columns]).empty_table()], []
    for read in _of_each_part(home, lambda path: _read_part(path, layout, columns, window)):
        if isinstance(read, UnreadablePart):
            unreadable.append(read)
        else:
            tables.extend(read)
    return pa.concat_tables(tables), tuple(unreadable)


def _of_each_part(home: Path, read: Callable[[Path], Read]) -> list[Read]:
    """Return what ``read`` makes of each part; where one is merged away meanwhile, of those that hold its rows now."""
    done: dict[Path, Read] = {}
    for attempt in range(_ATTEMPTS + 1):
        with locked(home) if attempt == _ATTEMPTS else nullcontext():
            found = list_parts(home)
            done = {path: done[path] for path in found if path in done}
            try:
                for path in found:
                    if path not in done:
                        done[path] = read(path)
            except FileNotFoundError:
                continue
        return [done[path] for path in found]
    raise StorageError(f"The parts in {home} change too fast to be read.", "Try again when no compaction runs.")


def _read_part(path: Path, layout: LogLayout, columns: list[str], window: LogBounds) -> list[pa.Table] | UnreadablePart:
    try:
        with OpenPart(path, layout.model, layout) as part:
            groups = [number for number in range(part.groups) if not window.misses(part.times(number))]
            return [window.of(part.read(number, columns)).replace_schema_metadata(None) for number in groups]
    except DamagedPartError as error:
        return UnreadablePart(path, error.why)
    except ForeignPartError as error:
        return UnreadablePart(path, error.what)


def _first_of_each(rows: pa.Table) -> pa.Table:
    """Return rows by time, request and number, of each key the first."""
    ordered = rows.sort_by([(TIME, "ascending"), (REQUEST_ID, "ascending"), (ROW, "ascending")])
    keys = ordered.select(KEY).append_column("place", pa.array(np.arange(ordered.num_rows)))
    first = keys.group_by(list(KEY), use_threads=False).aggregate([("place", "min")])["place_min"].to_numpy()
    return ordered if len(first) == ordered.num_rows else ordered.take(np.sort(first))


def _with_labels(rows: pa.Table, folder: Path, model: str) -> pa.Table:
    labels = read_labels(folder, model, rows[REQUEST_ID])
    places = rows.select([REQUEST_ID, ROW]).append_column("place", pa.array(np.arange(rows.num_rows)))
    joined = places.join(labels, keys=[REQUEST_ID, ROW], join_type="left outer", use_threads=False).sort_by("place")
    return rows.append_column(LABEL, joined[LABEL]).append_column(OBSERVED_AT, joined[OBSERVED_AT])
