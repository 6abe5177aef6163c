"""How this process talks to ZenML: quiet, offline, without loading libraries that no step of ours needs."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from fusionguard.files import locked, storage_errors
from fusionguard.library_logs import hear_libraries

if TYPE_CHECKING:
    from zenml.client import Client

SOURCE_ROOT = Path(__file__).resolve().parents[1] / "src"
"""What ZenML takes for the root of module names. Were it the checkout, an editable install of ``fusionguard`` would be
recorded as ``src.fusionguard`` and imported a second time under that name; modules outside keep the names they were
imported by."""

_SQLITE = "sqlite:///"
_log = logging.getLogger(__name__)

_ACTIVE_STACK = "ZENML_ACTIVE_STACK_ID"
_ENVIRONMENT = {
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_LOGGING_VERBOSITY": "CRITICAL",
    "ZENML_LOGGING_COLORS_DISABLED": "true",
    "ZENML_DISABLE_STEP_NAMES_IN_LOGS": "true",
    "ZENML_CUSTOM_SOURCE_ROOT": str(SOURCE_ROOT),
    "AUTO_OPEN_DASHBOARD": "false",
}


def prepare_environment() -> None:
    """Set ZenML's variables for this process; ZenML reads them when it is imported. What the user has set stays."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def open_client() -> Client:
    """Return ZenML's client, its store ready.

    ZenML imports every integration whose library is installed (PyTorch, SHAP and more: 3 to 5 s) each time it compiles a
    pipeline, to learn about materializers. All of ours are named by the steps, so integrations stay out of this process.
    """
    prepare_environment()
    with zenml_locked():  # two first runs at once would both create the store, and one of them fail
        from opentelemetry.instrumentation.logging.handler import LoggingHandler
        from zenml import __version__ as zenml_version
        from zenml.client import Client
        from zenml.integrations.registry import integration_registry
        from zenml.logger import ZenMLConsoleHandler

        _quieten(ZenMLConsoleHandler)
        before = _store_version()
        client = Client()
        client.zen_store  # noqa: B018  (opens the store: a fresh one is created here)
        after = _store_version()
    if before != after and before is not None:
        told = "ZenML's database was brought to the version of ZenML %s; earlier ones can no longer read it."
        _log.warning(told, zenml_version)
    integration_registry.activate_integrations = lambda: None  # type: ignore[method-assign]
    # A step's log is whole when the step ends. The handler would flush once more at the interpreter's end, in a new thread, and
    # Python 3.12 starts none then: each run would end with a traceback.
    LoggingHandler.flushOnClose = False
    return client


def _quieten(console: type[logging.Handler]) -> None:
    """Keep what libraries log for the steps' logs, which the dashboard shows, and for whoever listens on the root logger."""
    hear_libraries()
    for handler in logging.getLogger().handlers:
        if isinstance(handler, console):
            handler.setLevel(logging.CRITICAL)


def _store_version() -> str | None:
    """Return the revision of ZenML's database where it is a file; opening it says what is wrong with one that cannot be read."""
    from zenml.config.global_config import GlobalConfiguration

    file = Path(GlobalConfiguration().store_configuration.url.removeprefix(_SQLITE))
    if not file.is_file():
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    return None


@contextmanager
def zenml_locked() -> Iterator[None]:
    """Keep other processes of ours that use the same ZenML configuration waiting."""
    import click

    folder = Path(os.environ.get("ZENML_CONFIG_PATH") or click.get_app_dir("zenml"))
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        yield


@contextmanager
def active_stack(identity: UUID) -> Iterator[None]:
    """Use a stack in this process only; the stack the user has set for the ``zenml`` command stays as it is."""
    before = os.environ.get(_ACTIVE_STACK)
    os.environ[_ACTIVE_STACK] = str(identity)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ACTIVE_STACK]
        else:
            os.environ[_ACTIVE_STACK] = before
