"""Jobs whose client died: which of them a run still has, which are over, and what those leave."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from .client import SlurmClient
from .folder import JobFolder, JobRecord, folders_of
from .states import MAY_COME_BACK
from .submission import submitted

_SURELY_KNOWN_SECONDS = 60.0
"""A busy controller may take a while to know what was submitted; a job it does not know after that, it has forgotten."""


def open_jobs(client: SlurmClient, base: Path, run: UUID) -> Iterator[tuple[JobFolder, JobRecord]]:
    """Yield the jobs of a run whose steps may still need something of them; what was never submitted is closed on the way.

    Raises
    ------
    CommandError
        The controller does not answer.
    """
    for folder in folders_of(base, run):
        record = submitted(client, folder)
        if record is None:
            close(folder)
        elif not record.closed:
            yield folder, record


def is_over(client: SlurmClient, folder: JobFolder, record: JobRecord) -> bool:
    """Tell whether a job has ended for good; one that was preempted, say, may be about to be queued again."""
    if folder.is_over():
        return True
    state = client.states([record.job]).get(record.job)
    if state is None:
        return time.time() - record.submitted > _SURELY_KNOWN_SECONDS
    return state.is_final and state.state not in MAY_COME_BACK


def close(folder: JobFolder) -> None:
    """Remove what is secret, and note that the job's step needs nothing of it any more."""
    folder.remove_secrets()
    record = folder.record()
    if record is not None:
        folder.write_record(replace(record, closed=True))
