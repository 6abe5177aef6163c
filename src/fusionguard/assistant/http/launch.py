"""Starting the assistant on this machine: its index, its settings, and the command that becomes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from fusionguard.assistant.http.settings import PREFIX as CONSOLE_PREFIX
from fusionguard.assistant.http.settings import limits, read_console_settings
from fusionguard.assistant.settings import PREFIX, read_settings
from fusionguard.errors import UsageError
from fusionguard.home import Home
from fusionguard.serving.guard import check_address
from fusionguard.serving.launch import QUIET

SERVICE = "fusionguard.assistant.http.bento_service:Assistant"

OFFLINE = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_SSR_MODE": "False"}
"""Nothing of the console asks a server elsewhere."""

__all__ = ["CONSOLE_PREFIX", "OFFLINE", "SERVICE", "assistant_command"]


def assistant_command(
    home: Home, *, host: str, port: int, keys: Path | None, model: Path | None, environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of the service.

    Raises
    ------
    UsageError
        The address is not loopback and there are no keys, or a setting in ``environment`` is not what it must be.
    """
    if not 1 <= port <= 65535:
        raise UsageError(f"{port} is not a port.", "Choose one from 1 to 65535.")
    given = dict(environment) | QUIET | OFFLINE | {f"{PREFIX}HOST": host, "FUSIONGUARD_HOME": str(home.root)}
    for name, file in (("KEYS", keys), ("MODEL", model)):
        if file is not None:
            given[PREFIX + name] = str(file.resolve())
    read_console_settings(given)
    check_address(host, limits(read_settings(given)), f"{PREFIX}KEYS")
    given["BENTOML_HOME"] = environment.get("BENTOML_HOME") or str(home.state / "bentoml")
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", host, "--port", str(port)]
    return command, given
