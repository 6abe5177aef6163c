"""Handing a job to Slurm exactly once, whether or not the controller answers."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .client import SlurmClient
from .errors import CommandError
from .folder import JOB_SCRIPT, JobFolder

_PAUSE_SECONDS = 5.0


def submit(client: SlurmClient, options: Sequence[str], folder: JobFolder, *, name: str, patience_seconds: float) -> int:
    """Submit the job of ``folder`` and return its id.

    ``name`` is the job's own, so that a submission whose answer got lost is found again instead of made twice.
    """
    begin = time.monotonic()
    while True:
        try:
            return client.submit(options, JOB_SCRIPT, str(folder.path))
        except CommandError as error:
            while True:
                if time.monotonic() - begin > patience_seconds:
                    raise error
                time.sleep(min(_PAUSE_SECONDS, patience_seconds / 10))
                try:
                    found = client.find(name)
                except CommandError:
                    continue
                break
            if found is not None:
                return found


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back for a moment: between a submission and its record they would lose a job."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
