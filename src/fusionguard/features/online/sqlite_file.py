"""The file of a state: its tables, how it is made and opened, and what its faults are called."""

from __future__ import annotations

import os
import secrets
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from fusionguard.datasets.history import Memory
from fusionguard.errors import StorageError
from fusionguard.features.online.plan import fingerprint
from fusionguard.features.online.records import COUNTED
from fusionguard.files import locked, storage_errors

FORMAT = 1
"""Raised with every change of the tables or of what their bytes mean."""

WAIT_SECONDS = 10.0
"""How long a transaction waits for those of others."""

_APPLICATION = 0x46475331
_CACHE_KIB = 32_768
_WAL_PAGES = 10_000
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.000_05, 0.001
GIVE_WAY_SECONDS = 2 * _LONGEST_PAUSE_SECONDS
"""Who has much to do pauses so long between transactions: those who wait look twice."""

_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE entities (key INTEGER PRIMARY KEY, layout INTEGER NOT NULL, memory BLOB NOT NULL)",
    "CREATE TABLE meetings (entity INTEGER, other INTEGER, key INTEGER, second INTEGER,"
    " PRIMARY KEY (entity, other, key, second)) WITHOUT ROWID",
    "CREATE TABLE outcomes (entity INTEGER, until INTEGER, layout INTEGER NOT NULL, tiles BLOB NOT NULL,"
    " PRIMARY KEY (entity, until)) WITHOUT ROWID",
    "CREATE TABLE events (key INTEGER PRIMARY KEY, second INTEGER NOT NULL, known INTEGER, positive INTEGER, entities BLOB,"
    " answer BLOB)",
    "CREATE TABLE aliases (key INTEGER PRIMARY KEY, event INTEGER NOT NULL, second INTEGER NOT NULL)",
)
_REBUILD = "Build it again from the history, with --replace."
_SPACE = "Nothing of this call was recorded. Free some space, check its permissions, then try again."

Result = TypeVar("Result")


class ReplacedError(StorageError):
    """Another file lies where the one that is open did."""


def make_tables(path: Path, plan: Sequence[Memory]) -> None:
    """Make the tables of a plan in an empty file."""
    with faults(path), connected(path, "OFF") as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            database.execute(table)
        facts = {"plan": fingerprint(plan), "salt": secrets.token_bytes(16), "earliest": None, **dict.fromkeys(COUNTED, 0)}
        database.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.execute("COMMIT")


def connect(path: Path, synchronous: str = "NORMAL") -> sqlite3.Connection:
    """Connect to a file that is there; a transaction that finds another one at work raises at once."""
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        database.execute(f"PRAGMA synchronous = {synchronous}")
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        database.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        database.execute("PRAGMA busy_timeout = 0")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def connected(path: Path, synchronous: str = "NORMAL") -> Iterator[sqlite3.Connection]:
    """Connect for a while."""
    database = connect(path, synchronous)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def kept_still(path: Path) -> Iterator[None]:
    """Let nobody open a file or write to it while another takes its place; who waits goes on with that one.

    Who opens a state in this folder waits as long as it takes, and so does this for another one that replaces a file here.

    Raises
    ------
    StorageError
        Others were at work in it for ten seconds, or it cannot be written.
    """
    with storage_errors(path), locked(path.parent):
        alone = _open_alone(path) if path.exists() else None
        try:
            yield
        finally:
            if alone is not None:
                alone.close()


@contextmanager
def without_log(path: Path) -> Iterator[None]:
    """Put the log beside a file that is replaced out of the way: SQLite would take it for the new one's. Back, if that fails."""
    moved = []
    for beside in ("-wal", "-shm"):
        log = path.with_name(path.name + beside)
        if log.exists():
            moved.append((log, log.rename(path.with_name(f"{log.name}.replaced"))))
    try:
        yield
    except BaseException:
        for log, aside in moved:
            aside.rename(log)
        raise
    for _, aside in moved:
        aside.unlink(missing_ok=True)


def read_salt(database: sqlite3.Connection, path: Path, plan: Sequence[Memory]) -> bytes:
    """Return what keys are hashed with; StorageError where the file is not a state of this plan."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise StorageError(f"{path} is not a state of entities.", "Name the file that was built from the history.")
    if version != FORMAT:
        raise StorageError(f"{path} has format {version}, and this version of FusionGuard reads {FORMAT}.", _REBUILD)
    facts = dict(database.execute("SELECT name, value FROM facts WHERE name IN ('plan', 'salt')").fetchall())
    if facts.get("plan") != fingerprint(plan):
        raise StorageError(f"{path} remembers what other windows need than those of this model.", _REBUILD)
    return bytes(facts["salt"])


def transact(database: sqlite3.Connection, begin: str, work: Callable[[], Result], *, waiting: bool = True) -> Result:
    """Return what ``work`` returns, in one transaction; it is done again while others are in the way, unless nobody waits."""
    deadline, pause = time.monotonic() + (WAIT_SECONDS if waiting else -1), _SHORTEST_PAUSE_SECONDS
    while True:
        try:
            database.execute(begin)
            result = work()
            database.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                if database.in_transaction:
                    database.execute("ROLLBACK")
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        else:
            return result
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE_SECONDS)


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file, or bytes that are not as they were written, into a :class:`StorageError`."""
    try:
        yield
    except (ValueError, IndexError, struct.error) as error:
        raise damaged(path, error) from error
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if not path.exists():
            raise missing(path) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            what = f"{path} was busy for {WAIT_SECONDS:.0f} s."
            raise StorageError(what, "Nothing of this call was recorded. Stop what writes to it, then try again.") from error
        if code == sqlite3.SQLITE_FULL:
            raise StorageError(f"Cannot write {path}: the disk is full.", _SPACE) from error
        if isinstance(error, sqlite3.OperationalError) and code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR):
            raise StorageError(f"Cannot use {path}: {error}.", _SPACE) from error
        raise damaged(path, error) from error


def damaged(path: Path, why: object) -> StorageError:
    """Return the error that says that a state cannot be read."""
    return StorageError(f"{path} is damaged: {why}.", _REBUILD)


def missing(path: Path) -> StorageError:
    """Return the error that says that a state is not there, or not there any more."""
    return StorageError(f"There is no state of entities at {path}.", "Build it from the history: fusionguard state build.")


def check_place(path: str, inode: tuple[int, int]) -> None:
    """Raise StorageError where the file that is open is no longer the one at its path: what it takes would be lost.

    It is a :class:`ReplacedError` where another file is there.
    """
    try:
        found = os.stat(path)  # noqa: PTH116  # as a text: a Path would take three times as long, twice a transaction
    except OSError:
        raise StorageError(f"{path} was deleted.", "Build it from the history: who asks it goes on with that.") from None
    if (found.st_dev, found.st_ino) != inode:
        raise ReplacedError(f"{path} was replaced by another file.", "Start again.")


def is_busy(error: BaseException) -> bool:
    """Whether another transaction was in the way."""
    return isinstance(error, sqlite3.OperationalError) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY


def _open_alone(path: Path) -> sqlite3.Connection | None:
    """Connect and keep others from writing; None where the file is damaged and takes nothing from anybody."""
    deadline, database = time.monotonic() + WAIT_SECONDS, None
    with faults(path):
        try:
            database = connect(path)
            while not database.in_transaction:
                try:
                    database.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    if not is_busy(error) or time.monotonic() > deadline:
                        raise
                    time.sleep(_SHORTEST_PAUSE_SECONDS)
        except BaseException as error:
            if database is not None:
                database.close()
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                return None
            raise
    return database
