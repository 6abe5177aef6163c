"""``RiskScoring``, the BentoML service: BentoML packs it, starts its workers and watches over them; the application answers.

BentoML's own HTTP layer (tracing, metrics and access log around each request) costs 200 us of CPU a request where the rest of
the service needs less, and its descriptors take the string "1.5" for a number. So requests go straight to the application.
"""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import bentoml

from fusionguard.serving.client_schema import client_schema
from fusionguard.serving.guard import check_address
from fusionguard.serving.lifeline import follow_lifeline
from fusionguard.serving.logs import configure_logs, one_line_errors, wanted_format
from fusionguard.serving.openapi import describe_service, described_families
from fusionguard.serving.own_releases import hold_release
from fusionguard.serving.release import check_release, released_families
from fusionguard.serving.request_metrics import share_counts
from fusionguard.serving.settings import PREFIX, read_settings
from fusionguard.serving.start_checks import check_start
from fusionguard.serving.supervisor import supervise
from fusionguard.serving.worker import Front, listening_hosts, use_guarded_protocol

_FORM = wanted_format(f"{PREFIX}LOG_FORMAT")


class RiskService(bentoml.Service):  # type: ignore[misc]  # BentoML's own class is not typed
    """A BentoML service whose workers serve :class:`Front`."""

    def to_asgi(self, is_main: bool = True) -> Any:
        """Return what a worker serves; BentoML starts Uvicorn right after, with the protocol set here."""
        follow_lifeline()
        settings = read_settings()
        configure_logs(settings.log_format)
        use_guarded_protocol(settings.body_seconds, settings.connections)
        return Front(_start)

    @property
    def openapi_spec(self) -> Any:
        """Return the routes that the application answers, for ``apis/openapi.yaml`` of a Bento."""
        return json.loads(json.dumps(self._document()))  # else YAML writes aliases for parts that occur twice

    def schema(self) -> dict[str, Any]:
        """Return what BentoML's client reads, for ``apis/schema.json`` of a Bento."""
        return client_schema(self.name, self._document())

    def _document(self) -> dict[str, Any]:
        settings = read_settings()
        return describe_service(settings.largest_batch_rows, described_families(released_families(settings.release)))


class _Supervised:
    """What BentoML calls in its supervisor, before it starts workers."""

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    def prepare() -> None:
        """Refuse to start with what cannot be served, and prepare for the workers."""
        with one_line_errors(_FORM):
            settings = read_settings()
            configure_logs(settings.log_format)
            check_start(settings, host=settings.host)
            check_release(settings.release)
            hold_release(settings.release)
            supervise(settings.log_format)


with one_line_errors(_FORM):
    RiskScoring = RiskService(
        name="RiskScoring",
        inner=_Supervised,
        config={"workers": read_settings().workers, "metrics": {"enabled": False}, "logging": {"access": {"enabled": False}}},
    )


async def _start() -> Any:
    share_counts()
    from fusionguard.serving.app import RiskApp

    settings = read_settings()
    for host in listening_hosts():
        check_address(host, settings)
    app = RiskApp(settings)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(app.reload()))
    await app.start()
    return app
