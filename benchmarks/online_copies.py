"""Many more cards for a state that is there: each has the memory of one that was built of events, under a key of its own."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from fusionguard.features.online.redis_records import memory_key
from fusionguard.features.online.redis_server import RedisAddress, RedisServer

AT_ONCE = 10_000


def copy_cards(state: Any, where: str, path: str, built: int, cards: int) -> None:
    """Give the cards ``C<built>`` to ``C<cards - 1>`` the memories of the first ``built`` ones, in their order.

    Parameters
    ----------
    state
        The state, open.
    where
        Its folder, or the address of its Redis.
    path
        Its file, where it is one.
    """
    of = state._plan  # keys are hashed with the state's own salt
    own = {place: of.key("card", f"C{place}") for place in range(built)}
    wanted = ((of.key("card", f"C{place}"), own[place % built]) for place in range(built, cards))
    if "://" in where:
        _copy_in_redis(RedisServer(RedisAddress.of(where)), state._key(b""), wanted)
    else:
        _copy_in_file(Path(path), wanted)


def _copy_in_file(path: Path, wanted: Iterable[tuple[int, int]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for some in _some(wanted):
            database.execute("BEGIN IMMEDIATE")
            query = "INSERT OR REPLACE INTO entities SELECT ?, layout, memory FROM entities WHERE key = ?"
            database.executemany(query, some)
            database.execute("COMMIT")


def _copy_in_redis(server: RedisServer, prefix: bytes, wanted: Iterable[tuple[int, int]]) -> None:
    copy = "for i = 1, #ARGV, 2 do local v = redis.call('GET', ARGV[i + 1]) if v then redis.call('SET', ARGV[i], v) end end"
    for some in _some(wanted):
        keys = [prefix + memory_key(each) for pair in some for each in pair]
        for begin in range(0, len(keys), 1_000):
            server.ask("EVAL", copy, 0, *keys[begin : begin + 1_000])
    server.close()


def _some(wanted: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    rest = iter(wanted)
    while some := list(itertools.islice(rest, AT_ONCE)):
        yield some
