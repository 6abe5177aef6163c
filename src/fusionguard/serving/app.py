"""The scoring service: its routes, its models, and their reload while requests go on."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fusionguard.errors import FusionGuardError
from fusionguard.families.catalog import family_names, model_family
from fusionguard.serving.asgi import PROBES, GuardedApp, Route, docs_page, fixed
from fusionguard.serving.client_schema import client_schema
from fusionguard.serving.guard import Guard
from fusionguard.serving.http import SECURITY_HEADERS, Request, Response, json_response
from fusionguard.serving.label_routes import LabelRoutes
from fusionguard.serving.loaded import LoadedModel, LoadedRelease, load_release
from fusionguard.serving.metrics import Metrics
from fusionguard.serving.openapi import describe_service
from fusionguard.serving.prediction_log import PredictionLog
from fusionguard.serving.request_metrics import CONTENT_TYPE
from fusionguard.serving.scoring_routes import ScoringRoutes
from fusionguard.serving.settings import ServeSettings

STATS_SECONDS = 1.0

_log = logging.getLogger(__name__)


class RiskApp(GuardedApp):
    """The ASGI application; :meth:`start` it before the first request and :meth:`stop` it after the last."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.metrics = Metrics(settings.release)
        super().__init__(Guard(settings), self.metrics, settings.body_seconds)
        self._batches = ThreadPoolExecutor(1, "batches")
        self._explanations = ThreadPoolExecutor(1, "explanations")
        self._logs: dict[str, PredictionLog] = {}
        self._scoring: dict[str, ScoringRoutes] = {}
        self._release: LoadedRelease | None = None
        self._watch: asyncio.Task[None] | None = None
        self._reloading = asyncio.Lock()

    async def start(self) -> None:
        """Load the release and open the logs; raises :class:`FusionGuardError` for what cannot be served."""
        async with self._reloading:  # a reload that is asked for meanwhile comes after
            await self._start()

    async def _start(self) -> None:
        release = await asyncio.to_thread(load_release, self.settings.release)
        for family in family_names():
            if self.settings.log is not None:
                self._logs[family] = PredictionLog.open(
                    self.settings.log,
                    model=family,
                    flush_seconds=self.settings.log_flush_seconds,
                    max_rows=self.settings.log_rows,
                )
            self._scoring[family] = ScoringRoutes(
                model_family(family), self.settings, self.metrics, self._logs.get(family), self._batches, self._explanations
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

    def _use(self, release: LoadedRelease) -> None:
        self._release = release
        for routes in self._scoring.values():
            routes.use(release)
        self.metrics.models(release)
        simulated = sorted({each.about.model for each in release.champions.values() if each.simulated})
        self._common = list(SECURITY_HEADERS)
        if simulated:
            self._common.append((b"x-trained-on-simulated-data", ", ".join(simulated).encode()))
        told = [f"{each.about.model} {each.about.role} {each.version} ({each.origin} data)" for each in release.models]
        _log.info("Models in use: %s", ", ".join(told))

    def _make_routes(self) -> dict[str, Route]:
        document = describe_service(self.settings.largest_batch_rows)
        routes = {path: Route({"GET": self._health}, open_to_all=True) for path in PROBES}
        routes |= {
            "/metrics": Route({"GET": self._metrics}),
            "/v1/models": Route({"GET": self._models}),
            "/openapi.json": Route({"GET": fixed(json_response(document))}),
            "/schema.json": Route({"GET": fixed(json_response(client_schema("RiskScoring", document)))}),
            "/docs": Route({"GET": fixed(docs_page(document))}),
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
        return Response(200, await asyncio.to_thread(self.metrics.text), CONTENT_TYPE)

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


def _describe(model: LoadedModel) -> dict[str, Any]:
    manifest = model.online.bundle.manifest
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
