"""Uvicorn's HTTP protocol with what it lacks: limits of time and size for headers, and one of connections."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""What a request may have besides its body, not counting what came in the same read as its beginning."""

FRAMING = 8
"""What else it may have for each byte of its body: chunks of one byte each take five."""

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def guarded_protocol(header_seconds: float, connections: int) -> type[asyncio.Protocol]:
    """Return a protocol class whose connections are closed when a request's headers take longer than ``header_seconds``.

    A connection that sends nothing, or a header a minute, costs a file descriptor until then and no more; beyond
    ``connections`` open ones, new ones are closed at once. Between requests Uvicorn's own keep-alive limit holds. A client that
    reads nothing of an answer for twice ``header_seconds`` is dropped: closing alone would wait for it for ever. Headers without
    an end are refused at ``HEAD_BYTES``, and trailers are left out: they must not pass for headers that a proxy has checked.
    """

    class GuardedProtocol(HttpToolsProtocol):  # type: ignore[misc, unused-ignore]
        def connection_made(self, transport: Any) -> None:
            self._deadline: asyncio.TimerHandle | None = None
            self._unread: asyncio.TimerHandle | None = None
            super().connection_made(transport)
            if len(self.connections) > connections:
                transport.close()
                return
            self._deadline = self.loop.call_later(header_seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            before, self._read_of_body = self._message, 0
            super().data_received(data)
            if before and before == self._message and not self.transport.is_closing():
                self._besides += len(data) - self._read_of_body
                if self._besides > HEAD_BYTES + FRAMING * self._body_bytes:
                    self._refuse_headers()
                    return
            # Any byte ends Uvicorn's keep-alive limit, even an empty line that begins no request.
            idle = self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None
            if self._deadline is None and (self._in_headers or idle):
                self._deadline = self.loop.call_later(header_seconds, self.transport.close)

        def on_message_begin(self) -> None:
            self._in_headers = True
            self._messages += 1
            self._message, self._besides, self._body_bytes = self._messages, 0, 0
            super().on_message_begin()

        def on_header(self, name: bytes, value: bytes) -> None:
            if self._in_headers:
                super().on_header(name, value)

        def on_body(self, body: bytes) -> None:
            self._body_bytes += len(body)
            self._read_of_body += len(body)
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._message = 0
            super().on_message_complete()

        def on_headers_complete(self) -> None:
            self._in_headers = False
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            super().on_headers_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch_reader()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch_reader()

        def connection_lost(self, exc: Exception | None) -> None:
            for timer in (self._deadline, self._unread):
                if timer is not None:
                    timer.cancel()
            super().connection_lost(exc)

        def _refuse_headers(self) -> None:
            if self._in_headers and (self.cycle is None or self.cycle.response_complete):  # else an answer is under way
                self.transport.write(TOO_LARGE)
            self.transport.close()

        def _watch_reader(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None
            left = self.transport.get_write_buffer_size()
            if left:
                # Twice, so that the application gives up before, and counts it.
                self._unread = self.loop.call_later(2 * header_seconds, self._drop_unless_read, left)

        def _drop_unless_read(self, left: int) -> None:
            if self.transport.get_write_buffer_size() >= left:
                self.transport.abort()
            else:
                self._watch_reader()

        _in_headers = False
        _messages = _message = 0
        _besides = _body_bytes = _read_of_body = 0

    return GuardedProtocol
