"""A real HTTP receiver of alerts that fails as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses it is given, then with 200; None hangs up, a float waits so many seconds."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: list[int | float | dict[str, str] | None] = []
        self.got: list[tuple[dict[str, str], dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0/B0/secret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((dict(self.headers.items()), json.loads(body)))
        answer = self.server.answers.pop(0) if self.server.answers else 200
        if answer is None:
            self.connection.close()
            return
        if isinstance(answer, float):
            time.sleep(answer)
            answer = 200
        headers = answer if isinstance(answer, dict) else {}
        self.send_response(429 if headers else int(answer))  # type: ignore[call-overload]
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Receive on a free port of loopback until the block ends."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
