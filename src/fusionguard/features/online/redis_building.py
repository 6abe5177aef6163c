"""The marker of a state that is being built in Redis: who removes what is left over spares what has one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fusionguard.errors import StorageError
from fusionguard.features.online.redis_server import RedisServer

BUILDING_SECONDS = 30
"""So long after its last sign of life what a build has left behind goes with a later build or pruning."""

RENEW_SECONDS = 5.0
"""So often a build gives one, however long its next rows take."""


_POINT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lapsed' end
if ARGV[2] == 'new' and redis.call('EXISTS', KEYS[2]) == 1 then return 'there' end
redis.call('SET', KEYS[2], ARGV[1])
return 'done'
"""


def point(server: RedisServer, what: object, building: bytes, pointer: bytes, generation: bytes, *, replace: bool) -> None:
    """Let a generation be the state from now on; StorageError where it is not whole for sure, or another one is there."""
    found = server.ask("EVAL", _POINT, "2", building, pointer, generation, "any" if replace else "new")
    if found == b"lapsed":
        raise StorageError(
            f"The build of {what} gave no sign of life for {BUILDING_SECONDS} s, and others may have taken it for a dead one.",
            "Build it again.",
        )
    if found == b"there":
        raise StorageError(f"{what} is there already.", "Open it, or replace it.")


@contextmanager
def marked(server: RedisServer, key: bytes, generation: bytes) -> Iterator[None]:
    """Mark a generation as one that is being built, for as long as this process is at it."""
    server.ask("SET", key, generation, "EX", BUILDING_SECONDS)
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            with suppress(StorageError):  # the build asks the same server, and says what it answers
                server.ask("EXPIRE", key, BUILDING_SECONDS)

    renewing = threading.Thread(target=renew, name="renew", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        server.ask("DEL", key)
