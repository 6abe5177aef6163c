"""What was measured, as plain numbers."""

from __future__ import annotations

from statistics import median

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine

CHECKPOINT_SECONDS = 3.0
"""The time between two periodic checkpoints here, so that some fall into a training of half a minute; 60 by default."""


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True)


class AddedSeconds(_Measured):
    """The same step in this process and as a job, by turns, in one run."""

    in_process: tuple[float, ...]
    as_job: tuple[float, ...]
    queued: tuple[float, ...]
    """Seconds of each job in Slurm's queue."""

    @property
    def added(self) -> float:
        """The median beyond queue time, against the median in-process."""
        beyond = [whole - waited for whole, waited in zip(self.as_job, self.queued, strict=True)]
        return median(beyond) - median(self.in_process)


class LostWork(_Measured):
    """One training that was taken away once."""

    trainer: str
    warned: bool
    point_seconds: float
    """A boosting round or an epoch, in the median."""
    lost_seconds: float
    """From the last saved state to the end of the attempt's work."""
    again: int
    """Rounds or epochs that were done twice."""
    bound_seconds: float
    """What the target allows: one round or epoch with a warning, the periodic checkpoint and one round without."""
    away_seconds: float
    """From the end of the work to the first round of the next attempt: queue, start, reading the rows."""


class Submissions(_Measured):
    """Jobs handed over one by one, and as one array."""

    jobs: int
    one_by_one_seconds: float
    array_seconds: float


class Polling(_Measured):
    """Commands that reached the controller while jobs ran and were watched."""

    jobs: int
    seconds: float
    calls: int

    @property
    def a_minute(self) -> float:
        """Calls a minute."""
        return self.calls * 60 / self.seconds


class HpcResults(_Measured):
    """All of it."""

    machine: Machine
    slurm: str
    added: AddedSeconds
    lost: tuple[LostWork, ...]
    submissions: Submissions
    polling: tuple[Polling, ...]
    seconds: float
