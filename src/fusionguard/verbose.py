"""Whether somebody asked to hear what libraries log: ``--verbose``, which the processes that are started hear of, too."""

from __future__ import annotations

import os

VARIABLE = "FUSIONGUARD_VERBOSE"


def be_verbose() -> None:
    """Let this process, and those it starts, show what libraries log; call it before these are imported."""
    os.environ[VARIABLE] = "1"


def is_verbose() -> bool:
    """Tell whether libraries' own logs are asked for."""
    return os.environ.get(VARIABLE, "") not in ("", "0")
