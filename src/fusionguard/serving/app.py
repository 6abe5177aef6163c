"""The service: one ASGI application that routes, guards, counts and answers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fusionguard.errors import FusionGuardError
from fusionguard.serving import metrics as metrics_module
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
    json_response,
    problem_response,
    send_response,
)
from fusionguard.serving.label_routes import LabelRoutes
from fusionguard.serving.loaded import LoadedModel, LoadedRelease, load_release
from fusionguard.serving.openapi import describe_service
from fusionguard.serving.prediction_log import PredictionLog
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.request_ids import EXPECTED, RequestIds, is_request_id
from fusionguard.serving.scoring_routes import ScoringRoutes
from fusionguard.serving.settings import ServeSettings

FAMILIES = ("fraud", "churn")
STATS_SECONDS = 1.0
CLIENT_CLOSED = 499
"""Counted for clients that left before their answer; nobody is there to read it."""

BUG = ProblemError(500, "bug", "The service failed at this request; its log says where, and nothing of what you sent.")

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_PAGE = ((b"content-security-policy", f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'".encode()),)
"""A page has a policy of its own, which allows its style and nothing else."""

_log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A path with the handler of each of its methods; ``open_to_all`` needs no key."""

    handlers: dict[str, Handler]
    open_to_all: bool = False

    @property
    def allowed(self) -> str:
        """The methods there are, as the header ``Allow`` has them."""
        return ", ".join(sorted({*self.handlers, *(("HEAD",) if "GET" in self.handlers else ())}))


class RiskApp:
    """The ASGI application; :meth:`start` it before the first request and :meth:`stop` it after the last."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.metrics = metrics_module.Metrics()
        self.guard = Guard(settings)
        self._ids = RequestIds()
        self._batches = ThreadPoolExecutor(1, "batches")
        self._explanations = ThreadPoolExecutor(1, "explanations")
        self._logs: dict[str, PredictionLog] = {}
        self._scoring: dict[str, ScoringRoutes] = {}
        self._release: LoadedRelease | None = None
        self._common = list(SECURITY_HEADERS)
        self._watch: asyncio.Task[None] | None = None
        self._reloading = asyncio.Lock()
        self._routes: dict[str, Route] = {}

    async def start(self) -> None:
        """Load the release and open the logs; raises :class:`FusionGuardError` for what cannot be served."""
        async with self._reloading:  # a reload that is asked for meanwhile comes after
            await self._start()

    async def _start(self) -> None:
        release = await asyncio.to_thread(load_release, self.settings.release)
        for family in FAMILIES:
            if self.settings.log is not None:
                self._logs[family] = PredictionLog.open(
                    self.settings.log,
                    model=family,  # type: ignore[arg-type]
                    flush_seconds=self.settings.log_flush_seconds,
                    max_rows=self.settings.log_rows,
                )
            self._scoring[family] = ScoringRoutes(
                family, self.settings, self.metrics, self._logs.get(family), self._batches, self._explanations
            )
        self._routes = self._make_routes()
        self._use(release)
        self._watch = asyncio.create_task(self._watch_logs())

    async def stop(self) -> None:
        """End the batches at work and write what the logs hold."""
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.gather(*(asyncio.to_thread(pool.shutdown) for pool in (self._batches, self._explanations)))
        await asyncio.gather(*(asyncio.to_thread(log.close) for log in self._logs.values()))
        self._count_logs()

    async def reload(self) -> bool:
        """Load the release and the keys anew while requests go on; what cannot be loaded changes nothing. Tell whether it did."""
        async with self._reloading:
            try:
                self.guard.reload()
                release = await asyncio.to_thread(load_release, self.settings.release)
            except FusionGuardError as error:
                self.metrics.reloaded("refused")
                _log.error("Not reloaded, the models in use stay: %s", error)
                return False
            self._use(release)
            self.metrics.reloaded("loaded")
            return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path: str = scope["path"]
        given = headers.get(b"x-request-id")
        request_id = given.decode("latin-1") if given is not None else self._ids.new()
        name = path if path in self._routes else "other"
        allowance = None
        try:
            try:
                if given is not None and not is_request_id(request_id):
                    request_id = self._ids.new()
                    raise ProblemError(400, "request_id", f"X-Request-ID must be {EXPECTED}.")
                route = self._routes.get(path)
                if route is None:
                    raise ProblemError(404, "no_route", "There is no such route; GET /docs lists those there are.")
                if not route.open_to_all:
                    allowance = self.guard.admit(scope, headers)
                handler = route.handlers.get("GET" if scope["method"] == "HEAD" else scope["method"])
                if handler is None:
                    raise ProblemError(405, "method", f"Allowed here: {route.allowed}.", headers={"allow": route.allowed})
                response = await handler(Request(request_id, name, headers, receive, self.settings.body_seconds))
            except ProblemError as problem:
                self.metrics.reject(name, problem.reason)
                response = problem_response(problem, request_id)
            except (ClientGoneError, TimeoutError):
                raise
            except Exception as error:  # a bug: told with its place, counted, and answered like any refusal
                _log.error("%s failed: %s\n%s", name, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
                self.metrics.reject(name, BUG.reason)
                response = problem_response(BUG, request_id)
            await send_response(send, response, self._common, request_id, self.settings.body_seconds)
            status = response.status
        except (ClientGoneError, TimeoutError):
            status = CLIENT_CLOSED
        finally:
            if allowance is not None:
                allowance.give_back()
        self.metrics.request(name, status, time.perf_counter() - began)

    def _use(self, release: LoadedRelease) -> None:
        self._release = release
        for routes in self._scoring.values():
            routes.use(release)
        self.metrics.models(release)
        simulated = sorted({each.about.model for each in release.champions.values() if each.simulated})
        self._common = list(SECURITY_HEADERS)
        if simulated:
            self._common.append((b"x-trained-on-simulated-data", ", ".join(simulated).encode()))
        for each in release.models:
            _log.info("%s %s: version %s, trained on %s data", each.about.model, each.about.role, each.version, each.origin)

    def _make_routes(self) -> dict[str, Route]:
        document = describe_service(self.settings.largest_batch_rows)
        routes = {
            "/health": Route({"GET": self._health}, open_to_all=True),
            "/ready": Route({"GET": self._health}, open_to_all=True),
            "/metrics": Route({"GET": self._metrics}),
            "/v1/models": Route({"GET": self._models}),
            "/openapi.json": Route({"GET": _fixed(json_response(document))}),
            "/docs": Route({"GET": _fixed(Response(200, render_docs(document).encode(), HTML, _PAGE))}),
        }
        for family, scoring in self._scoring.items():
            routes[f"/v1/{family}/score"] = Route({"POST": scoring.score})
            routes[f"/v1/{family}/score_batch"] = Route({"POST": scoring.score_batch})
            routes[f"/v1/{family}/explain"] = Route({"POST": scoring.explain})
            routes[f"/v1/{family}/labels"] = Route({"POST": LabelRoutes(family, self.settings).store})
        return routes

    async def _health(self, request: Request) -> Response:
        return Response(200, b'{"status":"ok"}')

    async def _metrics(self, request: Request) -> Response:
        self._count_logs()
        return Response(200, await asyncio.to_thread(self.metrics.text), metrics_module.CONTENT_TYPE)

    async def _models(self, request: Request) -> Response:
        assert self._release is not None
        return json_response({"request_id": request.id, "models": [_describe(each) for each in self._release.models]})

    async def _watch_logs(self) -> None:
        while True:
            await asyncio.sleep(STATS_SECONDS)
            self._count_logs()

    def _count_logs(self) -> None:
        for family, log in self._logs.items():
            self.metrics.log(family, log.stats)


def _fixed(response: Response) -> Handler:
    async def answer(request: Request) -> Response:
        return response

    return answer


def _describe(model: LoadedModel) -> dict[str, Any]:
    manifest = model.engine.bundle.manifest
    return {
        "model": model.about.model,
        "role": model.about.role,
        "version": model.version,
        "bundle_sha256": model.about.bundle_sha256,
        "registered_version": model.about.registered_version,
        "origin": model.origin,
        "trained_on_simulated_data": model.simulated,
        "trained_at": model.about.trained_at,
        "metrics": model.about.metrics,
        "feature_schema_version": manifest.feature_schema_version,
    }
