"""States to test, wherever they are kept: a file, or a Redis of this machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from fusionguard.datasets.history import Memory
from fusionguard.features.online.redis_server import RedisAddress, RedisServer
from fusionguard.features.online.redis_state import RedisState
from fusionguard.features.online.sqlite_state import SqliteState
from fusionguard.features.online.state import Event, Keeping, OnlineState, Outcome

_numbers = itertools.count()


class Build(Protocol):
    """Builds a state of its own."""

    def __call__(
        self, plan: Sequence[Memory], history: Iterable[Event | Outcome] = (), keeping: Keeping | None = None
    ) -> OnlineState: ...


def in_file(folder: Path) -> Build:
    """Build states in files of a folder."""
    return lambda plan, history=(), keeping=None: SqliteState.build(folder / f"state-{next(_numbers)}", plan, history, keeping)


def in_redis(url: str) -> Build:
    """Build states in a Redis."""
    return lambda plan, history=(), keeping=None: RedisState.build(
        RedisServer(RedisAddress.of(url)), f"tested-{next(_numbers)}", plan, history, keeping
    )
