"""A job's environment: a file of its own that nobody else may read, and that does not outlive the job."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from .config import check_variable

_OF_THE_USER = (
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "ZENML_CONFIG_PATH",
    "ZENML_ANALYTICS_OPT_IN",
    "ZENML_LOGGING_COLORS_DISABLED",
)


def of_the_user(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return who the user is; jobs inherit nothing else of the shell that submits them."""
    return {name: environment[name] for name in _OF_THE_USER if name in environment}


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """Write shell lines that export ``variables``, readable by the owner only from the first byte on."""
    lines = []
    for name, value in sorted(variables.items()):
        check_variable(name)
        if "\0" in value:
            raise ValueError(f"The variable {name} holds a NUL byte.")
        lines.append(f"export {name}={shlex.quote(value)}\n")
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
