"""Jobs as the step operator makes them, without ZenML around them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.measure import CHECKOUT
from stacks.slurm.client import SlurmClient
from stacks.slurm.config import SlurmStepOperatorConfig
from stacks.slurm.folder import JobFolder, JobRecord
from stacks.slurm.poll import Poll
from stacks.slurm.submission import submit
from stacks.slurm.watch import JobEnd, JobWatch


@dataclass
class Site:
    """One client of the cluster; all its jobs share one query, as those of a run do."""

    folder: Path
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        self.config = SlurmStepOperatorConfig(folder=str(self.folder))
        self.client = SlurmClient()
        self.poll = Poll(self.client, self.config.poll_seconds)
        self.run = uuid4()

    def submit(self, command: Sequence[str], *options: str, environment: Mapping[str, str] | None = None) -> JobWatch:
        """Hand a job over as the operator does and return its watch."""
        step = uuid4()
        folder = JobFolder.of(self.folder, self.run, step)
        variables = {**self.environment, "FUSIONGUARD_CHECKPOINTS": str(folder.checkpoints), **(environment or {})}
        folder.prepare(command=command, setup=(), environment=variables)
        words = [
            *options,
            "--parsable",
            f"--job-name=bench-{step.hex[:12]}",
            f"--output={folder.log}",
            "--open-mode=append",
            "--export=NIL",
            "--requeue",
            "--signal=B:USR1@60",
            "--time=30",
        ]
        self._hand_over(folder, words, step)
        record = folder.record()
        assert record is not None
        return JobWatch(
            folder,
            record,
            self.config,
            self.client,
            self.poll,
            submit=lambda note, after: submit(self.client, words, folder, patience_seconds=60, after=after, record=note),
            say=lambda text: None,
            log=lambda line: None,
            beside=lambda: None,
        )

    def _hand_over(self, folder: JobFolder, words: list[str], step: UUID) -> None:
        def record(job: int) -> None:
            folder.write_record(JobRecord(job, "bench", str(step), str(self.run), tuple(words), 0, time.time()))

        submit(self.client, words, folder, patience_seconds=60, record=record)

    def cancel(self, watches: Sequence[JobWatch]) -> None:
        """End jobs at once."""
        self.client.cancel([watch.record.job for watch in watches], at_once=True)


def python(*arguments: str | Path) -> list[str]:
    """Return the command that runs this interpreter on the checkout."""
    return [sys.executable, *map(str, arguments)]


def code_path() -> str:
    """Return PYTHONPATH for a job that runs the checkout itself."""
    return f"{CHECKOUT / 'src'}:{CHECKOUT}"


def end_well(watch: JobWatch) -> JobEnd:
    """Watch to the end, which must be a good one."""
    end = watch.until_end()
    assert end.exit_status == 0, f"job {watch.record.job} ended with status {end.exit_status}"
    return end


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Wait for something that has to happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.1)
