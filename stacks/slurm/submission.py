"""Handing a job to Slurm exactly once, whether or not the controller answers."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from .beside import pause
from .client import SlurmClient
from .directives import job_name
from .errors import CommandError
from .folder import JOB_SCRIPT, JobFolder, JobRecord

_PAUSE_SECONDS = 5.0
_SURELY_UNKNOWN = 3


def submit(
    client: SlurmClient,
    options: Sequence[str],
    folder: JobFolder,
    *,
    patience_seconds: float,
    record: Callable[[int], None],
    after: int = 0,
) -> None:
    """Submit the job of ``folder``; ``record`` hears its id before Ctrl-C or SIGTERM can come between.

    The job's name is its own, so that a submission whose answer got lost is found again instead of made twice. Of the same name
    are the jobs that were submitted for the step before, up to the id ``after``. A controller that is busy may take a while to
    know a job: only when it does not know it several times over is it submitted again.
    """
    name = job_name(options)
    begin = time.monotonic()
    while True:
        try:
            with undisturbed():
                record(client.submit(options, JOB_SCRIPT, str(folder.path)))
            return
        except CommandError as error:
            unknown = 0
            while unknown < _SURELY_UNKNOWN:
                if time.monotonic() - begin > patience_seconds:
                    raise error
                pause(min(_PAUSE_SECONDS, patience_seconds / 10))
                try:
                    found = client.find(name)
                except CommandError:
                    continue
                if found is not None and found > after:
                    record(found)
                    return
                unknown += 1


def submitted(client: SlurmClient, folder: JobFolder) -> JobRecord | None:
    """Return the record of a folder's latest job, also where its client was killed before it could note the id.

    Who hands a job over writes the record first, without an id. The job's name is its own: the controller is asked for it.
    None where no job was submitted, or the controller has forgotten it since.

    Raises
    ------
    CommandError
        The controller does not answer.
    """
    record = folder.record()
    if record is None or (record.is_submitted and folder.is_over()):
        return record
    found = client.find(job_name(record.options))
    if found is not None and found > record.job:
        earlier = (*record.earlier, record.job) if record.is_submitted else record.earlier
        record = replace(record, job=found, earlier=earlier)
        folder.write_record(record)
    return record if record.is_submitted else None


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back for a moment: between a submission and its record they would lose a job."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    # Blocking signals would not do: another thread of this process would take them.
    before = {number: signal.signal(number, lambda got, frame: held.append(got)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])
