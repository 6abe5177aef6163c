"""How a process of large libraries looks for garbage among all that they bring, and how it ends; either takes seconds else."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

_LOOKS_BETWEEN = 1000
"""Collections of the middle generation between two of everything; 10 is Python's own."""


def collect_seldom() -> None:
    """Collect young garbage as ever, but hardly ever look through everything; call it before large libraries load.

    What libraries bring stays for good, and Python goes through all of it a score of times while they are imported.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _LOOKS_BETWEEN)


def leave(status: int) -> NoReturn:
    """End the process as Python would, but without looking for garbage again and taking every module apart."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as Python does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the pipe, or the stream, may be closed
            stream.flush()
    os._exit(status)
