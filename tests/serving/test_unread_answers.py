"""A client that sends requests and reads no answer does not keep what its key may have open."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from fusionguard.serving.protocol import guarded_protocol
from tests.serving.conftest import RunningService


@pytest.mark.full
def test_a_client_that_reads_nothing_is_given_up(service: RunningService) -> None:
    given_up = 'fusionguard_requests_total{route="/openapi.json",status="499"}'
    before = service.metric(given_up)
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
        raw.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)  # answers beyond what buffers hold
        service.wait_metric(given_up, before + 1)
        until = time.monotonic() + 20
        while is_open(service.port, raw.getsockname()[1]):
            assert time.monotonic() < until, "the connection waits for its client for ever"
            time.sleep(0.05)
    assert service.client.get("/health").status_code == 200


def test_a_client_that_reads_slowly_gets_its_answer() -> None:
    answer = bytes(20_000_000)  # beyond what the system's buffers hold

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"20000000")]})
        await send({"type": "http.response.body", "body": answer})

    def read(port: int) -> bytes:
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            raw.settimeout(20)
            raw.connect(("127.0.0.1", port))
            raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            parts = []
            while part := raw.recv(1_000_000):
                parts.append(part)
                time.sleep(len(part) / 10e6)
        return b"".join(parts)

    async def serve() -> bytes:
        config, state = Config(app, lifespan="off"), ServerState()
        protocol: Any = guarded_protocol(header_seconds=0.5, connections=10)
        server = await asyncio.get_running_loop().create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
        async with server:
            return await asyncio.to_thread(read, server.sockets[0].getsockname()[1])

    began = time.monotonic()
    assert asyncio.run(serve()).endswith(answer)
    assert time.monotonic() - began > 1.5, "it was slow, and read on"


def is_open(server: int, client: int) -> bool:
    """Tell whether the server's side of a connection between two ports of this machine is open."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = {(int(line[1].split(":")[1], 16), int(line[2].split(":")[1], 16)): line[3] for line in lines}
    return ends.get((server, client)) == "01"
