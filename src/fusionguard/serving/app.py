"""The scoring service: its routes, its models, and their reload while requests go on."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from operator import add
from typing import Any

from fusionguard.datasets.catalog import shipped_name
from fusionguard.errors import FusionGuardError
from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.family import ModelFamily
from fusionguard.serving.asgi import PROBES, GuardedApp, Route, docs_page, fixed
from fusionguard.serving.client_schema import client_schema
from fusionguard.serving.guard import Guard
from fusionguard.serving.http import SECURITY_HEADERS, Request, Response, json_response
from fusionguard.serving.label_routes import LabelRoutes
from fusionguard.serving.loaded import LoadedModel, LoadedRelease, load_release
from fusionguard.serving.metrics import Metrics
from fusionguard.serving.openapi import describe_service, described_families
from fusionguard.serving.prediction_log import LogLayout, PredictionLog, log_layout
from fusionguard.serving.remembering import Remembering
from fusionguard.serving.request_metrics import CONTENT_TYPE
from fusionguard.serving.scoring_routes import ScoringRoutes
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.states import States

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
        self._lookups = ThreadPoolExecutor(1, "lookups")
        self._states = States(settings.state)
        self._logs: dict[str, list[tuple[LogLayout, PredictionLog]]] = {}
        self._log_of: dict[str, PredictionLog] = {}
        self._scoring: dict[str, ScoringRoutes] = {}
        self._release: LoadedRelease | None = None
        self._watch: asyncio.Task[None] | None = None
        self._reloading = asyncio.Lock()

    async def start(self) -> None:
        """Load the release and open the logs; raises :class:`FusionGuardError` for what cannot be served."""
        async with self._reloading:  # a reload that is asked for meanwhile comes after
            await self._start()

    async def _start(self) -> None:
        release = await asyncio.to_thread(load_release, self.settings.release, self._states)
        for name in family_names():
            self._add(model_family(name))
        self._use(release)
        self._watch = asyncio.create_task(self._watch_logs())

    async def stop(self) -> None:
        """End the batches at work and write what the logs hold."""
        if self._watch is not None:
            self._watch.cancel()
        pools = self._batches, self._explanations, self._lookups
        await asyncio.gather(*(asyncio.to_thread(pool.shutdown) for pool in pools))
        await asyncio.to_thread(self._states.close)
        await asyncio.gather(*(asyncio.to_thread(log.close) for logs in self._logs.values() for _, log in logs))
        self._count_logs()

    async def reload(self) -> bool:
        """Load the release and the keys anew while requests go on; what cannot be loaded changes nothing. Tell whether it did."""
        async with self._reloading:
            try:
                self.guard.reload()
                release = await asyncio.to_thread(load_release, self.settings.release, self._states)
            except FusionGuardError as error:
                self.metrics.reloaded("refused")
                _log.error("Not reloaded, the models in use stay: %s", error)
                return False
            self._use(release)
            self.metrics.reloaded("loaded")
            return True

    def _add(self, family: ModelFamily) -> None:
        """Serve a model of a family under its name, which a release may bring later, too."""
        self._open_log(family)
        if family.model not in self._scoring:
            log = lambda model: self._log_of.get(model.version)  # noqa: E731
            self._scoring[family.model] = ScoringRoutes(
                family.model,
                family,
                self.settings,
                self.metrics,
                log,
                Remembering(family.model, self.metrics, self._lookups),
                self._batches,
                self._explanations,
            )

    def _open_log(self, family: ModelFamily) -> PredictionLog | None:
        """Return the log of a family's answers; one of a declared data set whose features have changed gets another writer."""
        if self.settings.log is None:
            return None
        layout = log_layout(family)
        logs = self._logs.setdefault(layout.model, [])
        for other, log in logs:
            if other == layout:
                return log
        opened = PredictionLog.open(
            self.settings.log,
            model=layout,
            flush_seconds=self.settings.log_flush_seconds,
            max_rows=self.settings.log_rows,
        )
        logs.append((layout, opened))
        return opened

    def _use(self, release: LoadedRelease) -> None:
        self._release = release
        for each in release.models:
            self._add(each.family)
            if (log := self._open_log(each.family)) is not None:
                self._log_of[each.version] = log
        self._routes = self._make_routes(release)
        for routes in self._scoring.values():
            routes.use(release)
        self.metrics.models(release)
        simulated = sorted({each.about.model for each in release.champions.values() if each.simulated})
        self._common = list(SECURITY_HEADERS)
        if simulated:
            self._common.append((b"x-trained-on-simulated-data", ", ".join(simulated).encode()))
        told = [f"{_named(each)} ({each.origin} data)" for each in release.models]
        _log.info("Models in use: %s", ", ".join(told))

    def _make_routes(self, release: LoadedRelease) -> dict[str, Route]:
        families = described_families([each.family for each in release.champions.values()])
        document = describe_service(self.settings.largest_batch_rows, families)
        routes = {path: Route({"GET": self._health}, open_to_all=True) for path in PROBES}
        routes |= {
            "/metrics": Route({"GET": self._metrics}),
            "/v1/models": Route({"GET": self._models}),
            "/openapi.json": Route({"GET": fixed(json_response(document))}),
            "/schema.json": Route({"GET": fixed(json_response(client_schema("RiskScoring", document)))}),
            "/docs": Route({"GET": fixed(docs_page(document))}),
        }
        served = {family.model: family for family in families}
        for name, scoring in self._scoring.items():
            if name not in served:
                continue  # of a release that was in use before
            labels = LabelRoutes(served[name], self.settings, scoring.teller(release))
            for called in {name, shipped_name(name)}:
                routes[f"/v1/{called}/score"] = Route({"POST": scoring.score})
                routes[f"/v1/{called}/score_batch"] = Route({"POST": scoring.score_batch})
                routes[f"/v1/{called}/explain"] = Route({"POST": scoring.explain})
                routes[f"/v1/{called}/labels"] = Route({"POST": labels.store})
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
        for model, logs in self._logs.items():
            self.metrics.log(model, reduce(add, (log.stats for _, log in logs)))


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


def _named(model: LoadedModel) -> str:
    shadow = "'s shadow" if model.about.role == "challenger" else ""
    return f"{model.about.model}{shadow} {model.version}"
