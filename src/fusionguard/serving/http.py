"""HTTP below the routes: bodies read within limits of size and time, answers with the headers that all of them have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable, MutableMapping
from contextlib import aclosing
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from fusionguard.serving.problems import ProblemError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_Done = TypeVar("_Done")

JSON = "application/json"
PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"

_JSON = JSON.encode()

DRAINED_BYTES = 64 * 2**20
"""Of a body that is too large so much is read and thrown away, so that the client is there to read the refusal."""

SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]

_SINGLE = frozenset({b"authorization", b"content-encoding", b"content-type", b"host", b"x-api-key", b"x-request-id"})


class _Begun(Generic[_Done]):
    """Work that has begun, and waits for something: it goes on as it would have by itself."""

    def __init__(self, work: Coroutine[Any, Any, _Done], waits_for: Any) -> None:
        self._work, self._waits_for = work, waits_for

    def __await__(self) -> Generator[Any, Any, _Done]:
        try:
            while True:
                try:
                    told = yield self._waits_for
                except BaseException as error:  # a timeout, or an end of all: the work has to know
                    self._waits_for = self._work.throw(error)
                else:
                    self._waits_for = self._work.send(told)
        except StopIteration as end:
            done: _Done = end.value
            return done
        finally:
            self._work.close()


async def within(seconds: float, work: Coroutine[Any, Any, _Done]) -> _Done:
    """Do some work; raise TimeoutError where it waits longer than ``seconds``.

    A request that has arrived and an answer that finds room wait for nothing: they are spared the timer, which costs more than
    they do.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as end:
        done: _Done = end.value
        return done
    async with asyncio.timeout(seconds):
        return await _Begun(work, waits_for)


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


def check_headers(listed: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a second header where a proxy might go by the first; raises :class:`ProblemError`."""
    names = [name for name, _ in listed if name in _SINGLE]
    if len(names) != len(set(names)):
        (name, *_) = sorted(name.decode() for name in set(names) if names.count(name) > 1)
        raise ProblemError(400, "repeated_header", f"The header '{name}' may be sent once.")


class Request(NamedTuple):
    """A request whose body is read when a route asks for it."""

    id: str
    route: str
    headers: dict[bytes, bytes]
    receive: Receive
    seconds: float
    """How long its body may take."""
    query: bytes = b""
    """What follows the path's question mark."""

    async def body(self, most_bytes: int) -> bytes:
        """Return the body.

        Raises
        ------
        ProblemError
            It is larger than ``most_bytes`` (413), compressed (415), or does not arrive in time (408).
        ClientGoneError
            The client closed the connection.
        """
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise ProblemError(415, "compressed", "Compressed bodies are not read; send it as it is.")
        if b"upgrade" in self.headers.get(b"connection", b"").lower():  # the parser has thrown the body away
            detail = "A request that asks for another protocol is not read; send it as HTTP/1.1 without Upgrade."
            raise ProblemError(400, "upgrade", detail, headers={"connection": "close"})
        declared = self.headers.get(b"content-length", b"0")
        too_large = declared.isdigit() and int(declared) > most_bytes
        try:
            if too_large:
                raise await within(self.seconds, self._too_large(most_bytes, more=int(declared) <= DRAINED_BYTES))
            return await within(self.seconds, self._body(most_bytes))
        except TimeoutError:
            detail = f"The body did not arrive within {self.seconds:g} seconds."
            raise ProblemError(408, "slow_body", detail, headers={"connection": "close"}) from None

    def media_type(self, allowed: Iterable[str]) -> str:
        """Return the content type without its parameters; raise :class:`ProblemError` (415) where it is not among ``allowed``."""
        plain = self.headers.get(b"content-type", b"")
        if plain == _JSON and JSON in allowed:  # what nearly everybody sends
            return JSON
        given = plain.decode("latin-1")
        kind, _, parameters = given.partition(";")
        kind, charset = kind.strip().lower(), parameters.strip().lower().replace('"', "")
        if kind not in allowed or charset not in ("", "charset=utf-8"):
            raise ProblemError(415, "content_type", f"Content-Type must be {' or '.join(allowed)}, in UTF-8 where it is text.")
        return kind

    async def _body(self, most_bytes: int) -> bytes:
        message = await self._next()
        if message.get("more_body"):
            return await self._rest(message, most_bytes)
        body: bytes = message.get("body", b"")
        if len(body) > most_bytes:
            raise await self._too_large(most_bytes, more=False)
        return body

    async def _next(self) -> MutableMapping[str, Any]:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        return message

    async def _rest(self, message: MutableMapping[str, Any], most_bytes: int) -> bytes:
        parts = [message.get("body", b"")]
        size = len(parts[0])
        while message.get("more_body"):
            message = await self._next()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most_bytes:
                raise await self._too_large(most_bytes, more=bool(message.get("more_body")))
        return b"".join(parts)

    async def _too_large(self, most_bytes: int, *, more: bool) -> ProblemError:
        """Throw away what there is ``more`` of the body, and return the refusal."""
        drained = 0
        while more and drained <= DRAINED_BYTES and b"expect" not in self.headers:
            message = await self._next()
            drained += len(message.get("body", b""))
            more = bool(message.get("more_body"))
        return ProblemError(413, "too_large", f"The body may have {most_bytes:,} bytes at most.", headers={"connection": "close"})


class Response(NamedTuple):
    """An answer that is ready to be sent."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class StreamedResponse(NamedTuple):
    """An answer that is sent piece by piece as it is made; what makes it is closed whatever happens."""

    status: int
    pieces: AsyncGenerator[bytes, None]
    media_type: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_response(content: Any, headers: tuple[tuple[bytes, bytes], ...] = (), status: int = 200) -> Response:
    """Return content as JSON; NumPy columns are written as arrays."""
    return Response(status, orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), JSON, headers)


def problem_response(problem: ProblemError, request_id: str) -> Response:
    """Return a refusal."""
    headers = tuple((name.encode(), value.encode()) for name, value in problem.headers.items())
    return Response(problem.status, orjson.dumps(problem.content(request_id)), PROBLEM, headers)


async def send_response(
    send: Send, response: Response, common: list[tuple[bytes, bytes]], request_id: str, seconds: float
) -> None:
    """Send an answer, and give up on a client that does not read it within ``seconds``."""
    headers = _headers(response, common, request_id)
    headers.append((b"content-length", str(len(response.body)).encode()))
    head = {"type": "http.response.start", "status": response.status, "headers": headers}

    async def send_both() -> None:
        await send(head)  # it waits, too, for a client that has not read its last answer
        await send({"type": "http.response.body", "body": response.body})

    await within(seconds, send_both())


async def send_stream(
    send: Send, response: StreamedResponse, common: list[tuple[bytes, bytes]], request_id: str, seconds: float
) -> None:
    """Send an answer as it is made, and give up on a client that does not take a piece within ``seconds``."""
    head = {"type": "http.response.start", "status": response.status, "headers": _headers(response, common, request_id)}
    async with aclosing(response.pieces) as pieces:
        async with asyncio.timeout(seconds):
            await send(head)
        async for piece in pieces:
            async with asyncio.timeout(seconds):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        async with asyncio.timeout(seconds):
            await send({"type": "http.response.body", "body": b""})


def _headers(
    response: Response | StreamedResponse, common: list[tuple[bytes, bytes]], request_id: str
) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", response.media_type.encode()),
        (b"x-request-id", request_id.encode()),
        *(common if response.media_type != HTML else [each for each in common if each[0] != b"content-security-policy"]),
        *response.headers,
    ]
