"""Starting the service on this machine: the settings a child process gets, and the command that becomes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from fusionguard.errors import UsageError
from fusionguard.home import Home
from fusionguard.serving.guard import check_address
from fusionguard.serving.settings import PREFIX, read_settings

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
    home: Home, *, release: Path, host: str, port: int, workers: int, keys: Path | None, environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of the service that answers with ``release``, or with the environment's.

    Raises
    ------
    UsageError
        The address is not loopback and there are no keys, or a setting in ``environment`` is not what it must be.
    """
    if not 1 <= port <= 65535:
        raise UsageError(f"{port} is not a port.", "Choose one from 1 to 65535.")
    chosen = {"RELEASE": str(release), "LOG": str(home.predictions)}
    given = {PREFIX + name: value for name, value in chosen.items()} | dict(environment) | QUIET
    given |= {PREFIX + "HOST": host, PREFIX + "WORKERS": str(workers)}
    if keys is not None:
        given[PREFIX + "KEYS"] = str(keys.resolve())
    check_address(host, read_settings(given))
    given["BENTOML_HOME"] = environment.get("BENTOML_HOME") or str(home.state / "bentoml")
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", host, "--port", str(port)]
    return command, given


def become(command: list[str], environment: dict[str, str]) -> None:
    """Become another program: signals and exit status are its own."""
    os.execvpe(command[0], command, environment)
