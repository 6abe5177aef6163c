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
