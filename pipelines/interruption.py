"""Ctrl-C and SIGTERM: one exception for both, raised once, that no ``except Exception`` swallows."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class Interrupted(BaseException):
    """Somebody asked the run to stop; ``exit_status`` is the shell's convention, 128 plus the signal's number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number

    @property
    def exit_status(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal_number

    def __str__(self) -> str:
        return "Interrupted" if self.signal_number == signal.SIGINT else "Stopped by SIGTERM"


class InterruptionGuard:
    """While active, the first SIGINT or SIGTERM raises :class:`Interrupted`; later ones wait until cleaning up is done.

    ``say`` hears at once that it came; cleaning up may take some seconds.
    """

    def __init__(self, say: Callable[[str], None] = lambda line: None) -> None:
        self._say = say
        self._previous: dict[int, Any] = {}
        self._raised: Interrupted | None = None

    def __enter__(self) -> InterruptionGuard:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise again if an interruption was swallowed somewhere."""
        if self._raised is not None:
            raise self._raised

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._raised is None:
            self._raised = Interrupted(number)
            self._say("Stopping: jobs are cancelled and the run is closed. A second Ctrl-C changes nothing.")
            raise self._raised
