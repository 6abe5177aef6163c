"""Old job folders, copies of the code and checkpoints: which may go, and which a job still needs that the controller knows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import UUID

from .client import SlurmClient
from .directives import job_name
from .errors import SlurmError
from .folder import JobFolder, JobRecord

_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class JobsOverview:
    """What a clean-up must know of jobs."""

    runs: frozenset[UUID]
    """Runs of which a job is in the queue or at work, whether or not anybody watches it."""
    expired: tuple[Path, ...]
    """Folders that no job needs and nobody has touched for the days they are kept."""
    silence: SlurmError | None
    """Why the controller did not say which jobs it knows; what they may need is kept then."""


class KnownJobs:
    """This user's jobs that the controller knows, over or not; it is asked at most once, and only where that matters."""

    def __init__(self, client: SlurmClient) -> None:
        self._client = client
        self.silence: SlurmError | None = None
        """Why the controller did not answer; None where it did, or was not asked."""

    def need(self, folder: JobFolder) -> bool:
        """Tell whether a job may still need the folder of its step: Slurm knows it, or nobody can tell what became of it."""
        records = [record for each in (folder, folder.helpers) if (record := _record(each)) is not None]
        if not records or folder.is_over():
            return False
        if self._names is None:
            return not records[0].closed
        return any(record.job in self._ids or job_name(record.options) in self._names for record in records)

    @cached_property
    def _jobs(self) -> list[tuple[int, str]] | None:
        try:
            return self._client.own_jobs()
        except SlurmError as error:
            self.silence = error
            return None

    @cached_property
    def _ids(self) -> frozenset[int]:
        return frozenset(job for job, _ in self._jobs or ())

    @cached_property
    def _names(self) -> frozenset[str] | None:
        """Of a job that was submitted, and whose id nobody could note any more, the name is known."""
        return None if self._jobs is None else frozenset(name for _, name in self._jobs)


def overview(base: Path, keep_days: float, client: SlurmClient) -> JobsOverview:
    """Look a folder of jobs over, and change nothing."""
    known = KnownJobs(client)
    runs = frozenset(_runs_with_jobs(base, known))
    return JobsOverview(runs, tuple(expired(base, keep_days, known)), known.silence)


def expired(base: Path, keep_days: float, known: KnownJobs) -> list[Path]:
    """Return runs' folders, copies of code no run names any more and checkpoints that nobody has touched for ``keep_days``."""
    before = time.time() - keep_days * _SECONDS_PER_DAY
    used, old = set(), []
    for run in sorted((base / "runs").glob("*")):
        newest = max(_touched(path) for path in [run, *run.glob("*"), *run.glob("*/*")])
        if newest < before and not any(known.need(folder) for folder in _folders(run)):
            old.append(run)
        elif (run / "code").is_file():
            used.add((run / "code").read_text(encoding="ascii").strip())
    copies = sorted([*(base / "code").glob("*"), *(base / "left").glob("*")])
    return [*old, *(copy for copy in copies if copy.name not in used and _touched(copy) < before)]


def prune(base: Path, keep_days: float, known: KnownJobs) -> None:
    """Remove what is :func:`expired`."""
    for path in expired(base, keep_days, known):
        shutil.rmtree(path, ignore_errors=True)


def _runs_with_jobs(base: Path, known: KnownJobs) -> Iterator[UUID]:
    for run in (base / "runs").glob("*"):
        for folder in _folders(run):
            record = _record(folder)
            if record is not None and not record.closed and known.need(folder):
                yield UUID(record.run)


def _folders(run: Path) -> Iterator[JobFolder]:
    return (JobFolder(path) for path in run.glob("*") if path.is_dir())


def _record(folder: JobFolder) -> JobRecord | None:
    """Return a folder's record; None also where a crash of the machine has left a part of it, by which no job can be found."""
    try:
        return folder.record()
    except (ValueError, TypeError, KeyError):
        return None


def _touched(path: Path) -> float:
    """Return when a path was last changed; what another run renames in this moment is new."""
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
