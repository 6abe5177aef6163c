"""From a job to its step: how it does, and when it has ended, its status or what its code raised on the node."""

from __future__ import annotations

import re
from typing import cast
from uuid import UUID

from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.utils import exception_utils

from .errors import JobError
from .folder import JobFolder, JobRecord
from .log_tail import last_lines
from .poll import Poll
from .watch import JobEnd

_ERRNO = re.compile(r"\[Errno (\d+)\] ([^:]*)(?:: '(.*)')?")


def step_status(step_run: UUID, folder: JobFolder, end: JobEnd) -> ExecutionStatus:
    """Return the status of a step that ended well, or raise what its code raised, with the traceback from the node as a note.

    Raises
    ------
    JobError
        The step could not say why it ended, or the metadata store never heard of its end.
    """
    now = Client().get_run_step(step_run)
    record = cast(JobRecord, folder.record())
    job = f"Job {record.job} of step '{record.step}'"
    if end.exit_status == 0:
        if now.status.is_successful:
            return now.status
        what = f"{job} ended well, but ZenML does not know of it (the step is {now.status})."
        raise JobError(what, "Can the node reach the metadata store?", job=record.job, state=end.state)
    info = now.exception_info
    if info is None:
        how = f"by signal {end.exit_status - 128}" if end.exit_status > 128 else f"with status {end.exit_status}"
        lines = "\n".join(last_lines(folder.log))
        what = f"{job} ended {how} before its step could say why."
        raise JobError(what, f"Its last lines:\n{lines}", job=record.job, state=end.state)
    error = _with_errno(exception_utils.reconstruct_exception(info, fallback_message=f"{job} failed."))
    error.add_note(f"In job {record.job}, on the node:\n{info.traceback}")
    raise error


def status_of_job(folder: JobFolder, poll: Poll) -> ExecutionStatus | None:
    """Return how a job does, by its own word or Slurm's; None where none was submitted."""
    record = folder.record()
    if record is None or not record.is_submitted:
        return None
    status = folder.exit_status()
    if status is not None:
        return ExecutionStatus.COMPLETED if status == 0 else ExecutionStatus.FAILED
    poll.watch(record.job)
    state, _ = poll.state(record.job)
    if state is None or state.is_pending:
        return ExecutionStatus.QUEUED
    return ExecutionStatus.FAILED if state.is_final and state.state != "COMPLETED" else ExecutionStatus.RUNNING


def _with_errno(error: BaseException) -> BaseException:
    """Give an error of the operating system its number back: it came as a text."""
    match = _ERRNO.match(str(error)) if isinstance(error, OSError) and error.errno is None else None
    return OSError(int(match[1]), match[2], match[3]) if match else error
