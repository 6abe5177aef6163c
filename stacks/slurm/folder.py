"""The folder of one step run's job: what the job reads, what it leaves, and the record that lets another process find it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from .environment import write_environment

JOB_SCRIPT = Path(__file__).with_name("job.sh")


@dataclass(frozen=True)
class JobRecord:
    """What is known of a step's job; ``job`` is the last one, ``earlier`` those it was submitted again for.

    ``job`` is 0 from just before the first submission until Slurm has answered.
    """

    job: int
    step: str
    step_run: str
    run: str
    options: tuple[str, ...]
    gpus: int
    submitted: float
    earlier: tuple[int, ...] = ()
    closed: bool = False
    """Its step needs nothing of it any more."""

    @property
    def is_submitted(self) -> bool:
        """Whether Slurm has answered with an id."""
        return self.job > 0


@dataclass(frozen=True)
class JobFolder:
    """``<folder>/runs/<run>/<step run>``."""

    path: Path

    @classmethod
    def of(cls, folder: Path, run: UUID, step_run: UUID) -> JobFolder:
        """Return the folder of a step run."""
        return cls(folder / "runs" / str(run) / str(step_run))

    @property
    def log(self) -> Path:
        """What the job prints."""
        return self.path / "log"

    @property
    def checkpoints(self) -> Path:
        """The step's own; it outlives every requeue."""
        return self.path / "checkpoints"

    @property
    def usage(self) -> Path:
        """The step's processor time and memory, as its process saw them."""
        return self.path / "usage.json"

    @property
    def helpers(self) -> JobFolder:
        """The array of helpers; :meth:`task` has their own folders."""
        return JobFolder(self.path / "helpers")

    def task(self, number: int) -> JobFolder:
        """The folder of one task of a job array."""
        return JobFolder(self.path / str(number))

    def prepare(self, *, command: Sequence[str], setup: Iterable[str], environment: Mapping[str, str]) -> None:
        """Write what the job reads."""
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        (self.path / "exit").unlink(missing_ok=True)
        self._write("command", "".join(f"{word}\0" for word in command))
        self._write("setup.sh", "".join(f"{line}\n_status=$?; [ $_status = 0 ] || return $_status\n" for line in setup) + ":\n")
        write_environment(self.path / "environment", environment)

    def write_record(self, record: JobRecord) -> None:
        """Write the record, whole or not at all."""
        self._write("job.json", json.dumps(asdict(record), indent=2) + "\n")

    def record(self) -> JobRecord | None:
        """Return the record, or None where nothing was to be submitted."""
        try:
            fields = json.loads((self.path / "job.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return JobRecord(**{**fields, "options": tuple(fields["options"]), "earlier": tuple(fields["earlier"])})

    def exit_status(self) -> int | None:
        """Return how the job's script said the step ended, or None while it has not."""
        try:
            list(self.path.iterdir())  # network file systems look anew when a folder is listed
            return int((self.path / "exit").read_text(encoding="ascii").split()[0])
        except (OSError, IndexError, ValueError):  # network file systems have their moments: it is asked again
            return None

    def is_over(self) -> bool:
        """Whether the step's process ended by itself; one that was killed may be submitted again."""
        status = self.exit_status()
        return status is not None and status <= 128

    def forget_exit(self) -> None:
        """Let the job be submitted again."""
        (self.path / "exit").unlink(missing_ok=True)

    def attempts(self) -> list[tuple[float, str, str]]:
        """Return when, as which attempt (job.restarts) and where the job started, each time."""
        try:
            lines = (self.path / "attempts").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        fields = [line.split() for line in lines]
        return [(float(each[0]), each[1], each[2]) for each in fields if len(each) == 3]

    def remove_secrets(self) -> None:
        """Remove the environment file, and those of its tasks and helpers."""
        for name in ("environment", ".environment.tmp"):  # the second of a client that was killed over it
            for file in [self.path / name, *self.path.glob(f"*/{name}"), *self.path.glob(f"*/*/{name}")]:
                file.unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}.{os.getpid()}.tmp"
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, self.path / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def folders_of(folder: Path, run: UUID) -> list[JobFolder]:
    """Return the job folders of a run, in the order they were made."""
    found = [path for path in (folder / "runs" / str(run)).glob("*") if (path / "job.json").is_file()]
    return [JobFolder(path) for path in sorted(found, key=lambda path: (path / "setup.sh").stat().st_mtime)]


def leave_checkpoints(base: Path, folder: JobFolder, cache_key: str | None) -> None:
    """Put a dead job's checkpoints where the next job that computes the same takes them."""
    if not cache_key:
        return
    target = base / "left" / cache_key
    target.parent.mkdir(parents=True, exist_ok=True)
    if any(folder.checkpoints.glob("*")) and not target.exists():
        os.replace(folder.checkpoints, target)


def take_checkpoints(base: Path, folder: JobFolder, cache_key: str | None) -> None:
    """Take them, if there are any; of two jobs at once only one can."""
    folder.path.mkdir(parents=True, exist_ok=True)
    if not cache_key:
        return
    with suppress(FileNotFoundError):
        os.replace(base / "left" / cache_key, folder.checkpoints)
