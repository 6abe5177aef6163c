"""The state of several machines: records in a Redis that all services ask.

A transaction is one scripted call, which writes what it computed where nothing that it had read was changed meanwhile, and else
answers what is there now, for another attempt. What was used last is known already; where something is not, it is read in a call
before. What a call recorded is in Redis when it returns: how long that keeps it is Redis's own matter (``appendonly yes``).
"""

from __future__ import annotations

import itertools
import secrets
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from fusionguard.datasets.history import Memory
from fusionguard.errors import StorageError
from fusionguard.features.online.layout import layouts_of
from fusionguard.features.online.plan import Plan, fingerprint
from fusionguard.features.online.records import COUNTED
from fusionguard.features.online.redis_building import marked, point
from fusionguard.features.online.redis_records import (
    EARLIEST,
    MEMORY,
    NOTHING_THERE,
    STRETCH,
    TOKEN_BYTES,
    RedisRecords,
    Value,
    foreseen,
    foreseen_of_outcomes,
)
from fusionguard.features.online.redis_scripts import CHANGED, HELD, READ, REPLACED, WRITE
from fusionguard.features.online.redis_server import RedisServer, Word
from fusionguard.features.online.redis_upkeep import count_all, newest, prune_all, remove
from fusionguard.features.online.state import (
    LOADED_AT_ONCE,
    Counts,
    Event,
    Keeping,
    Newest,
    Outcome,
    Remembered,
    Told,
    check_event,
    check_outcome,
)
from fusionguard.features.online.transaction import Decoded, Held, Transaction

FORMAT = 1
"""Raised with every change of what the records are called or of what their bytes mean."""

WAIT_SECONDS = 10.0
"""How long a transaction waits for those of others."""

MOST_KNOWN = 20_000
"""So many records that were used last are known without being read."""

_FACTS = ("format", "plan", "salt")
_ATTEMPTS_BESIDE_OTHERS = 3
_HOLD_MILLISECONDS = 5_000
_PAUSE_SECONDS = 0.001
_REBUILD = "Build it again from the history, with --replace."

Result = TypeVar("Result")


class RedisState:
    """An :class:`~fusionguard.features.online.state.OnlineState` in Redis; threads, processes and machines may share it.

    It connects when it is asked first. Where a state is built in its place, it goes on with that.

    Parameters
    ----------
    server
        Where it is.
    name
        What it is called there.
    plan
        What is remembered: the memories of the declaration's windows.
    keeping
        For how long ids are.
    """

    def __init__(self, server: RedisServer, name: str, plan: Sequence[Memory], keeping: Keeping | None = None) -> None:
        self._server, self._name, self._memories, self._keeping = server, name, tuple(plan), keeping or Keeping()
        self._prefix = f"fusionguard:{{{name}}}:".encode()
        self._pointer, self._generation, self._plan = self._prefix + b"now", b"", Plan(self._memories, b"")
        self._lock, self._held = threading.Lock(), Held(Decoded(), Decoded())
        self._known: OrderedDict[bytes, Value] = OrderedDict()

    @classmethod
    def build(
        cls,
        server: RedisServer,
        name: str,
        plan: Sequence[Memory],
        history: Iterable[Event | Outcome] = (),
        keeping: Keeping | None = None,
        *,
        replace: bool = False,
    ) -> RedisState:
        """Make the state, from a history where there is one, and open it; StorageError where it is there already.

        It appears when it is whole. With ``replace`` it takes the place of another one, also while services ask that; what these
        record before that moment is not in it.
        """
        made = cls(server, name, plan, keeping)
        made._check_server()
        if not replace and made.exists():
            raise StorageError(f"{made} is there already.", "Open it, or replace it.")
        generation = secrets.token_hex(8).encode()
        building, pointer = made._prefix + b"building:" + generation, made._pointer
        try:
            with marked(server, building, generation):
                facts: dict[str, Word] = {"format": FORMAT, "plan": fingerprint(plan), "salt": secrets.token_bytes(16)}
                facts |= dict.fromkeys(COUNTED, 0)
                server.ask("HSET", made._key(b"facts", generation), *_flat(facts))
                made._pointer = building
                made._open()
                made.load(history)
                made._pointer = pointer
                point(server, made, building, pointer, generation, replace=replace)
        finally:
            remove(server, made._prefix)
        return made

    def __str__(self) -> str:
        return f"{self._server.address} {self._name}"

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
        return any(each.of_outcomes for each in layouts_of(self._memories))

    def exists(self) -> bool:
        """Whether there is one."""
        return bool(self._server.ask("EXISTS", self._pointer))

    def open(self) -> None:
        """Ask for it now: StorageError where it is not there, is of another plan or format, or the server does not answer."""
        with self._lock:
            self._check_server()
            self._open()

    def observe(self, event: Event) -> Remembered:
        """Return what an event sees, and record it; one that was recorded before sees what it saw, and is not recorded again.

        Raises
        ------
        DataError
            The event lacks an entity or a number, or these cannot be.
        StorageError
            The server does not answer or takes nothing, or the state is not there, is damaged, or busy for ten seconds.
        """
        return self._transact((event,), lambda transaction: transaction.observe(event))

    def observe_at_once(self, event: Event) -> Remembered | None:
        """Return None: an answer is always waited for."""

    def observe_all(self, events: Sequence[Event]) -> list[Remembered]:
        """Observe events one after the other: all of them, or none where one is refused."""
        return self._transact(events, lambda transaction: [transaction.observe(event) for event in events])

    def peek(self, event: Event) -> Remembered:
        """Return what an event sees or, where it was recorded, saw; nothing is recorded."""
        return self._transact((event,), lambda transaction: transaction.peek(event))

    def tell(self, outcome: Outcome) -> Told:
        """Record what became of an event. Another outcome than before corrects that in its place; each event counts once."""
        return self._transact((outcome,), lambda transaction: transaction.tell(outcome))

    def load(self, history: Iterable[Event | Outcome]) -> None:
        """Observe and tell much, some thousand a transaction; where it breaks off, loading all again goes on."""
        rest = iter(history)
        while some := list(itertools.islice(rest, LOADED_AT_ONCE)):
            self._transact(some, partial(Transaction.record_all, some=some))

    def prune(self, now: int) -> None:
        """Forget what no event sees from ``late_seconds`` before this second on; earlier ones are late from then on.

        What builds have left behind that were killed goes, too.
        """
        earliest = now - self._keeping.late_seconds
        answers = known = now - self._keeping.answers_seconds
        if self.takes_outcomes:
            known = min(answers, now - self._keeping.outcomes_seconds)

        def begin(transaction: Transaction) -> None:
            records: Any = transaction.records
            before = records.earliest()
            records.written[EARLIEST] = str(earliest if before is None else max(before, earliest)).encode()

        self._transact((), begin)
        with self._lock:
            prune_all(self._server, self._key(b""), self._plan, self._change, (earliest, answers, known))
            remove(self._server, self._prefix)

    def newest(self) -> Newest | None:
        """Say how late the events are that are known by their ids; None where none is."""
        with self._lock, self._damages():
            self._open()
            return newest(self._server, self._key(b""))

    def check(self) -> Counts:
        """Read everything and count it, while others go on; StorageError where something is damaged."""
        with self._lock, self._damages():
            self._check_server()
            self._open()
            counted = self._server.ask("HMGET", self._key(b"facts"), *COUNTED)
            return count_all(self._server, self._key(b""), self._plan, dict(zip(COUNTED, map(int, counted), strict=True)))

    def close(self) -> None:
        """Give the connections back."""
        self._server.close()

    def _transact(self, given: Sequence[Event | Outcome], work: Callable[[Transaction], Result]) -> Result:
        for each in given:
            if isinstance(each, Event):
                check_event(each)
            else:
                check_outcome(each)
        deadline, changed, me = time.monotonic() + WAIT_SECONDS, 0, secrets.token_bytes(TOKEN_BYTES)
        with self._lock, self._damages():
            if not self._generation:
                self._open()
            known: dict[bytes, Value] | None = None
            while True:
                if known is None:
                    known = self._foresee(given, afresh=changed > 0)
                    if known is None:
                        self._open()
                        continue
                records = RedisRecords(known, self._read)
                transaction = Transaction(records, self._plan, self._held)
                try:
                    result = work(transaction)
                    transaction.write()
                    answer, found = self._write(records, me)
                except _ReplacedError:
                    answer, found = REPLACED, {}
                if answer == REPLACED:
                    self._open()
                    known = None
                elif answer == HELD:
                    time.sleep(_PAUSE_SECONDS)
                elif answer == CHANGED:
                    known, changed = known | found, changed + 1
                    if changed >= _ATTEMPTS_BESIDE_OTHERS and self._hold(me):
                        known = None  # read once more: now nobody changes it
                else:
                    transaction.keep()
                    self._keep(records, found)
                    return result
                if time.monotonic() > deadline:
                    what = f"{self} was busy for {WAIT_SECONDS:.0f} s."
                    raise StorageError(what, "Nothing of this call was recorded. Stop what writes to it, then try again.")

    def _open(self) -> None:
        generation = self._server.ask("GET", self._pointer)
        if generation is None:
            remedy = "Build it from the history: fusionguard state build. If it was there, Redis has lost it."
            raise StorageError(f"There is no state of entities in {self}.", remedy)
        facts = dict(zip(_FACTS, self._server.ask("HMGET", self._key(b"facts", generation), *_FACTS), strict=True))
        told = int(facts["format"] or 0)
        if told != FORMAT:
            raise StorageError(f"{self} has format {told}, and this version of FusionGuard reads {FORMAT}.", _REBUILD)
        if facts["plan"] != fingerprint(self._memories).encode():
            raise StorageError(f"{self} remembers what other windows need than those of this model.", _REBUILD)
        if generation != self._generation:
            self._generation, self._plan = generation, Plan(self._memories, facts["salt"])
            self._held = Held(Decoded(), Decoded())
            self._known.clear()

    def _check_server(self) -> None:
        lines = self._server.ask("INFO", "memory").decode().splitlines()
        about = dict(line.split(":", 1) for line in lines if ":" in line)
        policy = about.get("maxmemory_policy", "")
        if about.get("maxmemory", "0") != "0" and policy.startswith("allkeys"):
            what = f"{self._server.address} throws away what it was told when its memory is full ({policy})."
            raise StorageError(what, "Set its maxmemory-policy to noeviction.")

    def _foresee(self, given: Sequence[Event | Outcome], *, afresh: bool) -> dict[bytes, Value] | None:
        """Return what is known of the records that are needed, and read the others; None where the state was replaced."""
        names, seen = foreseen(self._plan, given)
        outcomes = [each for each in given if isinstance(each, Outcome)]
        known = {} if afresh else {key: self._known[key] for key in seen if key in self._known}
        unknown = [key for key in seen if key not in known]
        try:
            if unknown or outcomes or afresh:
                unknown += names
                known |= zip(unknown, self._read(unknown), strict=True)
            else:  # an event is new, most often; where it is not, the one scripted call says so
                known |= dict.fromkeys(names, NOTHING_THERE)
            while outcomes and (unknown := foreseen_of_outcomes(self._plan, given, known)):
                known |= zip(unknown, self._read(unknown), strict=True)
        except _ReplacedError:
            return None
        return known

    def _read(self, keys: Sequence[bytes]) -> list[Value]:
        first = self._pointer, self._key(b"lock")
        answer, *found = self._server.run(READ, [*first, *map(self._key, keys)], [self._generation])
        if answer == REPLACED:
            raise _ReplacedError
        return [Value.of(each) for each in found]

    def _write(self, records: RedisRecords, me: bytes) -> tuple[bytes, dict[bytes, Value]]:
        """Return what the script answers, and what is at the records now: all that were used, or those that were written."""
        keys = [*records.written, *(key for key in records.used if key not in records.written)]
        token = secrets.token_bytes(TOKEN_BYTES)
        contents = [token + content if content else b"" for content in records.written.values()]
        tokens = [records.known.get(key, NOTHING_THERE).token for key in keys]
        first = self._pointer, self._key(b"lock"), self._key(b"facts")
        arguments: list[Word] = [self._generation, me, len(keys), len(contents), *tokens, *contents, *_flat(records.counts)]
        answer, *found = self._server.run(WRITE, [*first, *map(self._key, keys)], arguments)
        if answer == CHANGED:
            return answer, dict(zip(keys, map(Value.of, found), strict=True))
        return answer, dict(zip(records.written, map(Value.of, contents), strict=True))

    def _change(self, known: dict[bytes, Value], written: dict[bytes, bytes]) -> bool:
        """Write records where they are still as they are known; tell whether they were."""
        records = RedisRecords(known, self._read)
        records.used |= dict.fromkeys(known)
        records.written |= written
        answer, _ = self._write(records, b"")
        if answer == REPLACED:
            raise StorageError(f"{self} was replaced by another state.", "Try again.")
        if answer == HELD:
            time.sleep(_PAUSE_SECONDS)
        return answer not in (HELD, CHANGED)

    def _hold(self, me: bytes) -> bool:
        return self._server.ask("SET", self._key(b"lock"), me, "NX", "PX", _HOLD_MILLISECONDS) is not None

    def _keep(self, records: RedisRecords, written: dict[bytes, Value]) -> None:
        for key in records.used:
            if key[:1] in (MEMORY, STRETCH, EARLIEST):
                self._known[key] = written.get(key) or records.known[key]
                self._known.move_to_end(key)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def _key(self, of: bytes, generation: bytes | None = None) -> bytes:
        return self._prefix + (generation or self._generation) + b":" + of

    def _damages(self) -> _Damages:
        return _Damages(self)


def _flat(named: Mapping[str, Word]) -> list[Word]:
    return [each for pair in named.items() for each in pair]


class _ReplacedError(Exception):
    """Another state has been built in the place of the one that is open."""


class _Damages:
    """Turns bytes that are not as they were written into a :class:`StorageError`."""

    def __init__(self, state: RedisState) -> None:
        self._state = state

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, (ValueError, IndexError, struct.error)):
            raise StorageError(f"{self._state} is damaged: {error}.", _REBUILD) from error
