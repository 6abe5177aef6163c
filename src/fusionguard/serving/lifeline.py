"""What ties a service's processes together: each ends when the one above it has ended, however that happened."""

from __future__ import annotations

import os
import signal
import threading
import time

VARIABLE = "FUSIONGUARD_LIFELINE"
"""The environment variable by which a process hands down the descriptor of its lifeline."""

GRACE_SECONDS = 30.0
"""What a process may take to answer what is at work and to write its log, once the one above it has ended."""


def open_lifeline() -> tuple[int, dict[str, str]]:
    """Let the processes that this one starts see its end: give them the descriptor and the variable that are returned.

    The descriptor is the reading end of a pipe that no other process can write to: the kernel closes it even after
    ``kill -9``, on Linux and on macOS, and a process that is started too late finds it closed.
    """
    reading, _ = os.pipe()  # the writing end stays open as long as this process lives, and is inherited by none
    os.set_inheritable(reading, True)
    return reading, {VARIABLE: str(reading)}


def follow_lifeline() -> None:
    """End this process in good order, as SIGTERM does, when the one that handed a lifeline down has ended."""
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is not None:
        threading.Thread(target=_follow, args=(int(descriptor),), name="lifeline", daemon=True).start()


def _follow(descriptor: int) -> None:
    os.read(descriptor, 1)  # nobody writes: it returns at the end of the process above
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
