"""The job's warning that it is about to end, for the step's process.

Slurm warns with USR1; a site that does not, sends TERM and kills some seconds later. Both become one USR1 here, which the step
may handle itself. A process that leaves before it is killed is not queued again: save, then wait.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType

_received: list[int] = []
"""The signals that warned: a handler may only append. It runs between any two instructions, those of another handler among them,
and would wait for ever for a lock that the one below it holds, as an event's."""


def ignore_end() -> None:
    """Turn TERM into USR1, and take USR1 as a warning; called before anything slow is imported."""
    signal.signal(signal.SIGUSR1, _on_warning)
    signal.signal(signal.SIGTERM, _on_end)


def listen(listener: str | None) -> None:
    """Let the project's own function (``module.function``) prepare for USR1; a warning that came before is given once more."""
    if listener:
        module, _, function = listener.rpartition(".")
        getattr(import_module(module), function)()
        theirs = signal.getsignal(signal.SIGUSR1)

        def both(number: int, frame: FrameType | None) -> None:
            _on_warning(number, frame)
            if callable(theirs) and theirs is not _on_warning:
                theirs(number, frame)

        signal.signal(signal.SIGUSR1, both)
    file = os.environ.get("ZENML_SLURM_WARNING")
    if _received or (file and Path(file).exists()):
        signal.raise_signal(signal.SIGUSR1)


def warned() -> bool:
    """Whether this job has been told that it will end soon; always False outside of jobs."""
    return bool(_received)


def _on_warning(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    if len(_received) == 1:
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"slurm: warned that this job will end soon\n")


def _on_end(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGUSR1)
