"""The load: one thread that keeps connections busy (closed), or sends at fixed moments whatever the answers do (open).

It is a small client of its own, because it shares the cores with what it measures.
"""

from __future__ import annotations

import gc
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import BenchmarkError

PATIENCE_SECONDS = 30.0
"""A server that is silent for so long is broken."""

GRACE_SECONDS = 1.0
"""How long after the last moment of an open load answers are waited for."""

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length: "
_SHOWN = 300


@dataclass(frozen=True)
class Load:
    """What a load did: ``latencies`` (n,) in seconds."""

    latencies: NDArray[np.float64]
    """Of each request; one that an open load left unanswered counts with the time it had waited by then."""
    answers: int
    seconds: float
    client_cpu_seconds: float


@dataclass
class _Connection:
    socket: socket.socket
    began: float = 0.0
    parts: list[bytes] = field(default_factory=list)
    missing: int | None = None
    """Bytes of the answer still to come, once its head was read."""


def closed_load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send the requests in turn over ``connections``, on each the next one as soon as the one before is answered.

    Raises
    ------
    BenchmarkError
        An answer is not 200, or the server closed a connection or fell silent.
    """
    waiting, taken = cycle(requests), list[float]()
    with _connected(port, connections) as by_socket:
        cpu, begin = time.process_time(), time.perf_counter()
        busy, until = list(by_socket), begin + seconds
        for connection in by_socket.values():
            _send(connection, next(waiting), time.perf_counter())
        while busy:
            readable, _, _ = select.select(busy, (), (), PATIENCE_SECONDS)
            if not readable:
                raise _silent()
            for each in readable:
                connection = by_socket[each]
                if not _answered(connection):
                    continue
                now = time.perf_counter()
                taken.append(now - connection.began)
                if now < until:
                    _send(connection, next(waiting), now)
                else:
                    busy.remove(each)
        return Load(np.array(taken), len(taken), time.perf_counter() - begin, time.process_time() - cpu)


def open_load(port: int, requests: Sequence[bytes], *, connections: int, per_second: float, seconds: float) -> Load:
    """Send a request every ``1 / per_second`` seconds, whether or not those before are answered.

    A latency counts from the moment at which the request was due, not from the one at which a connection was free for it: a
    server that stops for a while is charged with every request that was due meanwhile (no coordinated omission).

    Raises
    ------
    BenchmarkError
        As :func:`closed_load`.
    """
    waiting, taken = cycle(requests), list[float]()
    wanted = int(per_second * seconds)
    with _connected(port, connections) as by_socket:
        free, late, sockets = deque(by_socket.values()), deque[float](), list(by_socket)
        cpu, begin = time.process_time(), time.perf_counter()
        until, due = begin + seconds + GRACE_SECONDS, 0
        while len(taken) < wanted and (now := time.perf_counter()) < until:
            while due < wanted and begin + due / per_second <= now:
                late.append(begin + due / per_second)
                due += 1
            while late and free:
                _send(free.popleft(), next(waiting), late.popleft())
            pause = (begin + due / per_second if due < wanted else until) - time.perf_counter()
            readable, _, _ = select.select(sockets, (), (), max(0.0, pause))
            for each in readable:
                connection = by_socket[each]
                if _answered(connection):
                    taken.append(time.perf_counter() - connection.began)
                    connection.began = 0.0
                    free.append(connection)
        end = time.perf_counter()
        waited = [end - began for began in (*late, *(each.began for each in by_socket.values() if each.began))]
        return Load(np.array(taken + waited), len(taken), end - begin, time.process_time() - cpu)


def ask(port: int, request: bytes) -> bytes:
    """Send one request on a connection of its own and return the body of the answer; raises as :func:`closed_load` does."""
    with _connected(port, 1) as by_socket:
        ((each, connection),) = by_socket.items()
        parts = connection.parts
        _send(connection, request, time.perf_counter())
        while True:
            if not select.select([each], (), (), PATIENCE_SECONDS)[0]:
                raise _silent()
            if _answered(connection):
                return b"".join(parts).partition(_HEAD_ENDS)[2]


def http_request(path: str, body: bytes, content_type: str = "application/json") -> bytes:
    """Return a POST as it goes over the wire; the answer is wanted as what the body is."""
    head = ("Host: 127.0.0.1", f"Content-Type: {content_type}", f"Accept: {content_type}", f"Content-Length: {len(body)}")
    return "\r\n".join((f"POST {path} HTTP/1.1", *head, "", "")).encode() + body


@contextmanager
def _connected(port: int, connections: int) -> Iterator[dict[socket.socket, _Connection]]:
    made = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) for _ in range(connections)]
    collecting = gc.isenabled()
    gc.disable()  # pauses of the client must not count
    try:
        for each in made:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.settimeout(None)  # with Python's own limit every call would be two
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(PATIENCE_SECONDS), 0))
        yield {each: _Connection(each) for each in made}
    finally:
        if collecting:
            gc.enable()
        for each in made:
            each.close()


def _send(connection: _Connection, request: bytes, began: float) -> None:
    connection.began = began
    connection.parts.clear()
    connection.socket.sendall(request)


def _answered(connection: _Connection) -> bool:
    """Read what has arrived; tell whether the answer is whole, and raise where it is a refusal."""
    got = connection.socket.recv(1 << 20)
    if not got:
        raise BenchmarkError("The server closed a connection under load.", "Run it by itself to see what it says.")
    parts = connection.parts
    parts.append(got)
    if connection.missing is None:
        data = got if len(parts) == 1 else b"".join(parts)
        head = data.find(_HEAD_ENDS)
        if head < 0:
            return False
        place = data.find(_LENGTH, 0, head)
        if place < 0 or not data.startswith(b"HTTP/1.1 200"):
            raise BenchmarkError(f"The server refused a request: {data[:_SHOWN]!r}.", "Send it one that it takes.")
        place += len(_LENGTH)
        connection.missing = head + len(_HEAD_ENDS) + int(data[place : data.find(b"\r", place)]) - len(data)
    else:
        connection.missing -= len(got)
    if connection.missing:
        return False
    connection.missing = None
    return True


def _silent() -> BenchmarkError:
    return BenchmarkError("The server did not answer in time.", "Run it by itself to see what it says.")
