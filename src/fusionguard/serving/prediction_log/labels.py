"""Outcomes that arrive later than the scores: chargebacks, exits.

They live in one SQLite file per model, because a label must be compared with what is stored about the same row before it is
taken: an index answers that in microseconds however long the log grows, and a transaction makes a request whole or absent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.errors import DataError, FusionGuardError, StorageError
from fusionguard.families.family import LABEL
from fusionguard.files import storage_errors
from fusionguard.serving.prediction_log.schema import OBSERVED_AT, REQUEST_ID, ROW, TIME_TYPE, Logged, LogVersionError, log_name

FILE = "labels.sqlite"
LABELS_VERSION = 1
"""Raised with every change of the file's tables."""

WAIT_SECONDS = 10.0
"""How long a process waits for another that writes."""

NAMED_CONFLICTS = 3
"""Conflicting rows that the error's text names; its ``conflicts`` hold all."""

_ROWS_AT_ONCE = 50_000
_TABLE = """CREATE TABLE IF NOT EXISTS labels (
    request_id TEXT NOT NULL, row INTEGER NOT NULL, label INTEGER NOT NULL, observed_at INTEGER NOT NULL,
    PRIMARY KEY (request_id, row)) WITHOUT ROWID"""
_LABELS_SCHEMA = pa.schema([(REQUEST_ID, pa.string()), (ROW, pa.int32()), (LABEL, pa.int8()), (OBSERVED_AT, TIME_TYPE)])


class Label(NamedTuple):
    """The outcome of a scored row: ``label`` is 1 where the family's outcome came, else 0.

    ``observed_at_micros`` is when it became known, in microseconds since 1970-01-01 UTC.
    """

    request_id: str
    row: int
    label: int
    observed_at_micros: int


@dataclass(frozen=True)
class LabelReceipt:
    """How many labels were new, and how many were known already and the same."""

    stored: int
    repeated: int


@dataclass(frozen=True)
class LabelConflict:
    """A row that has a label, and was given another."""

    request_id: str
    row: int
    stored: int
    given: int

    def __str__(self) -> str:
        return f"row {self.row} of request '{self.request_id}' is {self.stored}, not {self.given}"


class LabelConflictError(FusionGuardError):
    """Rows that were given another label than the one they have; ``conflicts`` names them all."""

    def __init__(self, conflicts: tuple[LabelConflict, ...]) -> None:
        self.conflicts = conflicts
        named = "; ".join(str(conflict) for conflict in conflicts[:NAMED_CONFLICTS])
        more = f"; and {len(conflicts) - NAMED_CONFLICTS} more" if len(conflicts) > NAMED_CONFLICTS else ""
        super().__init__(f"Labels that are known already differ: {named}{more}.", "Nothing was stored: send the others again.")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.conflicts,))


def append_labels(folder: Path, model: Logged, labels: Iterable[tuple[str, int, int, int]]) -> LabelReceipt:
    """Store labels: all of them or, where an error is raised, none; on the disk when this returns.

    The same label for the same row is taken once, and keeps the time it was first observed at. A row need not be in the log yet.
    It waits for the disk: call it in a thread.

    Parameters
    ----------
    folder, model
        As in :meth:`PredictionLog.open`.
    labels
        :class:`Label` tuples.

    Raises
    ------
    LabelConflictError
        A row has another label already, or is given two different ones.
    DataError
        A label that is not 0 or 1, an empty request id, a negative row.
    LogVersionError
        A newer FusionGuard wrote the label file.
    StorageError
        The disk refuses, the file is damaged, or another process holds it for too long.
    """
    checked = [_checked(number, label) for number, label in enumerate(labels)]
    path = folder / log_name(model) / FILE
    if not checked:
        return LabelReceipt(0, 0)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _database(path) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute(_TABLE)
        if not database.execute("PRAGMA user_version").fetchone()[0]:
            database.execute(f"PRAGMA user_version = {LABELS_VERSION}")
        stored, conflicts = 0, []
        for label in checked:
            new = database.execute("INSERT INTO labels VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", label).rowcount
            stored += new
            if not new:
                (known,) = database.execute("SELECT label FROM labels WHERE request_id = ? AND row = ?", label[:2]).fetchone()
                if known != label.label:
                    conflicts.append(LabelConflict(label.request_id, label.row, known, label.label))
        if conflicts:
            database.execute("ROLLBACK")
            raise LabelConflictError(tuple(conflicts))
        database.execute("COMMIT")
    return LabelReceipt(stored, len(checked) - stored)


def read_labels(folder: Path, model: Logged, request_ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return the labels of some requests: ``request_id``, ``row``, ``label`` int8, ``label_observed_at``; none where none came.

    Raises
    ------
    LogVersionError
        A newer FusionGuard wrote the label file.
    StorageError
        The label file is damaged.
    """
    path = folder / log_name(model) / FILE
    tables = [_LABELS_SCHEMA.empty_table()]
    if path.exists() and len(request_ids):
        with _database(path) as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'labels'").fetchone():
                cursor = database.execute("SELECT request_id, row, label, observed_at FROM labels ORDER BY request_id, row")
                while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                    columns = zip(*rows, strict=True)
                    some = pa.table([pa.array(column) for column in columns], names=_LABELS_SCHEMA.names).cast(_LABELS_SCHEMA)
                    tables.append(some.filter(pc.is_in(some[REQUEST_ID], value_set=request_ids)))
    return pa.concat_tables(tables)


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = FULL")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > LABELS_VERSION:
                raise LogVersionError(path, version, LABELS_VERSION, of="label")
            yield database
    except sqlite3.OperationalError as error:
        raise StorageError(f"Cannot use {path}: {error}.", "Free some space, check its permissions, then try again.") from error
    except sqlite3.DatabaseError as error:
        remedy = "Restore it from a copy, or move it away and send the labels again."
        raise StorageError(f"{path} is damaged: {error}.", remedy) from error


def _checked(number: int, given: tuple[str, int, int, int]) -> Label:
    label = Label(*given)
    wrong = (
        "request_id must be a text of valid Unicode that is not empty"
        if not isinstance(label.request_id, str) or not label.request_id or not _is_utf8(label.request_id)
        else "row must be a whole number from 0 up"
        if type(label.row) is not int or not 0 <= label.row < 2**31
        else "label must be 0 or 1"
        if type(label.label) is not int or label.label not in (0, 1)
        else "observed_at must be whole microseconds since 1970"
        if type(label.observed_at_micros) is not int or not 0 <= label.observed_at_micros < 2**63
        else None
    )
    if wrong:
        raise DataError(f"labels[{number}].{wrong}.", "Nothing was stored.")
    return label


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
