"""What a worker of BentoML serves: it starts an application, answers with it, and ends it; and what it asks of its process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from fusionguard.errors import FusionGuardError
from fusionguard.serving.http import Receive, Scope, Send
from fusionguard.serving.request_metrics import FOLDER_VARIABLE, is_alive

GC_THRESHOLDS = (50_000, 20, 50)
"""A request leaves next to no cycles behind; with Python's 700 a full collection stops the service for 100 ms."""

RETRY_SECONDS = 10.0
"""How long a worker that cannot start waits before it gives way to another try, while others answer."""

_ANSWERS = "answers-"
"""What begins the name of the file by which a worker tells its siblings that its models are loaded."""


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
            self._app = await self._start()
        except FusionGuardError as error:
            if _siblings_answer():  # they go on with what they loaded, and this worker is started again and again
                await asyncio.sleep(RETRY_SECONDS)
            else:
                os.kill(os.getppid(), signal.SIGTERM)  # else the supervisor starts the same worker for ever
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        _say_that_it_answers()
        _rest_garbage()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._app.stop()
        await send({"type": "lifespan.shutdown.complete"})


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


def _say_that_it_answers() -> None:
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        Path(folder, f"{_ANSWERS}{os.getpid()}").touch()


def _siblings_answer() -> bool:
    """Tell whether another worker of the same supervisor has its models loaded."""
    folder = os.environ.get(FOLDER_VARIABLE)
    said = {int(file.name.removeprefix(_ANSWERS)) for file in Path(folder).glob(f"{_ANSWERS}*")} if folder else set()
    return any(is_alive(process) for process in said - {os.getpid()})


def _rest_garbage() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
