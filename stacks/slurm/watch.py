"""Watching one job to its end: its log, its states, its second chances."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from .beside import pause
from .client import SlurmClient
from .config import SlurmStepOperatorConfig
from .errors import CommandError, JobError, SlurmError
from .folder import JobFolder, JobRecord
from .log_tail import LogTail, last_lines
from .poll import Poll
from .states import MAY_COME_BACK, NEVER_STARTS, NODE_FAILURES, OUT_OF_MEMORY_MARKS, JobState

_LOOK_SECONDS = 0.2
_SETTLE_SECONDS = 10.0
"""How long a network file system may take to show what a job wrote last."""


@dataclass(frozen=True)
class JobEnd:
    """How a job ended: the step's exit status, and Slurm's word."""

    exit_status: int
    state: str
    restarts: int


@dataclass(frozen=True)
class _SecondChance:
    """An end after which a job is submitted again, a limited number of times."""

    state: str
    setting: str
    happened: str
    remedy: str

    def limit(self, config: SlurmStepOperatorConfig) -> int:
        return int(getattr(config, self.setting))


_SECOND_CHANCES = (
    _SecondChance("PREEMPTED", "preemption_limit", "was preempted", "Run it again; finished steps are kept."),
    _SecondChance(
        "TIMEOUT", "timeout_limit", "ran out of time", "Give it more with time:, or run it again: checkpoints are kept."
    ),
    _SecondChance("NODE_FAIL", "node_failure_limit", "lost its node", "Run it again; finished steps are kept."),
)


class JobWatch:
    """Watches the job of one folder; :meth:`until_end` returns when its step ended, or raises :class:`JobError`."""

    def __init__(
        self,
        folder: JobFolder,
        record: JobRecord,
        config: SlurmStepOperatorConfig,
        client: SlurmClient,
        poll: Poll,
        *,
        submit: Callable[[Callable[[int], None], int], None],
        say: Callable[[str], None],
        log: Callable[[str], None],
        beside: Callable[[], None],
        queue_hours: float | None = None,
    ) -> None:
        self.record = record
        self._folder = folder
        self._config = config
        self._client = client
        self._poll = poll
        self._submit = submit
        self._say = say
        self._log = log
        self._beside = beside
        self._queue_hours = queue_hours
        self._tail = LogTail(folder.log)
        self._left = {each.state: each.limit(config) for each in _SECOND_CHANCES}
        self._said = ""
        self._log_lost = False
        self._waits_since = record.submitted
        self._silence_said = False

    def until_end(self) -> JobEnd:
        """Return how the step's process ended."""
        self._poll.watch(self.record.job)
        try:
            while True:
                end = self._one_job()
                if end is not None:
                    self._stream(last=True)
                    return end
        except SlurmError:
            self._stream(last=True)
            raise
        finally:
            self._poll.forget(self.record.job)

    def _one_job(self) -> JobEnd | None:
        """Watch the present job; None where it was submitted again."""
        final: JobState | None = None
        final_since, final_query, unknown_query, unknown_count = 0.0, 0, 0, 0
        while True:
            self._stream()
            status = self._folder.exit_status()
            if status is not None and status <= 128:
                return JobEnd(status, "COMPLETED" if status == 0 else "FAILED", self.restarts())
            state, query = self._poll.state(self.record.job)
            self._check_silence()
            self._beside()
            if state is None:
                if query > unknown_query:
                    unknown_query, unknown_count = query, unknown_count + 1
                if unknown_count >= 3:
                    return self._forgotten(status)
            elif state.is_final:
                if final is None or final.state != state.state:
                    final, final_since, final_query = state, time.monotonic(), query
                settled = time.monotonic() - final_since >= _SETTLE_SECONDS and query > final_query
                wait_for_more = state.state in MAY_COME_BACK or (status is None and state.state in {"COMPLETED", "FAILED"})
                if settled or not wait_for_more:
                    return self._after(state, status)
            else:
                final, unknown_count = None, 0
                self._tell(state)
                self._check_start(state)
            pause(_LOOK_SECONDS)

    def restarts(self) -> int:
        """How often the step began anew: requeues and submissions."""
        return max(0, len(self._folder.attempts()) - 1)

    def _after(self, state: JobState, status: int | None) -> JobEnd | None:
        """Decide what the final state means; None where the job was submitted again."""
        kind = "NODE_FAIL" if state.state in NODE_FAILURES else state.state
        job = f"Job {self.record.job} of step '{self.record.step}'"
        chance = next((each for each in _SECOND_CHANCES if each.state == kind), None)
        if chance is not None:
            if self._left[kind] > 0:
                self._left[kind] -= 1
                self._again(f"job {self.record.job} {chance.happened}")
                return None
            raise self._error(f"{job} {chance.happened}, once more than {chance.setting} allows.", chance.remedy, state.state)
        if kind == "OUT_OF_MEMORY" or (kind in {"FAILED", "CANCELLED"} and self._log_tells_of_memory()):
            raise self._error(
                f"{job} ran out of memory.", "Ask for more in ResourceSettings, such as memory: 16GB.", "OUT_OF_MEMORY"
            )
        if kind == "CANCELLED":
            raise self._error(f"{job} was cancelled from outside.", "Run it again; finished steps are kept.", kind)
        if status is None:  # a full disk, say: the job could not leave its word
            status = 0 if kind == "COMPLETED" else 1
        return JobEnd(status, kind, self.restarts())

    def _log_tells_of_memory(self) -> bool:
        lines = " ".join(line for line in last_lines(self._folder.log) if line.startswith("slurmstepd")).lower()
        return any(mark in lines for mark in OUT_OF_MEMORY_MARKS)

    def _again(self, why: str) -> None:
        """Submit the same folder once more: the step goes on from its checkpoints."""
        self._folder.forget_exit()
        self._poll.forget(self.record.job)
        self._submit(self._record_again, self.record.job)
        self._waits_since = time.time()
        self._poll.watch(self.record.job)
        self._say(f"{why}: submitted again as job {self.record.job}")

    def _record_again(self, job: int) -> None:
        self.record = replace(self.record, job=job, submitted=time.time(), earlier=(*self.record.earlier, self.record.job))
        self._folder.write_record(self.record)

    def _forgotten(self, status: int | None) -> JobEnd:
        """The controller does not know the job any more: the accounting may, and the job's own files do."""
        accounted = self._client.accounting(self.record.job)
        if accounted:
            end = self._after(JobState(self.record.job, accounted[0]["State"].split()[0]), status)
            if end is not None:
                return end
            return self.until_end()
        if status is not None:
            return JobEnd(status, "COMPLETED" if status == 0 else "FAILED", self.restarts())
        raise self._error(
            f"Slurm does not know job {self.record.job} of step '{self.record.step}' any more, and the job left no word.",
            f"See {self._folder.log}.",
            "UNKNOWN",
        )

    def _tell(self, state: JobState) -> None:
        """Say what changed."""
        job, attempts = self.record.job, len(self._folder.attempts())
        if state.is_pending and self._said.startswith("run"):
            self._waits_since = time.time()
            self._say(f"job {job} was interrupted and is queued again")
        reason = "" if state.reason == "None" else state.reason
        key = f"{'wait' if state.is_pending else 'run'} {reason if state.is_pending else state.nodes} {attempts}"
        if key == self._said or state.state == "COMPLETING":
            return
        if state.is_pending:
            if reason:
                self._say(f"job {job} waits: {reason}")
        elif state.state == "RUNNING" and not self._said.startswith("run"):
            self._say(f"job {job} runs on {state.nodes or 'a node'}")
        self._said = key

    def _check_start(self, state: JobState) -> None:
        if not state.is_pending:
            return
        if state.reason in NEVER_STARTS:
            raise self._error(
                f"Job {self.record.job} of step '{self.record.step}' can never start: {state.reason}.",
                "Check partition, time and resources against what the site offers (sinfo, sacctmgr show qos).",
                "PENDING",
            )
        waited = (time.time() - self._waits_since) / 3600
        if self._queue_hours is not None and waited > self._queue_hours:
            raise self._error(
                f"Job {self.record.job} of step '{self.record.step}' did not start within queue_hours={self._queue_hours:g}"
                f" ({state.reason}).",
                "Ask for less, or wait longer.",
                "PENDING",
            )

    def _check_silence(self) -> None:
        silent = self._poll.silent_seconds
        if silent > self._config.patience_seconds:
            raise CommandError(f"Slurm's controller has not answered for {silent:.0f} s.", unreachable=True)
        if silent > 0 and not self._silence_said:
            self._say("Slurm's controller does not answer; the job may well run on")
        self._silence_said = silent > 0

    def _stream(self, *, last: bool = False) -> None:
        for line in self._tail.lines(last=last):
            self._log(line)
        if self._tail.was_lost and not self._log_lost:
            self._log_lost = True
            self._say(f"the log of job {self.record.job} was removed; what it said before is kept in the step's log")

    def _error(self, what: str, remedy: str, state: str) -> JobError:
        return JobError(what, remedy, job=self.record.job, state=state)
