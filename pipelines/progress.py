"""What a person sees while a run is on its way: one line a step, and on a terminal a clock for the step at work."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.status import Status


class Progress(Protocol):
    """Hears about each step of a run."""

    def started(self, number: int, total: int, name: str) -> None:
        """Step ``number`` of ``total`` begins."""

    def finished(self, number: int, total: int, name: str, *, seconds: float, rows: int | None, note: str = "") -> None:
        """It ended well after ``seconds``; ``rows`` is the length of the table it made, ``note`` says if it was cached."""

    def note(self, text: str) -> None:
        """A step has something to say."""

    def stopping(self, text: str) -> None:
        """Somebody asked the run to stop; a signal's handler says so."""

    def close(self) -> None:
        """The run is over, or failed."""


class SilentProgress:
    """Says nothing."""

    def started(self, number: int, total: int, name: str) -> None:
        """Say nothing."""

    def finished(self, number: int, total: int, name: str, *, seconds: float, rows: int | None, note: str = "") -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def stopping(self, text: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class LineProgress:
    """One line a finished step on standard error; a terminal also shows which step is at work."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console  # not at the top: a usage error shows no progress

        # ZenML puts its own writer around sys.stderr while a step runs, to keep the step's log.
        self._console = Console(file=stream or sys.__stderr__, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._at_work: dict[int, str] = {}
        self._lock = threading.Lock()  # steps whose jobs are in the queue together are heard of from threads of their own

    def started(self, number: int, total: int, name: str) -> None:
        """Show the step at work, on a terminal."""
        with self._lock:
            self._at_work[number] = f"{_place(number, total)} {name}"
            self._show()

    def finished(self, number: int, total: int, name: str, *, seconds: float, rows: int | None, note: str = "") -> None:
        """Print the step's line."""
        size = f"{rows:>12,} rows" if rows is not None else ""
        time = note.rjust(8) if note else f"{seconds:6.1f} s"
        with self._lock:
            self._at_work.pop(number, None)
            self._hide()
            self._console.print(f"{_place(number, total)} {name:<22}{time}{size}".rstrip())
            self._show()

    def note(self, text: str) -> None:
        """Print the text under the steps' lines."""
        self._console.print(f"        {text}", style="dim", markup=False)

    def stopping(self, text: str) -> None:
        """Write the line past all locks, for what the signal interrupted may hold one."""
        with suppress(OSError, ValueError):
            os.write(self._console.file.fileno(), f"\r{text}\n".encode())

    def close(self) -> None:
        """Take the clock away."""
        with self._lock:
            self._at_work.clear()
            self._hide()

    def _show(self) -> None:
        if not self._console.is_terminal or not self._at_work:
            return
        text = f"{'  '.join(self._at_work.values())} …"
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def _hide(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


class ProgressHandler(logging.Handler):
    """Hands what the domain and the step operator log on to a :class:`Progress`, while it is entered."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.INFO)
        self._progress = progress
        self._loggers = [logging.getLogger(name) for name in ("fusionguard", "stacks", "zenml_slurm")]
        self._levels: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record on."""
        self._progress.note(record.getMessage())

    def __enter__(self) -> ProgressHandler:
        self._levels = [logger.level for logger in self._loggers]
        for logger in self._loggers:
            logger.addHandler(self)
            logger.setLevel(logging.INFO)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for logger, level in zip(self._loggers, self._levels, strict=True):
            logger.removeHandler(self)
            logger.setLevel(level)


def _place(number: int, total: int) -> str:
    return f"\\[{number:>2}/{total}]"
