"""Where the state of a data set is: beside those of others, and of what other declarations remember, in a folder or a Redis."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import Memory, entities_of, memories, numbers_of
from fusionguard.features.online.plan import fingerprint
from fusionguard.features.online.redis_server import RedisAddress, RedisServer, is_redis
from fusionguard.features.online.redis_state import RedisState
from fusionguard.features.online.sqlite_state import SqliteState
from fusionguard.features.online.state import Event, OnlineState, Outcome


class StatePlace(Protocol):
    """Where one state is or is to be; written out, it says so to people."""

    @property
    def shared(self) -> bool:
        """Whether several machines share it, and it may be away for a while."""

    def exists(self) -> bool:
        """Whether there is one; StorageError where that cannot be told."""

    def open(self, *, lazily: bool = False) -> OnlineState:
        """Return it; ``lazily`` where a shared one need not be there before it is asked."""

    def build(self, history: Iterable[Event | Outcome], *, replace: bool) -> OnlineState:
        """Make it; StorageError where it is there and not to be replaced."""


def state_place(where: str, declaration: Declaration) -> StatePlace:
    """Return where a declaration's state is; declarations share it that find the same events in the same rows.

    Parameters
    ----------
    where
        A folder, or the address of a Redis: UsageError where it is none.
    """
    name, plan = f"{declaration.name}-{_digest(declaration)}", memories(declaration)
    if is_redis(where):
        return _InRedis(RedisAddress.of(where), name, plan)
    return _InFile(Path(where) / f"{name}.sqlite", plan)


def is_same_past(one: Declaration, other: Declaration) -> bool:
    """Whether two declarations find the same events in the same rows, and remember the same of them."""
    return _digest(one) == _digest(other)


@dataclass(frozen=True)
class _InFile:
    path: Path
    plan: tuple[Memory, ...]
    shared = False

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.exists()

    def open(self, *, lazily: bool = False) -> SqliteState:
        return SqliteState(self.path, self.plan)

    def build(self, history: Iterable[Event | Outcome], *, replace: bool) -> SqliteState:
        return SqliteState.build(self.path, self.plan, history, replace=replace)


@dataclass(frozen=True)
class _InRedis:
    address: RedisAddress
    name: str
    plan: tuple[Memory, ...]
    shared = True

    def __str__(self) -> str:
        return f"{self.address} {self.name}"

    def exists(self) -> bool:
        with closing(self.open(lazily=True)) as state:
            return state.exists()

    def open(self, *, lazily: bool = False) -> RedisState:
        state = RedisState(RedisServer(self.address), self.name, self.plan)
        if not lazily:
            state.open()
        return state

    def build(self, history: Iterable[Event | Outcome], *, replace: bool) -> RedisState:
        return RedisState.build(RedisServer(self.address), self.name, self.plan, history, replace=replace)


def _digest(declaration: Declaration) -> str:
    plan, amount, time, known = memories(declaration), declaration.amount, declaration.time, declaration.label.known
    entities = [declaration.entities[each] for each in entities_of(plan)]
    columns = [*(column for each in entities_of(plan) for column in declaration.columns_of(each)), *numbers_of(plan)]
    told = [
        fingerprint(plan),
        [*entities, *numbers_of(plan)],
        [declaration.missing_values.get(column, ()) for column in columns],
        None if time is None else time.model_dump(mode="json", exclude={"range", "ordered"}),
        None if amount is None else [amount.column, amount.currency, amount.currency_column, amount.rate_column],
        None if known is None else known.after,
        declaration.id,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
