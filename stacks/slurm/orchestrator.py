"""The orchestrator: steps run here one after the other, and beside them every step whose job can be submitted already."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING
from uuid import uuid4

from zenml.execution.context import setup_execution_context
from zenml.orchestrators.local.local_orchestrator import LocalOrchestrator
from zenml.utils.env_utils import temporary_environment

from .beside import REINS, Reins

if TYPE_CHECKING:
    from zenml.config.step_configurations import Step
    from zenml.models import PipelineRunResponse, PipelineSnapshotResponse
    from zenml.orchestrators import SubmissionResult
    from zenml.stack import Stack

_LOOK_SECONDS = 0.05


class SlurmOrchestrator(LocalOrchestrator):
    """ZenML's local orchestrator, but jobs of steps that do not need each other wait in the queue at the same time.

    Steps without a step operator run in this process as ever, one after the other in the pipeline's order, also while jobs wait.
    The first step that fails ends the run, whatever the pipeline's execution mode: the other steps' jobs are cancelled.
    """

    def submit_pipeline(
        self,
        snapshot: PipelineSnapshotResponse,
        stack: Stack,
        base_environment: dict[str, str],
        step_environments: dict[str, dict[str, str]],
        placeholder_run: PipelineRunResponse | None = None,
    ) -> SubmissionResult | None:
        """Run all steps, each when those it needs have ended well; what a step raised is raised when the others are stopped."""
        self._orchestrator_run_id = str(uuid4())
        self.run_init_hook(snapshot=snapshot)
        try:
            with setup_execution_context(), temporary_environment(base_environment):
                _Steps(self, snapshot.step_configurations, step_environments).run()
        finally:
            self.run_cleanup_hook(snapshot=snapshot)
        self._orchestrator_run_id = None
        return None


class _Steps:
    """The steps of one run: waiting, in a job, or over."""

    def __init__(
        self, orchestrator: SlurmOrchestrator, steps: Mapping[str, Step], environments: Mapping[str, dict[str, str]]
    ) -> None:
        self._orchestrator = orchestrator
        self._steps = steps
        self._environments = environments
        self._waiting = list(steps)
        self._jobs: dict[str, tuple[Future[None], Reins]] = {}
        self._failed = ""

    def run(self) -> None:
        with ThreadPoolExecutor(max_workers=max(1, len(self._steps)), thread_name_prefix="step") as pool:
            try:
                while self._waiting or self._jobs:
                    self._take_ended()
                    self._next(pool)
            except BaseException as error:
                self._stop_all(error)
                raise

    def _next(self, pool: ThreadPoolExecutor) -> None:
        """Submit a job that can be submitted; else run a step here that can run; else wait for a job to end."""
        unfinished = {*self._waiting, *self._jobs}
        ready = [name for name in self._waiting if unfinished.isdisjoint(self._steps[name].spec.upstream_steps)]
        jobs = [name for name in ready if self._steps[name].config.step_operator]
        if jobs:
            self._submit(pool, jobs[0])
        elif ready:
            self._run_here(ready[0])
        elif self._jobs:
            wait([future for future, _ in self._jobs.values()], return_when=FIRST_COMPLETED)

    def _run_here(self, name: str) -> None:
        self._waiting.remove(name)
        self._failed = name
        with temporary_environment(self._environments[name]):
            self._orchestrator.run_step(step=self._steps[name])
        self._failed = ""

    def _submit(self, pool: ThreadPoolExecutor, name: str) -> None:
        """Begin the step in a thread that stays with its job, and return when that is in the queue: one after the other."""
        reins = Reins()
        self._waiting.remove(name)
        future = pool.submit(copy_context().run, self._in_a_job, name, reins)
        self._jobs[name] = future, reins
        while not future.done() and not reins.submitted.wait(_LOOK_SECONDS):
            pass

    def _in_a_job(self, name: str, reins: Reins) -> None:
        REINS.set(reins)
        self._orchestrator.run_step(step=self._steps[name])

    def _take_ended(self) -> None:
        for name, (future, _) in list(self._jobs.items()):
            if future.done():
                del self._jobs[name]
                error = future.exception()
                if error is not None:
                    self._failed = name
                    raise error

    def _stop_all(self, error: BaseException) -> None:
        why = f"step '{self._failed}' failed" if isinstance(error, Exception) and self._failed else "the run ends"
        for _, reins in self._jobs.values():
            reins.stop(why)
        wait([future for future, _ in self._jobs.values()])
