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
from typing import Any

import bentoml

from fusionguard.errors import FusionGuardError
from fusionguard.serving.guard import check_address
from fusionguard.serving.http import Receive, Scope, Send
from fusionguard.serving.settings import read_settings

GC_THRESHOLDS = (50_000, 20, 50)
"""A request leaves next to no cycles behind; with Python's 700 a full collection stops the service for 100 ms."""

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
            _log.error("FusionGuard cannot serve: %s", error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            os.kill(os.getppid(), signal.SIGTERM)  # else the supervisor starts the same worker for ever
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


class _Inner:
    """BentoML asks for a class."""


RiskScoring = RiskService(name="RiskScoring", inner=_Inner)


async def _start() -> Any:
    from fusionguard.serving.metrics import separate_supervisors

    separate_supervisors()
    from fusionguard.serving.app import RiskApp

    settings = read_settings()
    for host in _listening_hosts():
        check_address(host, settings)
    app = RiskApp(settings)
    await app.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(app.reload()))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return app


def _listening_hosts() -> list[str]:
    """Return the addresses this worker listens on: BentoML hands it a socket by its descriptor."""
    places = [place + 1 for place, word in enumerate(sys.argv) if word == "--fd" and place + 1 < len(sys.argv)]
    hosts = []
    for place in places:
        with socket.socket(fileno=os.dup(int(sys.argv[place]))) as listening:
            if listening.family in (socket.AF_INET, socket.AF_INET6):
                hosts.append(listening.getsockname()[0])
    return hosts
