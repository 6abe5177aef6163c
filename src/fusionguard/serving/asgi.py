"""What every service has in common: one ASGI application that routes, guards, counts, and answers faults in one form."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fusionguard.expressions.errors import RowError
from fusionguard.serving.docs_page import STYLE, render_docs
from fusionguard.serving.guard import Guard
from fusionguard.serving.http import (
    HTML,
    SECURITY_HEADERS,
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    StreamedResponse,
    problem_response,
    send_response,
    send_stream,
)
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.request_ids import CURRENT, EXPECTED, RequestIds, is_request_id
from fusionguard.serving.request_metrics import RequestMetrics

PROBES = ("/health", "/ready", "/livez", "/healthz", "/readyz")
"""Where a platform asks whether a service answers; the last three are the names that BentoML's own services and client use."""

CLIENT_CLOSED = 499
"""Counted for clients that left before their answer; nobody is there to read it."""

BUG = ProblemError(500, "bug", "The service failed at this request; its log says where, and nothing of what you sent.")

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_PAGE = ((b"content-security-policy", f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'".encode()),)
"""A page has a policy of its own, which allows its style and nothing else."""

_log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response | StreamedResponse]]


@dataclass(frozen=True)
class Route:
    """A path with the handler of each of its methods; ``open_to_all`` needs no key."""

    handlers: dict[str, Handler]
    open_to_all: bool = False

    @property
    def allowed(self) -> str:
        """The methods there are, as the header ``Allow`` has them."""
        return ", ".join(sorted({*self.handlers, *(("HEAD",) if "GET" in self.handlers else ())}))


class GuardedApp:
    """An ASGI application of routes.

    Parameters
    ----------
    guard
        Who may ask, and how much.
    metrics
        Where requests are counted.
    seconds
        How long a client may take to send its body, or to read its answer.
    """

    def __init__(self, guard: Guard, metrics: RequestMetrics, seconds: float) -> None:
        self.guard = guard
        self._counts = metrics
        self._seconds = seconds
        self._ids = RequestIds()
        self._common = list(SECURITY_HEADERS)
        self._routes: dict[str, Route] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path: str = scope["path"]
        given = headers.get(b"x-request-id")
        request_id = given.decode("latin-1") if given is not None else self._ids.new()
        name = path if path in self._routes else "other"
        allowance = None
        response: Response | StreamedResponse
        try:
            try:
                if given is not None and not is_request_id(request_id):
                    request_id = self._ids.new()
                    raise ProblemError(400, "request_id", f"X-Request-ID must be {EXPECTED}.")
                CURRENT.set(request_id)
                route = self._routes.get(path)
                if route is None:
                    raise ProblemError(404, "no_route", "There is no such route; GET /docs lists those there are.")
                if not route.open_to_all:
                    allowance = self.guard.admit(scope, headers)
                handler = route.handlers.get("GET" if scope["method"] == "HEAD" else scope["method"])
                if handler is None:
                    raise ProblemError(405, "method", f"Allowed here: {route.allowed}.", headers={"allow": route.allowed})
                response = await handler(Request(request_id, name, headers, receive, self._seconds, scope["query_string"]))
            except ProblemError as problem:
                self._counts.reject(name, problem.reason)
                response = problem_response(problem, request_id)
            except RowError as error:  # every field is in its range, and yet a feature cannot be made of them together
                self._counts.reject(name, "invalid")
                response = problem_response(ProblemError(422, "invalid", error.what), request_id)
            except (ClientGoneError, TimeoutError):
                raise
            except Exception as error:  # a bug: told with its place, counted, and answered like any refusal
                report_bug(name, error)
                self._counts.reject(name, BUG.reason)
                response = problem_response(BUG, request_id)
            if type(response) is Response:
                await send_response(send, response, self._common, request_id, self._seconds)
            else:
                await send_stream(send, response, self._common, request_id, self._seconds)  # type: ignore[arg-type]
            status = response.status
        except (ClientGoneError, TimeoutError):
            status = CLIENT_CLOSED
        finally:
            if allowance is not None:
                allowance.give_back()
        self._counts.request(name, status, time.perf_counter() - began)


def report_bug(name: str, error: Exception) -> None:
    """Log where something failed, and nothing of what was sent."""
    _log.error("%s failed: %s\n%s", name, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))


def fixed(response: Response) -> Handler:
    """Return a handler that always answers the same."""

    async def answer(request: Request) -> Response:
        return response

    return answer


def docs_page(document: dict[str, Any]) -> Response:
    """Return an OpenAPI document as a page."""
    return Response(200, render_docs(document).encode(), HTML, _PAGE)
