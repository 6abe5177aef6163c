"""What goes through all records of a state in Redis, some at a time, while others go on: pruning, counting, removing."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.features.online.entity import EntityMemory
from fusionguard.features.online.outcomes import OutcomeTiles
from fusionguard.features.online.plan import Plan
from fusionguard.features.online.redis_records import (
    ALIAS,
    EVENT,
    MEETING,
    MEMORY,
    STRETCH,
    Value,
    alias_second,
    pack_event,
    pack_seconds,
    unpack_event,
    unpack_seconds,
    until_of,
)
from fusionguard.features.online.redis_server import RedisServer
from fusionguard.features.online.state import Counts, Newest

_AT_ONCE = 500
_ATTEMPTS = 100

Change = Callable[[dict[bytes, Value], dict[bytes, bytes]], bool]
"""Writes records, nothing to delete one, where they are still as they are known; returns whether they were."""


def prune_all(server: RedisServer, prefix: bytes, plan: Plan, change: Change, seconds: tuple[int, int, int]) -> None:
    """Forget what no event of the first of three seconds or later sees, answers before the second, events before the third."""
    for keys in _scan(server, prefix + b"*"):
        wanted = keys
        for _ in range(_ATTEMPTS):
            found = _values(server, prefix, wanted)
            left = {key: _pruned(plan, key, value.content, *seconds) for key, value in found.items()}
            written = {key: content for key, content in left.items() if content != found[key].content}
            if not written or change({key: found[key] for key in written}, written):
                break
            wanted = list(written)


def _pruned(plan: Plan, key: bytes, content: bytes, earliest: int, answers: int, known: int) -> bytes:
    """Return what is left of a record; nothing where it goes."""
    first = min(each.span.start(earliest) for each in plan.memories)
    kind = key[:1]
    if kind == MEMORY:
        memory = EntityMemory(plan.layouts[content[0]], content[1:])
        memory.forget(earliest)
        return b"" if memory.is_empty else content[:1] + memory.to_bytes()
    if kind == STRETCH:
        return b"" if until_of(key) < first else content
    if kind == EVENT:
        event = unpack_event(content)
        if event.second < known:
            return b""
        return pack_event(event._replace(answer=None)) if event.second < answers else content
    if kind == ALIAS:
        return b"" if alias_second(content) < known else content
    if kind == MEETING:
        return pack_seconds([each for each in unpack_seconds(content) if each >= first])
    return content


def newest(server: RedisServer, prefix: bytes) -> Newest | None:
    """Say how late the events are."""
    seconds, found = array("q"), array("q")
    for keys in _scan(server, prefix + EVENT + b"*"):
        for key, value in _values(server, prefix, keys).items():
            seconds.append(unpack_event(value.content).second)
            found.append(hash(key))
    own = np.array(seconds, np.int64)[_once(found)].tolist()
    return Newest.of(len(own), own)


def count_all(server: RedisServer, prefix: bytes, plan: Plan, counted: Mapping[str, int]) -> Counts:
    """Read everything and count it; ValueError where something is damaged."""
    kinds, sizes, found = array("b"), array("q"), array("q")
    for keys in _scan(server, prefix + b"*"):
        for key, (token, content) in _values(server, prefix, keys).items():
            kind = key[:1]
            kinds.append(kind[0])
            sizes.append(len(prefix) + len(key) + len(token) + len(content))
            found.append(hash(key))
            if kind == MEMORY:
                EntityMemory(plan.layouts[content[0]], content[1:])
            elif kind == STRETCH:
                OutcomeTiles(plan.layouts[content[0]], until_of(key), content[1:])
            elif kind == EVENT and (answer := unpack_event(content).answer) is not None:
                plan.answer(answer)
    once = _once(found)
    entities, stretches, events = (int((np.array(kinds, np.int8)[once] == kind[0]).sum()) for kind in (MEMORY, STRETCH, EVENT))
    return Counts(entities, stretches, events, int(np.array(sizes, np.int64)[once].sum()), **counted)


def remove(server: RedisServer, prefix: bytes) -> None:
    """Remove the records of all generations but the one in use and those that are being built."""
    pointer, building = prefix + b"now", prefix + b"building:"
    kept: dict[bytes, bool] = {}
    for keys in _scan(server, prefix + b"*"):
        owners = {key: key.removeprefix(prefix).partition(b":")[0] for key in keys}
        owners = {key: owner for key, owner in owners.items() if key != pointer and not key.startswith(building)}
        for owner in {*owners.values()} - {*kept}:  # asked after its records were found: what is built is then in use
            kept[owner] = bool(server.ask("EXISTS", building + owner)) or server.ask("GET", pointer) == owner
        gone = [key for key, owner in owners.items() if not kept[owner]]
        if gone:
            server.ask("UNLINK", *gone)


def _scan(server: RedisServer, pattern: bytes) -> Iterator[list[bytes]]:
    cursor: Any = 0
    while True:
        cursor, keys = server.ask("SCAN", cursor, "MATCH", pattern, "COUNT", _AT_ONCE)
        if keys:
            yield list(dict.fromkeys(keys))
        if not int(cursor):
            return


def _once(found: array[int]) -> NDArray[np.int64]:
    """Return the places of keys, by their hashes, each once: SCAN tells some twice while Redis makes room for more."""
    return np.unique(np.array(found, np.int64), return_index=True)[1]


def _values(server: RedisServer, prefix: bytes, keys: list[bytes]) -> dict[bytes, Value]:
    """Return the records at keys, by what these are without the prefix; facts and locks are none."""
    whole = [key if key.startswith(prefix) else prefix + key for key in keys]
    whole = [key for key in whole if key not in (prefix + b"facts", prefix + b"lock")]
    if not whole:
        return {}
    found = server.ask("MGET", *whole)
    return {key.removeprefix(prefix): Value.of(each) for key, each in zip(whole, found, strict=True) if each}
