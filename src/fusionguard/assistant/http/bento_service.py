"""``Assistant``, the second BentoML service: answers with sources over HTTP, and the console."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

import bentoml

from fusionguard.assistant.http.settings import PREFIX, limits, read_console_settings
from fusionguard.assistant.settings import read_settings
from fusionguard.errors import FusionGuardError
from fusionguard.home import find_home
from fusionguard.serving.guard import check_address
from fusionguard.serving.lifeline import follow_lifeline
from fusionguard.serving.logs import configure_logs, one_line_errors, wanted_format
from fusionguard.serving.request_metrics import share_counts
from fusionguard.serving.start_checks import check_start
from fusionguard.serving.supervisor import supervise
from fusionguard.serving.worker import Front, listening_hosts, use_guarded_protocol

KEYS_VARIABLE = "FUSIONGUARD_ASSISTANT_KEYS"

_log = logging.getLogger(__name__)


class AssistantService(bentoml.Service):  # type: ignore[misc]  # BentoML's own class is not typed
    """A BentoML service whose worker serves :class:`Front`."""

    def to_asgi(self, is_main: bool = True) -> Any:
        """Return what the worker serves."""
        follow_lifeline()
        settings = read_console_settings()
        configure_logs(settings.log_format)
        use_guarded_protocol(settings.body_seconds, settings.connections)
        return Front(_start, page="/console/")


class _Supervised:
    """What BentoML calls in its supervisor, before it starts the worker."""

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    def prepare() -> None:
        """Refuse to start with what cannot be served, and prepare for the worker."""
        with one_line_errors(wanted_format(f"{PREFIX}LOG_FORMAT")):
            settings = read_settings()
            form = read_console_settings().log_format
            configure_logs(form)
            check_start(limits(settings), host=settings.host, variable=KEYS_VARIABLE)
            supervise(form)


Assistant = AssistantService(
    name="Assistant",
    inner=_Supervised,
    config={"workers": 1, "metrics": {"enabled": False}, "logging": {"access": {"enabled": False}}},
)


async def _start() -> Any:
    share_counts()
    from fusionguard.assistant.http.app import AssistantApp

    settings = read_settings()
    for host in listening_hosts():
        check_address(host, limits(settings), KEYS_VARIABLE)
    app = AssistantApp(find_home(), settings, read_console_settings())

    def reload() -> None:
        try:
            app.reload()
        except FusionGuardError as error:
            _log.error("Not reloaded, the keys in use stay: %s", error)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    await app.start()
    return app
