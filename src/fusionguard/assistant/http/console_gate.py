"""The gate before the console: who may see it, which of Gradio's routes exist, and what its pages may load.

Gradio serves files, takes uploads, proxies and has an API of its own. The console needs none of that: the few routes a page
uses are named here, and whatever else there is, in this version or the next, answers 404.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

from fusionguard.serving.guard import Guard
from fusionguard.serving.http import SECURITY_HEADERS, Receive, Scope, Send, problem_response, send_response
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.request_metrics import RequestMetrics

CONSOLE = "/console"
MOST_BYTES = 256 * 1024

_PAGES = frozenset({"/", "/config", "/theme.css", "/gradio_api/queue/data", "/gradio_api/startup-events"})
_FOLDERS = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
_POSTS = frozenset({"/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset"})
_ELSEWHERE = re.compile(rb"<(?:script|link|meta)\b[^>]*(?:https?://|manifest\.json)[^>]*>(?:\s*</script>)?")
_SCRIPT = re.compile(rb"<script\b")
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)


_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http%3A//www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath fill='%231f5fa8' d='M8 1l6 2v5c0 4-3 6-6 7-3-1-6-3-6-7V3z'/%3E%3C/svg%3E"
)


class ConsoleGate:
    """Lets requests through to the console's page."""

    def __init__(self, page: Any, guard: Guard, metrics: RequestMetrics, body_seconds: float) -> None:
        self._page, self._guard, self._metrics, self._body_seconds = page, guard, metrics, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        allowance, status = None, 200
        try:
            self._check(scope, headers)
            if scope["method"] == "POST":
                allowance = self._guard.admit(scope, _with_key(headers))
                allowance.give_back()  # what a page opens stays open as long as it is looked at: only the rate counts
                receive = await self._with_body(receive)
            await self._page(scope, receive, _Sender(send, rewrite=_inner(scope) == "/"))
        except ProblemError as problem:
            status = problem.status
            self._metrics.reject(CONSOLE, problem.reason)
            await send_response(send, problem_response(problem, secrets.token_hex(8)), SECURITY_HEADERS, secrets.token_hex(8), 10)
        self._metrics.request(CONSOLE, status, time.perf_counter() - began)

    async def _with_body(self, receive: Receive) -> Receive:
        """Return what tells a body that has been read: one that does not come holds a connection no longer than it may."""
        try:
            body = await asyncio.wait_for(_read(receive), self._body_seconds)
        except TimeoutError:
            detail = f"The body did not arrive within {self._body_seconds:g} seconds."
            raise ProblemError(408, "slow_body", detail, headers={"connection": "close"}) from None
        first = [body]

        async def told() -> MutableMapping[str, Any]:
            return first.pop() if first else await receive()

        return told

    def _check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        try:
            self._guard.identify(scope, _with_key(headers))
        except ProblemError as problem:
            if problem.status != 401:
                raise
            detail = "The console asks for a key: leave the name empty and give the key as the password."
            ask = {"www-authenticate": 'Basic realm="FusionGuard: leave the name empty, the password is your key"'}
            raise ProblemError(401, "key", detail, headers=ask) from None
        path, method = _inner(scope), scope["method"]
        known = {"GET": path in _PAGES or path.startswith(_FOLDERS), "POST": path in _POSTS}
        if not known.get("GET" if method == "HEAD" else method, False) or ".." in path:
            raise ProblemError(404, "no_route", "There is no such page; the console is at /console/.")
        if method == "POST":
            _check_post(headers)


def _check_post(headers: Mapping[bytes, bytes]) -> None:
    """Refuse what a page of another origin has a browser send, and bodies that no page of ours sends."""
    origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site", b"same-origin")
    if site != b"same-origin" or (origin is not None and origin.partition(b"://")[2] != headers.get(b"host")):
        raise ProblemError(403, "other_origin", "The console takes requests of its own page alone.")
    length = headers.get(b"content-length", b"")
    if not length.isdigit():
        raise ProblemError(411, "no_length", "Say how long the body is.", headers={"connection": "close"})
    if int(length) > MOST_BYTES:
        detail = f"The body may have {MOST_BYTES:,} bytes at most."
        raise ProblemError(413, "too_large", detail, headers={"connection": "close"})


async def _read(receive: Receive) -> MutableMapping[str, Any]:
    """Return a whole body as one message, or that the client has gone; its length has been checked."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return {"type": "http.request", "body": b"".join(parts), "more_body": False}


def _inner(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(CONSOLE)


def _with_key(headers: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """Return the headers with the key that a browser sends as the password of HTTP Basic as the guard reads it."""
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return headers
    try:
        key = base64.b64decode(given.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        key = b""
    return {**headers, b"x-api-key": key}


class _Sender:
    """Sends the page's answers with the headers that all answers have; its start page without what lies elsewhere."""

    def __init__(self, send: Send, *, rewrite: bool) -> None:
        self._send, self._rewrite = send, rewrite
        self._start: MutableMapping[str, Any] = {}
        self._parts: list[bytes] = []

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            if not self._rewrite:
                await self._send_start("", None)
        elif not self._rewrite:
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body"):
                nonce = secrets.token_urlsafe(16)
                page = _ELSEWHERE.sub(b"", b"".join(self._parts))
                page = page.replace(b"<head>", f'<head><link rel="icon" href="{_ICON}">'.encode(), 1)
                page = _SCRIPT.sub(f'<script nonce="{nonce}"'.encode(), page)
                await self._send_start(nonce, len(page))
                await self._send({"type": "http.response.body", "body": page})

    async def _send_start(self, nonce: str, length: int | None) -> None:
        policy = _POLICY.format(nonce=nonce) if nonce else _POLICY.replace(" 'nonce-{nonce}'", "")
        ours = [each for each in SECURITY_HEADERS if each[0] not in (b"content-security-policy", b"cache-control")]
        ours.append((b"content-security-policy", policy.encode()))
        dropped = {
            b"access-control-allow-origin",
            b"access-control-allow-credentials",
            b"set-cookie",
            *(name for name, _ in ours),
        }
        kept = [each for each in self._start["headers"] if each[0].lower() not in dropped]
        if length is not None:
            kept = [each for each in kept if each[0].lower() not in (b"content-length", b"cache-control")]
            kept += [(b"content-length", str(length).encode()), (b"cache-control", b"no-store")]
        await self._send({**self._start, "headers": [*kept, *ours]})
