"""Starting the assistant on this machine: its index, its settings, and the command that becomes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from fusionguard.assistant.http.settings import PREFIX as CONSOLE_PREFIX
from fusionguard.assistant.http.settings import limits, read_console_settings
from fusionguard.assistant.settings import PREFIX, language_model, read_settings
from fusionguard.home import Home
from fusionguard.serving.launch import QUIET, check_settings
from fusionguard.serving.logs import LogFormat
from fusionguard.serving.start_checks import as_address, check_folder

SERVICE = "fusionguard.assistant.http.bento_service:Assistant"

OFFLINE = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_SSR_MODE": "False"}
"""Nothing of the console asks a server elsewhere."""

__all__ = ["CONSOLE_PREFIX", "OFFLINE", "SERVICE", "assistant_command"]


def assistant_command(
    home: Home,
    *,
    host: str,
    port: int,
    keys: Path | None,
    model: Path | None,
    environment: Mapping[str, str],
    log_format: LogFormat | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of the service. What can be known before it starts is looked at; nothing is written.

    Raises
    ------
    UsageError
        Nobody can listen there; the address is not loopback and there are no keys, or they cannot be read; there is no such
        language model; or a setting in ``environment`` is not what it must be.
    StorageError
        The index or BentoML's files could not be written where they are to be.
    """
    host = as_address(host)
    given = dict(environment) | QUIET | OFFLINE | {f"{PREFIX}HOST": host, "FUSIONGUARD_HOME": str(home.root)}
    for name, file in (("KEYS", keys), ("MODEL", model)):
        if file is not None:
            given[PREFIX + name] = str(file.resolve())
    if log_format is not None:
        given[CONSOLE_PREFIX + "LOG_FORMAT"] = log_format
    given["BENTOML_HOME"] = environment.get("BENTOML_HOME") or str(home.state / "bentoml")
    read_console_settings(given)
    settings = read_settings(given)
    check_settings(host, port, limits(settings), f"{PREFIX}KEYS")
    language_model(settings)
    for folder in (Path(given["BENTOML_HOME"]), (settings.index or home.assistant_index).parent):
        check_folder(folder)
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", host, "--port", str(port)]
    return command, given
