"""The job's warning that it is about to end, for the step's process.

Slurm warns with USR1; a site that does not, sends TERM and kills some seconds later. Both become one USR1 here, which the step
may handle itself. A process that leaves before it is killed is not requeued: save, then wait.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType

_warned = threading.Event()


def listen() -> None:
    """Turn USR1 and TERM into :func:`warned`; a warning that came before counts."""
    signal.signal(signal.SIGUSR1, _on_warning)
    signal.signal(signal.SIGTERM, _on_end)
    file = os.environ.get("ZENML_SLURM_WARNING")
    if file and Path(file).exists():
        _warned.set()


def warned() -> bool:
    """Whether this job has been told that it will end soon."""
    return _warned.is_set()


def _on_warning(number: int, frame: FrameType | None) -> None:
    _warned.set()


def _on_end(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGUSR1)
