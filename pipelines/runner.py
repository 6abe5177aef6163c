"""Run a pipeline on a stack: settings, stack, steps, summary, and a tidy end whatever happens."""

from __future__ import annotations

import importlib
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionguard.config import load_config
from fusionguard.errors import UsageError
from fusionguard.files import check_output, locked, new_file_beside, storage_errors
from fusionguard.home import Home
from fusionguard.library_logs import LibraryLogs
from fusionguard.registry.pipeline_run import find_source
from fusionguard.registry.tracking import check_database, sqlite_file
from pipelines.cached_files import only_whole_results
from pipelines.catalog import CATALOG, PipelineEntry, find_pipeline
from pipelines.interruption import InterruptionGuard
from pipelines.leftovers import at_work, close_run, end_in_mlflow, taken_over, tidy_up
from pipelines.observer import StepObserver
from pipelines.placement import check_placements, place, resume_jobs
from pipelines.progress import LineProgress, Progress, ProgressHandler, SilentProgress
from pipelines.spark_setup import bring_spark, wants_spark
from stacks.provision import STACK_FOLDER, StackFile, provision, read_stack_file
from stacks.session import active_stack, open_client

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

    from pipelines.summary import Summary


@dataclass(frozen=True)
class RunRequest:
    """What a run was asked to do; see ``run.py --help``."""

    pipeline: str
    stack: str = "local"
    config_files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()
    cache: bool = True
    summary: Path | None = None
    quiet: bool = False
    resume: str | None = None
    """The name of a run whose process died; its jobs are watched to their ends first."""
    asked_by: str = ""
    """Which other run asked for this one, and what for."""


@dataclass(frozen=True)
class RunOutputs:
    """The artifacts of a finished run, read when they are asked for."""

    run: PipelineRunResponse

    def ran(self, step: str) -> bool:
        """Tell whether the run has a step of this name; some belong to certain settings only."""
        return step in self.run.steps

    def load(self, step: str, output: str) -> Any:
        """Return the artifact ``output`` of ``step``."""
        return self.run.steps[step].outputs[output][0].load()


def execute(
    request: RunRequest,
    home: Home,
    *,
    begin: float | None = None,
    catalog: Mapping[str, PipelineEntry] = CATALOG,
    stack_folder: Path = STACK_FOLDER,
) -> Summary:
    """Run a pipeline and return its summary (written too, where ``request.summary`` names a file).

    Parameters
    ----------
    begin
        ``time.monotonic()`` at the start of the command; now, by default.

    Raises
    ------
    UsageError
        An unknown pipeline, stack, key or file; nothing has run then.
    FusionGuardError
        A step failed in an expected way.
    Interrupted
        Ctrl-C or SIGTERM; ZenML knows the run as stopped.
    """
    begin = time.monotonic() if begin is None else begin
    entry = find_pipeline(request.pipeline, catalog)
    config = load_config(entry.config, [entry.settings, *request.config_files], request.assignments)
    stack_file = read_stack_file(request.stack, stack_folder)
    if request.resume is not None and not request.cache:
        raise UsageError("--resume uses what the run has finished, --no-cache does not.", "Leave one of them out.")
    if request.summary is not None:
        check_output(request.summary, "the summary")
    if wants_spark(config):
        bring_spark()
    arguments = entry.arguments(config, home)
    _check_home(home)
    database = sqlite_file(home.mlflow_uri)
    if database is not None and database.exists():
        check_database(database)  # now, rather than when training is over
    progress: Progress = SilentProgress() if request.quiet else LineProgress()
    from pipelines.clean import clean_after_run  # not at the top: it loads Arrow, which a usage error would wait for

    with InterruptionGuard(progress.stopping) as guard, ProgressHandler(progress), LibraryLogs(progress.note):
        stack = provision(request.stack, home, stack_folder)
        try:
            observer, run = _run(entry, arguments, request, home, stack_file, stack.id, progress, guard)
            from pipelines.summary import Summary  # not at the top: what it needs of the domain would delay a usage error

            module = importlib.import_module(entry.module)
            summary = Summary(
                pipeline=entry.name,
                stack=request.stack,
                zenml_run=run.name,
                zenml_run_id=str(run.id),
                steps=tuple(observer.records),
                report=module.report(RunOutputs(run)),
                seconds=round(time.monotonic() - begin, 3),
                peak_memory_mb=peak_memory_mb(),
            )
            if request.summary is not None:
                summary.write(request.summary)  # before anything is removed: to stop that loses nothing of a run that is over
        except Exception:
            clean_after_run(home, entry, config)
            raise
        clean_after_run(home, entry, config)
    return summary


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def _run(
    entry: PipelineEntry,
    arguments: dict[str, Any],
    request: RunRequest,
    home: Home,
    stack_file: StackFile,
    stack_id: uuid.UUID,
    progress: Progress,
    guard: InterruptionGuard,
) -> tuple[StepObserver, PipelineRunResponse]:
    from zenml.enums import ExecutionMode

    from steps.this_run import SOURCE

    client = open_client()
    module = importlib.import_module(entry.module)
    name = f"{entry.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    options = {
        "run_name": name,
        "enable_cache": request.cache,
        "execution_mode": ExecutionMode.FAIL_FAST,
        "tags": [f"stack:{request.stack}", *entry.tags(arguments)],
        "extra": {SOURCE: find_source(f"run.py --pipeline {entry.name}", request.asked_by).model_dump()},
    }
    work = home.work / name
    work.mkdir(parents=True)
    observer: StepObserver | None = None
    try:
        with (
            locked(work),  # says that the run is under way, for as long as this process lives
            at_work(home, name),
            active_stack(stack_id),
            only_whole_results(),
            StepObserver(client.active_stack.orchestrator, progress, guard.check) as observer,
        ):
            check_placements(request.stack, stack_file.steps, client.active_stack)
            tidy_up(home, except_for=request.resume)
            if request.resume is not None:
                with taken_over(home, request.resume):
                    resume_jobs(request.resume, client.active_stack)
            steps = place(module.PIPELINE, arguments, stack_file.steps)
            pipeline = module.PIPELINE.with_options(steps=steps, **options)
            pipeline(**arguments)
        guard.check()
        status = "FINISHED"
        return observer, client.get_pipeline_run(name, allow_name_prefix_match=False)
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        close_run(name)
        raise
    finally:
        if observer is not None and observer.has_begun("register_model"):
            end_in_mlflow(home, name, status)
        shutil.rmtree(work, ignore_errors=True)


def _check_home(home: Home) -> None:
    with storage_errors(home.state):
        new_file_beside(home.work / "probe").unlink()
