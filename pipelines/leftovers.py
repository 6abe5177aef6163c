"""Which runs of a home are at work, and what those leave behind whose process died: states in ZenML, jobs' secrets."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote

from fusionguard.clean.folders import is_under_way
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.files import storage_errors
from fusionguard.home import Home
from fusionguard.registry.runs import end_runs

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

_log = logging.getLogger("fusionguard.run")


@contextmanager
def at_work(home: Home, name: str) -> Iterator[None]:
    """Hold the mark of the run ``name`` as long as this process works at it; a process that is killed leaves it unheld."""
    file = _mark(home, name)
    with _held(file, os.O_RDWR | os.O_CREAT):
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


@contextmanager
def taken_over(home: Home, name: str) -> Iterator[None]:
    """Hold the mark of a run whose process died; when this ends, ZenML knows the run as over, unless a job of it is still there.

    Raises
    ------
    UsageError
        Its process lives, or it is no name of a run.
    """
    # What a path leads to, outside the home's folder of runs, would be removed below.
    if name in ("", "..") or Path(name).name != name:
        raise UsageError(f"'{name}' is no name of a run.", "The summary, the dashboard and 'zenml pipeline runs list' name runs.")
    file = _mark(home, name)
    with _held(file, os.O_RDWR | os.O_CREAT) as held:
        if not held:
            raise UsageError(f"The run {name} is at work in another process.", "Wait for its end, or stop that process first.")
        try:
            yield
        finally:
            _end(home, name)


def tidy_up(home: Home, *, except_for: str | None = None) -> None:
    """End what runs of this home left whose process died; those at work, or with a job that is, stay as they are."""
    for file in sorted(home.running.glob("*")):
        name = unquote(file.name)
        # A run that begins holds its folder before its mark, which would pass for a dead one's in between.
        if name != except_for and not is_under_way(home, name):
            with _held(file, os.O_RDWR) as held:
                if held:
                    _end(home, name)


def _mark(home: Home, name: str) -> Path:
    file = home.running / quote(name, safe="")
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    return file


@contextmanager
def _held(file: Path, flags: int) -> Iterator[bool]:
    """Lock a mark, and tell whether that worked: not where somebody else holds it, it is gone, or there are no locks."""
    try:
        descriptor = os.open(file, flags, 0o600)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except OSError:
            held = False
        yield held
    finally:
        os.close(descriptor)


def _end(home: Home, name: str) -> None:
    """Remove what a run left, and close it in ZenML; its mark stays where a job of it is still there, or nobody can tell."""
    if _jobs_are_over(name):
        close_run(name)
        end_in_mlflow(home, name, "KILLED")
        shutil.rmtree(home.work / name, ignore_errors=True)
        _mark(home, name).unlink(missing_ok=True)


def _jobs_are_over(name: str) -> bool:
    from zenml.client import Client
    from zenml.stack import Stack

    found = Client().list_pipeline_runs(name=name, size=1, hydrate=True).items
    if not found:
        return True
    try:
        operator: Any = Stack.from_model(found[0].stack).step_operator if found[0].stack else None
        return operator.end_of_jobs(found[0].id) if hasattr(operator, "end_of_jobs") else True
    except Exception as error:  # the cluster does not answer, say, or its commands are not here
        _log.warning("What became of the jobs of the run %s is not known: %s", name, error)
        return False


def close_run(name: str) -> None:
    """Tell ZenML that a run is over: a step that was at work when a signal came, or a disk refused, is not running any more."""
    from sqlalchemy.exc import SQLAlchemyError
    from zenml.client import Client

    try:
        found = Client().list_pipeline_runs(name=name, size=1).items
        if found:
            _close(found[0])
    except (SQLAlchemyError, OSError) as error:
        # What ended the run matters more than that ZenML could not note it, for instance on a full disk.
        _log.warning("ZenML could not be told that the run %s is over: %s", name, error)


def end_in_mlflow(home: Home, name: str, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
    """Tell MLflow that a run is over, where it still runs there: its page says how long the whole run took, and how it ended."""
    try:
        end_runs(home, name, status)
    except FusionGuardError as error:
        _log.warning("MLflow could not be told that the run %s is over: %s", name, error)


def _close(run: PipelineRunResponse) -> None:
    from zenml.client import Client
    from zenml.enums import ExecutionStatus
    from zenml.orchestrators import publish_utils

    client = Client()
    for step in client.list_run_steps(pipeline_run_id=run.id, size=500).items:
        if not step.status.is_finished:
            publish_utils.publish_stopped_step_run(step.id)
    if not client.get_pipeline_run(run.id).status.is_finished:
        # ZenML works the status out from the steps there are, and calls a run at work that lacks some, whoever says it stopped;
        # one that is stopping, it takes for stopped when all its steps are over.
        publish_utils.publish_pipeline_run_status_update(run.id, ExecutionStatus.STOPPING)
