"""Helpers: one array of jobs that run a step's function beside the step proper, for a step that shares its work in a folder.

Nothing depends on them: a step whose helpers cannot be submitted, fail or are preempted ends as it would without any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .client import SlurmClient
from .directives import array_options
from .errors import SlurmError
from .folder import JobFolder, JobRecord
from .log_tail import last_lines
from .poll import Poll
from .settings import SlurmSettings
from .states import MAY_COME_BACK, JobState
from .submission import submit

_PATIENCE_SECONDS = 30.0
"""The step proper is not watched while its helpers are submitted."""
_TAIL_LINES = 10
HELPER_VARIABLE = "ZENML_SLURM_HELPER"
"""Which helper a process is, from 1; not set in the step proper."""
SHARED_VARIABLE = "ZENML_SLURM_SHARED"
"""The folder that the step proper and its helpers have in common; it outlives requeues and a resumed run."""


class Helpers:
    """The helpers of the step whose job has ``folder``; each has a folder of its own in it, ``helpers/<number>``."""

    def __init__(
        self, folder: JobFolder, client: SlurmClient, poll: Poll, *, say: Callable[[str], None], log: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._array = folder.helpers
        self._client = client
        self._poll = poll
        self._say = say
        self._log = log
        self._record = self._array.record()
        self._seen_query = 0
        self._suspects: dict[int, str] = {}
        self._finished: set[int] = set()
        self._failed: set[int] = set()

    def submit(
        self,
        settings: SlurmSettings,
        options: Sequence[str],
        *,
        command: Sequence[str],
        setup: Sequence[str],
        environment: Mapping[str, str],
        checkpoint_variable: str,
        patience_seconds: float,
    ) -> None:
        """Submit ``settings.helpers`` jobs like the step's own, which ``options`` describe; a refusal is said, not raised."""
        step = self._folder.record()
        if not settings.helpers or step is None:
            return
        words = array_options(options, self._array.path, settings.helpers, settings.helpers_at_once)
        try:
            for number in range(1, settings.helpers + 1):
                own = self._array.task(number)
                variables = {HELPER_VARIABLE: str(number), checkpoint_variable: str(own.checkpoints)}
                variables["ZENML_SLURM_USAGE"] = str(own.usage)
                own.prepare(command=command, setup=setup, environment={**environment, **variables})
            submit(
                self._client,
                words,
                self._array,
                patience_seconds=min(patience_seconds, _PATIENCE_SECONDS),
                record=lambda job: self._note(replace(step, job=job, options=tuple(words), submitted=time.time())),
            )
        except (SlurmError, OSError) as error:
            self._array.remove_secrets()
            self._say(f"no helpers: {error} The step goes on without them.")
            return
        bound = f", at most {settings.helpers_at_once} at once" if settings.helpers_at_once else ""
        self._say(f"{settings.helpers} helper{'s' if settings.helpers > 1 else ''} submitted as job array {self.job}{bound}")

    @property
    def job(self) -> int | None:
        """The array's job id; None where there are no helpers."""
        return self._record.job if self._record else None

    def look(self) -> None:
        """Say which helpers have failed since the last time; does nothing until the controller has been asked once more."""
        if self._record is None:
            return
        self._poll.watch(self._record.job)
        state, query = self._poll.state(self._record.job)
        if query == self._seen_query:
            return
        self._seen_query = query
        for number in self._at_work():
            self._judge(number, state.tasks.get(number) if state else None)

    def end(self) -> None:
        """Cancel those that are still there, and remove what is secret."""
        if self._record is not None:
            state, _ = self._poll.state(self._record.job)
            for number in self._at_work():
                self._judge(number, state.tasks.get(number) if state else None, last=True)
            self._poll.forget(self._record.job)
            if self._at_work():
                self.cancel()
        self._array.remove_secrets()

    def cancel(self) -> None:
        """Cancel all of them, from any process."""
        if self._record is not None:
            try:
                self._client.cancel([self._record.job], at_once=True)
            except SlurmError as error:
                self._say(f"the helpers (job array {self._record.job}) could not be cancelled: {error}")
        self._array.remove_secrets()

    def facts(self) -> dict[str, str | int | float]:
        """Return the array's job id and how many helpers there were, began, finished and failed; nothing without helpers.

        Those that the end of the step found at work, or waiting, are neither finished nor failed.
        """
        if self._record is None:
            return {}
        return {
            "slurm_helpers_job": self._record.job,
            "slurm_helpers": len(self._numbers()),
            "slurm_helpers_begun": sum(bool(self._array.task(number).attempts()) for number in self._numbers()),
            "slurm_helpers_finished": len(self._finished),
            "slurm_helpers_failed": len(self._failed),
        }

    def _judge(self, number: int, state: JobState | None, *, last: bool = False) -> None:
        """Find out whether a helper is over: by its own word, else by Slurm's, which counts when it is given twice."""
        status = self._array.task(number).exit_status()
        if status == 0:
            self._finished.add(number)
        elif status is not None and status <= 128:
            self._fail(number, f"failed with status {status}")
        elif state is not None and state.is_final:
            sure = state.state not in MAY_COME_BACK | {"COMPLETED"} if last else self._suspects.get(number) == state.state
            self._suspects[number] = state.state
            if sure:
                self._fail(number, f"ended as {state.state}")
        else:
            self._suspects.pop(number, None)

    def _fail(self, number: int, how: str) -> None:
        self._failed.add(number)
        own = self._array.task(number)
        self._say(f"helper {number} (job {self.job}_{number}) {how}; the step goes on without it. Its log: {own.log}")
        for line in last_lines(own.log, _TAIL_LINES):
            self._log(f"helper {number}: {line}")

    def _note(self, record: JobRecord) -> None:
        self._array.write_record(record)
        self._record = record

    def _at_work(self) -> list[int]:
        return [number for number in self._numbers() if number not in self._finished | self._failed]

    def _numbers(self) -> list[int]:
        return sorted(int(path.name) for path in self._array.path.glob("*") if path.name.isdigit())


def shared_folder(folder: Path) -> dict[str, str]:
    """Return the variable that names the folder a step shares with its helpers."""
    return {SHARED_VARIABLE: str(folder)}
