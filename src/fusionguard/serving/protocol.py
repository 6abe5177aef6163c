"""Uvicorn's HTTP protocol with what it lacks: a limit of time for headers, and one of connections."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def guarded_protocol(header_seconds: float, connections: int) -> type[asyncio.Protocol]:
    """Return a protocol class whose connections are closed when a request's headers take longer than ``header_seconds``.

    A connection that sends nothing, or a header a minute, costs a file descriptor until then and no more; beyond
    ``connections`` open ones, new ones are closed at once. Between requests Uvicorn's own keep-alive limit holds.
    """

    class GuardedProtocol(HttpToolsProtocol):  # type: ignore[misc, unused-ignore]
        def connection_made(self, transport: Any) -> None:
            self._deadline: asyncio.TimerHandle | None = None
            super().connection_made(transport)
            if len(self.connections) > connections:
                transport.close()
                return
            self._deadline = self.loop.call_later(header_seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # Any byte ends Uvicorn's keep-alive limit, even an empty line that begins no request.
            idle = self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None
            if self._deadline is None and (self._in_headers or idle):
                self._deadline = self.loop.call_later(header_seconds, self.transport.close)

        def on_message_begin(self) -> None:
            self._in_headers = True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_headers = False
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
            super().connection_lost(exc)

        _in_headers = False

    return GuardedProtocol
