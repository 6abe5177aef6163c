"""The state of one machine: a SQLite file that several processes share.

What a call recorded survives the end of the process, also a sudden one: it is in the file, or its log, when the call returns.
What the operating system has not written yet is lost where the machine itself stops: the file stays whole, and lacks the last
moments.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from fusionguard.datasets.history import Memory
from fusionguard.errors import StorageError
from fusionguard.features.online.plan import Plan
from fusionguard.features.online.sqlite_file import (
    GIVE_WAY_SECONDS,
    ReplacedError,
    Result,
    check_place,
    connect,
    connected,
    faults,
    is_busy,
    kept_still,
    make_tables,
    missing,
    read_salt,
    transact,
    without_log,
)
from fusionguard.features.online.sqlite_records import SqliteRecords
from fusionguard.features.online.sqlite_upkeep import FIRST_KEY, LAST_KEY, count_all, prune_aliases, prune_entities, prune_events
from fusionguard.features.online.state import LOADED_AT_ONCE, Counts, Event, Keeping, Newest, Outcome, Remembered, Told, set_aside
from fusionguard.features.online.transaction import Decoded, Held, Transaction
from fusionguard.files import atomic_path, locked


class SqliteState:
    """An :class:`~fusionguard.features.online.state.OnlineState` in a file; several threads and processes may share it.

    Texts are kept as 64 bits of a keyed hash: two of a million entities are taken for one with a chance of 3 in 100 million.

    Parameters
    ----------
    path
        The file, which :meth:`build` made.
    plan
        What is remembered: the memories of the declaration's windows.
    keeping
        For how long ids are.

    Raises
    ------
    StorageError
        The file is not there, is damaged, or is of another plan or format.
    """

    def __init__(self, path: Path, plan: Sequence[Memory], keeping: Keeping | None = None) -> None:
        self._path, self._keeping = path, keeping or Keeping()
        self._file, self._lock = str(path), threading.Lock()
        self._memories = tuple(plan)
        self._open()

    @classmethod
    def build(
        cls,
        path: Path,
        plan: Sequence[Memory],
        history: Iterable[Event | Outcome] = (),
        keeping: Keeping | None = None,
        *,
        replace: bool = False,
    ) -> SqliteState:
        """Make the file, from a history where there is one, and open it; StorageError where it is there already.

        It appears when it is whole. With ``replace`` it takes the place of another one, in which nobody can record anything from
        then on: who has that open goes on with the new one, and what these recorded before that moment is not in it.
        """
        if path.exists() and not replace:
            raise StorageError(f"{path} is there already.", "Open it, or move it away first.")
        with ExitStack() as until_it_is_there, atomic_path(path) as unfinished:
            make_tables(unfinished, plan)
            state = cls(unfinished, plan, keeping)
            try:
                state.load(history)
            finally:
                state.close()
            with unfinished.open("rb") as file:  # now, not while others are kept waiting
                os.fsync(file.fileno())
            until_it_is_there.enter_context(kept_still(path))
            if path.exists() and not replace:  # another build was first
                raise StorageError(f"{path} is there already.", "Open it, or move it away first.")
            until_it_is_there.enter_context(without_log(path))
        return cls(path, plan, keeping)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is remembered."""
        return self._plan.names

    def pseudonym(self, entity: str, text: str) -> int:
        """Return 64 bits that stand for an entity in a log."""
        return self._plan.pseudonym(entity, text)

    @property
    def takes_outcomes(self) -> bool:
        """Whether it remembers outcomes at all."""
        return bool(self._plan.tells)

    def observe(self, event: Event) -> Remembered:
        """Return what an event sees, and record it; one that was recorded before sees what it saw, and is not recorded again.

        Raises
        ------
        DataError
            The event lacks an entity or a number, or these cannot be.
        StorageError
            The disk is full, or the file is damaged, deleted, or busy for ten seconds.
        """
        return self._record(lambda transaction: transaction.observe(event))

    def observe_at_once(self, event: Event) -> Remembered | None:
        """Observe an event where no other transaction is in the way; None where one is. Raises as :meth:`observe` does."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            with faults(self._path):
                return self._transact_once("BEGIN IMMEDIATE", *self._recording(lambda transaction: transaction.observe(event)))[0]
        except ReplacedError:
            return None
        except StorageError as error:
            if error.__cause__ is not None and is_busy(error.__cause__):
                return None
            raise
        finally:
            self._lock.release()

    def observe_all(self, events: Sequence[Event]) -> list[Remembered]:
        """Observe events one after the other: all of them, or none where one is refused."""
        return self._record(lambda transaction: [transaction.observe(event) for event in events])

    def peek(self, event: Event) -> Remembered:
        """Return what an event sees or, where it was recorded, saw; nothing is recorded."""
        return self._transact("BEGIN", lambda: Transaction(SqliteRecords(self._database), self._plan, self._held).peek(event))

    def tell(self, outcome: Outcome) -> Told:
        """Record what became of an event. Another outcome than before corrects that in its place; each event counts once."""
        return self._record(lambda transaction: transaction.tell(outcome))

    def load(self, history: Iterable[Event | Outcome]) -> None:
        """Observe and tell much, some thousand a transaction; where it breaks off, loading all again goes on."""
        rest = iter(history)
        while some := list(itertools.islice(rest, LOADED_AT_ONCE)):
            self._record(partial(Transaction.record_all, some=some))
            time.sleep(GIVE_WAY_SECONDS)

    def prune(self, now: int) -> None:
        """Forget what no event sees from ``late_seconds`` before this second on; earlier ones are late from then on.

        It goes through the file in many short transactions. The file does not shrink: its free pages are used again.
        """
        earliest = now - self._keeping.late_seconds
        answers, known = now - self._keeping.answers_seconds, now - self._keeping.answers_seconds
        if self._plan.tells:
            known = min(answers, now - self._keeping.outcomes_seconds)

        def begin() -> None:
            self._database.execute("UPDATE facts SET value = MAX(COALESCE(value, ?1), ?1) WHERE name = 'earliest'", (earliest,))

        self._transact("BEGIN IMMEDIATE", begin)
        for prune in (
            lambda after: prune_entities(self._database, self._plan, after, earliest),
            lambda after: prune_events(self._database, after, answers, known),
            lambda after: prune_aliases(self._database, after, known),
        ):
            after = FIRST_KEY
            while after < LAST_KEY:
                after = self._transact("BEGIN IMMEDIATE", partial(prune, after))
                time.sleep(GIVE_WAY_SECONDS)

    def newest(self) -> Newest | None:
        """Say how late the events are that are known by their ids; None where none is."""

        def look() -> Newest | None:
            (events,) = self._database.execute("SELECT COUNT(*) FROM events").fetchone()
            query = "SELECT second FROM events ORDER BY second DESC LIMIT ?"
            return Newest.of(events, [each for (each,) in self._database.execute(query, (set_aside(events) + 1,))])

        return self._transact("BEGIN", look)

    def check(self) -> Counts:
        """Read everything and count it, while others go on; StorageError where something is damaged."""
        self._transact("BEGIN", lambda: None)
        with faults(self._path), connected(self._path) as database:
            return transact(database, "BEGIN", lambda: count_all(database, self._plan, self._path))

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._database.close()

    def _open(self) -> None:
        path = self._path
        if not path.exists():
            raise missing(path)
        with faults(path), locked(path.parent):  # not while another one is put there
            found = path.stat()
            inode, database = (found.st_dev, found.st_ino), connect(path)
            try:
                salt = transact(database, "BEGIN", lambda: read_salt(database, path, self._memories))
                check_place(self._file, inode)
            except BaseException:
                database.close()
                raise
        self._database, self._plan, self._inode = database, Plan(self._memories, salt), inode
        self._held = Held(Decoded(), Decoded())

    def _record(self, work: Callable[[Transaction], Result]) -> Result:
        return self._transact("BEGIN IMMEDIATE", *self._recording(work))[0]

    def _recording(
        self, work: Callable[[Transaction], Result]
    ) -> tuple[Callable[[], tuple[Result, Transaction]], Callable[[tuple[Result, Transaction]], None]]:
        """Return what is to be done in a transaction, and after it."""

        def record() -> tuple[Result, Transaction]:
            transaction = Transaction(SqliteRecords(self._database), self._plan, self._held)
            result = work(transaction)
            transaction.write()
            return result, transaction

        return record, lambda recorded: recorded[1].keep()

    def _transact(self, begin: str, work: Callable[[], Result], afterwards: Callable[[Result], None] = lambda _: None) -> Result:
        with self._lock, faults(self._path):
            while True:
                try:
                    return self._transact_once(begin, work, afterwards, waiting=True)
                except ReplacedError:
                    replaced = self._database
                    with suppress(ReplacedError):  # by a third one meanwhile
                        self._open()
                        replaced.close()

    def _transact_once(
        self, begin: str, work: Callable[[], Result], afterwards: Callable[[Result], None], *, waiting: bool = False
    ) -> Result:
        def in_its_place() -> Result:
            check_place(self._file, self._inode)
            return work()

        try:
            result = transact(self._database, begin, in_its_place, waiting=waiting)
        except sqlite3.DatabaseError:
            check_place(self._file, self._inode)  # a file that was damaged may have been replaced
            raise
        check_place(self._file, self._inode)  # else what was recorded would be gone, and have been acknowledged
        afterwards(result)
        return result
