"""A proxy on loopback that hands everything on as it is and counts what comes back: what an install downloads."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
_PIECE_BYTES = 1 << 16
_HEAD_BYTES = 1 << 16
_CONNECT_SECONDS = 30
_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class CountingProxy(socketserver.ThreadingTCPServer):
    """Tunnels (``CONNECT``) and plain requests, each connection in a thread; use it as a context manager."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Connection)
        self.received = 0
        """Bytes that came from servers so far: files, the index's pages, headers, encryption."""
        self._lock = threading.Lock()

    def environment(self) -> dict[str, str]:
        """Return the variables that send a program's traffic through here, whatever its address."""
        address = f"http://{HOST}:{self.server_address[1]}"
        values = {name: "" if name == "NO_PROXY" else address for name in _NAMES}
        return values | {name.lower(): value for name, value in values.items()}

    def count(self, size: int) -> None:
        """Add what has just come."""
        with self._lock:
            self.received += size

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that breaks off tells its own user."""

    def __enter__(self) -> CountingProxy:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.BaseRequestHandler):
    server: CountingProxy

    def handle(self) -> None:
        client: socket.socket = self.request
        head, body = _read_head(client)
        method, target, version = head[0].split(" ", 2)
        tunnel = method == "CONNECT"
        parts = urlsplit(f"//{target}" if tunnel else target)
        try:
            server = socket.create_connection((parts.hostname or "", parts.port or 80), _CONNECT_SECONDS)
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        server.settimeout(None)
        with server:
            if tunnel:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:  # one request a connection, so that the next one, perhaps to another server, is read here, too
                place = parts._replace(scheme="", netloc="").geturl() or "/"
                kept = [line for line in head[1:] if not line.lower().startswith(("connection:", "proxy-connection:"))]
                lines = [f"{method} {place} {version}", *kept, "Connection: close", "", ""]
                server.sendall("\r\n".join(lines).encode("latin-1"))
            server.sendall(body)
            upload = threading.Thread(target=_hand_on, args=(client, server), daemon=True)
            upload.start()
            _hand_on(server, client, self.server)


def _read_head(client: socket.socket) -> tuple[list[str], bytes]:
    """Return the lines of a request's head and what came behind it."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = client.recv(_PIECE_BYTES)
        if not piece or len(read) > _HEAD_BYTES:
            raise ConnectionError("no request")
        read += piece
    head, _, rest = read.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), rest


def _hand_on(source: socket.socket, target: socket.socket, counter: CountingProxy | None = None) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            if counter is not None:
                counter.count(len(piece))
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
