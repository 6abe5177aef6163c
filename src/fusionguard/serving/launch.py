"""Starting the service on this machine: the settings a child process gets, and the command that becomes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from fusionguard.errors import BundleError, UsageError
from fusionguard.extras import BASE, require_extra
from fusionguard.home import Home
from fusionguard.serving.guard import GuardSettings, check_address
from fusionguard.serving.keys import read_keys
from fusionguard.serving.logs import LogFormat
from fusionguard.serving.release import check_release
from fusionguard.serving.settings import PREFIX, ServeSettings, read_settings
from fusionguard.serving.start_checks import as_address, check_folder, check_listening

SERVICE = "fusionguard.serving.service:RiskScoring"

QUIET = {
    "BENTOML_DO_NOT_TRACK": "true",
    "OTEL_SDK_DISABLED": "true",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""No usage statistics leave the machine, nothing is traced, and waiting threads leave the cores to others."""


def release_folder(home: Home, port: int | None = None) -> Path:
    """Return where ``fusionguard serve`` keeps the release it answers with.

    It is the home's own, which promotions and ``fusionguard release`` renew, or that of the service on ``port``, which was
    told what to answer with and is not changed by what becomes of the others.
    """
    return home.state / "serving" / ("release" if port is None else f"release-{port}")


def serve_command(
    home: Home,
    *,
    release: Path,
    host: str,
    port: int,
    workers: int,
    keys: Path | None,
    environment: Mapping[str, str],
    log_format: LogFormat | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of the service that answers with ``release``, or with the environment's.

    All that can be known before it starts is looked at here, and nothing is written.

    Raises
    ------
    MissingExtraError
        A package that it needs is not installed.
    UsageError
        Nobody can listen there; the address is not loopback and there are no keys, or they cannot be read; or a setting in
        ``environment`` is not what it must be.
    StorageError
        The release, the prediction log or BentoML's files could not be written where they are to be.
    BundleError
        The release that ``environment`` names is not whole.
    """
    require_extra(BASE, "The service")
    host = as_address(host)
    chosen = {"RELEASE": str(release), "LOG": str(home.predictions), "STATE": home.online}
    given = {PREFIX + name: value for name, value in chosen.items()} | dict(environment) | QUIET
    given |= {PREFIX + "HOST": host, PREFIX + "WORKERS": str(workers)}
    if keys is not None:
        given[PREFIX + "KEYS"] = str(keys.resolve())
    if log_format is not None:
        given[PREFIX + "LOG_FORMAT"] = log_format
    given["BENTOML_HOME"] = environment.get("BENTOML_HOME") or str(home.state / "bentoml")
    settings = read_settings(given)
    check_settings(host, port, settings, f"{PREFIX}KEYS")
    if settings.release.absolute() == release.absolute():
        check_folder(release.parent)
    else:
        check_release(settings.release)
    for folder in (Path(given["BENTOML_HOME"]), settings.log):
        if folder is not None:
            check_folder(folder)
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", host, "--port", str(port)]
    return command, given


def check_settings(host: str, port: int, settings: GuardSettings, variable: str) -> None:
    """Look at who may ask and where a service is to listen; raises :class:`UsageError`."""
    check_address(host, settings, variable)
    if settings.keys is not None:
        read_keys(settings.keys)
    if not 1 <= port <= 65535:
        raise UsageError(f"{port} is not a port.", "Choose one from 1 to 65535.")
    check_listening(host, port)


def rehearse(settings: ServeSettings, release: Path) -> None:
    """Start what a worker starts, with a release that has not taken its place yet and without a log, and end it.

    Raises
    ------
    BundleError
        It does not start with this release.
    """
    import asyncio

    from fusionguard.serving.worker import reason

    async def start_and_stop() -> None:
        from fusionguard.serving.app import RiskApp

        app = RiskApp(settings.model_copy(update={"release": release, "log": None}))
        await app.start()
        await app.stop()

    try:
        asyncio.run(start_and_stop())
    except Exception as error:  # also what nobody foresaw, such as a library that is damaged
        told = reason(error).replace(str(release), str(settings.release))
        raise BundleError(f"No worker could start: {told}", "The release in use is as it was.") from error


def become(command: list[str], environment: dict[str, str]) -> None:
    """Become another program: signals and exit status are its own."""
    os.execvpe(command[0], command, environment)
