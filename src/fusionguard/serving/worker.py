"""What a worker of BentoML serves: it starts an application, answers with it, and ends it; and what it asks of its process."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from fusionguard.errors import FusionGuardError
from fusionguard.serving.http import Receive, Scope, Send
from fusionguard.serving.siblings import WorkerState, enter, has_sibling
from fusionguard.serving.supervisor import GIVE_UP

GC_THRESHOLDS = (50_000, 20, 50)
"""A request leaves next to no cycles behind; with Python's 700 a full collection stops the service for 100 ms."""

RETRY_SECONDS = 10.0
"""How long a worker that cannot start waits before it gives way to another try, while others answer."""

_LOOK_SECONDS = 0.2


class Application(Protocol):
    """What answers requests, once it has been started."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

    async def stop(self) -> None:
        """End what is at work."""


class Front:
    """What a worker serves: requests go to the application that ``start`` makes, the life span to it, too."""

    def __init__(self, start: Callable[[], Awaitable[Application]]) -> None:
        self._start = start
        self._app: Any = None
        self._supervisor = os.getppid()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live through the worker's life span."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            enter(WorkerState.STARTS)
            self._app = await self._start()
            enter(WorkerState.ANSWERS)
        except Exception as error:  # also what nobody foresaw: Uvicorn would go on, and every request end in a 500
            try:
                await self._give_way()
            finally:
                await send({"type": "lifespan.startup.failed", "message": _told(error)})
            return
        _rest_garbage()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._app.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _give_way(self) -> None:
        """Wait before this worker ends and is started again, or end the service where no worker can start."""
        enter(None)
        while has_sibling(WorkerState.STARTS):  # whether it can is not known yet
            await asyncio.sleep(_LOOK_SECONDS)
        if has_sibling(WorkerState.ANSWERS):  # it goes on with what it loaded, and this worker is started again and again
            await asyncio.sleep(RETRY_SECONDS)
        elif os.getppid() == self._supervisor:  # else the supervisor starts the same worker for ever
            os.kill(self._supervisor, GIVE_UP)


def use_guarded_protocol(seconds: float, connections: int) -> None:
    """Let Uvicorn, which BentoML starts right after, close connections that are slow or too many."""
    import uvicorn.config

    from fusionguard.serving.protocol import guarded_protocol

    uvicorn.config.HTTP_PROTOCOLS["auto"] = guarded_protocol(seconds, connections)  # type: ignore[assignment]  # nobody may choose it


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with one line where what it is asked for cannot be done."""
    try:
        yield
    except FusionGuardError as error:
        print(f"fusionguard: {error}", file=sys.stderr)  # noqa: T201 - BentoML shows a traceback for whatever else ends it
        raise SystemExit(error.exit_status) from None


def listening_hosts() -> list[str]:
    """Return the addresses this worker listens on: BentoML hands it a socket by its descriptor."""
    hosts = []
    for descriptor in words_after("--fd"):
        with socket.socket(fileno=os.dup(int(descriptor))) as listening:
            if listening.family in (socket.AF_INET, socket.AF_INET6):
                hosts.append(listening.getsockname()[0])
    return hosts


def words_after(option: str) -> list[str]:
    """Return what this process was given for an option on its command line."""
    return [sys.argv[place + 1] for place, word in enumerate(sys.argv[:-1]) if word == option]


def _told(error: Exception) -> str:
    """Return what the service's log says of why a worker did not start; of what nobody foresaw, also where that was."""
    return str(error) if isinstance(error, FusionGuardError) else "".join(traceback.format_exception(error))


def _rest_garbage() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
