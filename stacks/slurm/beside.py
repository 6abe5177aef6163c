"""A step that is at work beside others, in a thread of its own: when its job is in the queue, and that it is to stop."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event

from zenml.steps import StepHeartBeatTerminationException


class StoppedError(StepHeartBeatTerminationException):
    """The step was told to stop; of this one exception ZenML knows that the step is stopped then, and did not fail."""


@dataclass(frozen=True)
class Reins:
    """What the orchestrator holds of a step in another thread."""

    submitted: Event = field(default_factory=Event)
    """Set when the step's job is in the queue."""
    _stop: Event = field(default_factory=Event)
    _why: list[str] = field(default_factory=list)

    def stop(self, why: str) -> None:
        """Let the step end soon: :func:`pause` raises in its thread."""
        self._why.append(why)
        self._stop.set()

    def pause(self, seconds: float) -> None:
        """Wait; see :func:`pause`."""
        if self._stop.wait(seconds):
            raise StoppedError(self._why[0])


REINS: ContextVar[Reins | None] = ContextVar("slurm_reins", default=None)
"""Of the step that this context is about; None where it runs in the main thread, which exceptions can reach."""


def pause(seconds: float) -> None:
    """Sleep, or raise :class:`StoppedError` as soon as the step at work here is to stop."""
    reins = REINS.get()
    if reins is None:
        time.sleep(seconds)
    else:
        reins.pause(seconds)


def is_submitted() -> None:
    """Tell whoever holds the reins that the step's job is in the queue."""
    reins = REINS.get()
    if reins is not None:
        reins.submitted.set()
