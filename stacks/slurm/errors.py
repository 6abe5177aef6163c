"""What can go wrong between a step and its job: each error says what was wrong and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SlurmError(RuntimeError):
    """Base of every expected failure of the step operator."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class SettingsError(SlurmError):
    """Settings that Slurm, or this operator, does not accept; nothing was submitted."""


class CommandError(SlurmError):
    """A Slurm command that failed, or did not answer in time."""

    def __init__(self, what: str, remedy: str = "", *, unreachable: bool = False) -> None:
        super().__init__(what, remedy)
        self.unreachable = unreachable
        """The controller may answer later."""


class JobError(SlurmError):
    """A job that did not end well; ``state`` is Slurm's word for how it ended."""

    def __init__(self, what: str, remedy: str = "", *, job: int, state: str) -> None:
        super().__init__(what, remedy)
        self.job = job
        self.state = state


def did_you_mean(given: str, choices: Iterable[str]) -> str:
    """Return a question that names the choice most like what was given, with a blank behind it, or nothing where none is near."""
    close = difflib.get_close_matches(str(given), list(choices), n=1)
    return f"Did you mean '{close[0]}'? " if close else ""
