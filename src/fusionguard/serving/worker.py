"""What a worker of BentoML serves: it starts an application, answers with it, and ends it; and what it asks of its process."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from fusionguard.errors import FusionGuardError
from fusionguard.serving.http import Receive, Scope, Send
from fusionguard.serving.siblings import WorkerState, be_first, enter, has_sibling
from fusionguard.serving.start_checks import words_after
from fusionguard.serving.supervisor import ANSWERED, GIVE_UP, leave_reason
from fusionguard.verbose import is_verbose

GC_THRESHOLDS = (50_000, 20, 50)
"""A request leaves next to no cycles behind; with Python's 700 a full collection stops the service for 100 ms."""

RETRY_SECONDS = 10.0
"""How long a worker that cannot start waits before it gives way to another try, while others answer."""

_LOOK_SECONDS = 0.2

_log = logging.getLogger(__name__)


class Application(Protocol):
    """What answers requests, once it has been started."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

    async def stop(self) -> None:
        """End what is at work."""


class Front:
    """What a worker serves: requests go to the application that ``start`` makes, the life span to it, too.

    Parameters
    ----------
    page
        The path of the page to open; the first worker of a service that answers says where it is.
    """

    def __init__(self, start: Callable[[], Awaitable[Application]], page: str = "/docs") -> None:
        self._start, self._page = start, page
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
                await self._give_way(error)
            finally:
                logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # why has been said, or will be by the supervisor
                await send({"type": "lifespan.startup.failed", "message": ""})
            return
        if be_first(ANSWERED):
            for host, port in _listening():
                shown = f"[{host}]" if ":" in host else host
                _log.info("FusionGuard answers on http://%s:%d%s (Ctrl-C ends it)", shown, port, self._page)
        _rest_garbage()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._app.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _give_way(self, error: Exception) -> None:
        """Wait before this worker ends and is started again, or end the service where no worker can start."""
        enter(None)
        unforeseen = not isinstance(error, FusionGuardError)
        if unforeseen and is_verbose():
            _log.error("A worker could not start.", exc_info=error)
        while has_sibling(WorkerState.STARTS):  # whether it can is not known yet
            await asyncio.sleep(_LOOK_SECONDS)
        if has_sibling(WorkerState.ANSWERS):  # it goes on with what it loaded, and this worker is started again and again
            told = "This worker could not start, and is started again in %.0f s: %s"
            _log.error(told, RETRY_SECONDS, reason(error), exc_info=error if unforeseen else None)
            await asyncio.sleep(RETRY_SECONDS)
        elif os.getppid() == self._supervisor:  # else the supervisor starts the same worker for ever
            leave_reason(reason(error))
            os.kill(self._supervisor, GIVE_UP)


def use_guarded_protocol(seconds: float, connections: int) -> None:
    """Let Uvicorn, which BentoML starts right after, close connections that are slow or too many."""
    import uvicorn.config

    from fusionguard.serving.protocol import guarded_protocol

    uvicorn.config.HTTP_PROTOCOLS["auto"] = guarded_protocol(seconds, connections)  # type: ignore[assignment]  # nobody may choose it


def listening_hosts() -> list[str]:
    """Return the addresses this worker listens on: BentoML hands it a socket by its descriptor."""
    return [host for host, _ in _listening()]


def reason(error: Exception) -> str:
    """Return in one line why a worker did not start; of what nobody foresaw, also where that was."""
    if isinstance(error, FusionGuardError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    told = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"{told} ({Path(place.filename).name}, line {place.lineno}). See fusionguard doctor, or where it was with --verbose."


def _listening() -> list[tuple[str, int]]:
    found = []
    for descriptor in words_after("--fd"):
        with socket.socket(fileno=os.dup(int(descriptor))) as listening:
            if listening.family in (socket.AF_INET, socket.AF_INET6):
                host, port = listening.getsockname()[:2]
                found.append((host, port))
    return found


def _rest_garbage() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
