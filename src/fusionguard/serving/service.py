"""``RiskScoring``, the BentoML service: BentoML packs it, starts its workers and watches over them; the application answers.

BentoML's own HTTP layer (tracing, metrics and access log around each request) costs 200 us of CPU a request where the rest of
the service needs less, and its descriptors take the string "1.5" for a number. So requests go straight to the application.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bentoml

from fusionguard.errors import FusionGuardError
from fusionguard.serving.guard import check_address
from fusionguard.serving.http import Receive, Scope, Send
from fusionguard.serving.keys import read_keys
from fusionguard.serving.metrics import FOLDER_VARIABLE, separate_supervisors
from fusionguard.serving.release import check_release
from fusionguard.serving.settings import read_settings

GC_THRESHOLDS = (50_000, 20, 50)
"""A request leaves next to no cycles behind; with Python's 700 a full collection stops the service for 100 ms."""

RETRY_SECONDS = 10.0
"""How long a worker that cannot load the release waits before it gives way to another try, while others answer."""

_ANSWERS = "answers-"
"""What begins the name of the file by which a worker tells its siblings that its models are loaded."""

_log = logging.getLogger(__name__)


class Front:
    """What a worker serves: requests go to the application, the life span to BentoML's."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
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
            self._app = await _start()
        except FusionGuardError as error:
            if _siblings_answer():  # they go on with what they loaded, and this worker is started again and again
                await asyncio.sleep(RETRY_SECONDS)
            else:
                os.kill(os.getppid(), signal.SIGTERM)  # else the supervisor starts the same worker for ever
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._app.stop()
        await send({"type": "lifespan.shutdown.complete"})


class RiskService(bentoml.Service):  # type: ignore[misc]  # BentoML's own class is not typed
    """A BentoML service whose workers serve :class:`Front`."""

    def to_asgi(self, is_main: bool = True) -> Any:
        """Return what a worker serves; BentoML starts Uvicorn right after, with the protocol set here."""
        import uvicorn.config

        from fusionguard.serving.protocol import guarded_protocol

        settings = read_settings()
        protocol = guarded_protocol(settings.body_seconds, settings.connections)
        uvicorn.config.HTTP_PROTOCOLS["auto"] = protocol  # type: ignore[assignment]  # BentoML lets nobody choose it
        return Front(super().to_asgi(is_main))


class _Supervised:
    """What BentoML calls in its supervisor, before it starts workers."""

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    def prepare() -> None:
        """Refuse to start with what cannot be served, and hand SIGHUP on to the workers."""
        os.environ.pop("BENTOML_CONTAINERIZED", None)  # with it BentoML starts no dead worker again
        with _one_line_errors():
            settings = read_settings()
            check_release(settings.release)
            if settings.keys is not None:
                read_keys(settings.keys)
            for host in (settings.host, *_words_after("--host")):
                if host is not None:
                    check_address(host, settings)
        _forward_reloads()


def _forward_reloads() -> None:
    """Let the supervisor send SIGHUP on: its own answer to it, new workers for old, would close connections."""
    from circus.sighandler import SysHandler

    def forward(handler: Any) -> None:
        for watcher in handler.controller.arbiter.iter_watchers():
            for process in list(watcher.processes.values()):
                if _catches_reloads(process.pid):
                    process.send_signal(signal.SIGHUP)

    SysHandler.handle_hup = forward


def _say_that_it_answers() -> None:
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        Path(folder, f"{_ANSWERS}{os.getpid()}").touch()


def _siblings_answer() -> bool:
    """Tell whether another worker of the same supervisor has its models loaded."""
    folder = os.environ.get(FOLDER_VARIABLE)
    said = {file.name.removeprefix(_ANSWERS) for file in Path(folder).glob(f"{_ANSWERS}*")} if folder else set()
    alive = set(Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read_text().split())
    return bool(said & alive - {str(os.getpid())})


def _catches_reloads(process: int) -> bool:
    """Tell whether a worker is far enough to take SIGHUP; an earlier one would die of it, and reads the release later anyway."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) & 1 << (signal.SIGHUP - 1))


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except FusionGuardError as error:
        print(f"fusionguard: {error}", file=sys.stderr)  # noqa: T201 - BentoML shows a traceback for whatever else ends it
        raise SystemExit(error.exit_status) from None


with _one_line_errors():
    RiskScoring = RiskService(
        name="RiskScoring",
        inner=_Supervised,
        config={"workers": read_settings().workers, "metrics": {"enabled": False}, "logging": {"access": {"enabled": False}}},
    )


async def _start() -> Any:
    separate_supervisors()
    from fusionguard.serving.app import RiskApp

    settings = read_settings()
    for host in _listening_hosts():
        check_address(host, settings)
    app = RiskApp(settings)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(app.reload()))
    await app.start()
    _say_that_it_answers()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return app


def _listening_hosts() -> list[str]:
    """Return the addresses this worker listens on: BentoML hands it a socket by its descriptor."""
    hosts = []
    for descriptor in _words_after("--fd"):
        with socket.socket(fileno=os.dup(int(descriptor))) as listening:
            if listening.family in (socket.AF_INET, socket.AF_INET6):
                hosts.append(listening.getsockname()[0])
    return hosts


def _words_after(option: str) -> list[str]:
    """Return what this process was given for an option on its command line."""
    return [sys.argv[place + 1] for place, word in enumerate(sys.argv[:-1]) if word == option]
