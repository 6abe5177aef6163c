"""The step operator: a step becomes a job, the job's end becomes the step's."""

from __future__ import annotations

import atexit
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.orchestrators import publish_utils
from zenml.stack import Stack, StackValidator
from zenml.step_operators import BaseStepOperator

from .beside import StoppedError, is_submitted
from .client import SlurmClient
from .config import SlurmStepOperatorConfig
from .directives import safe_name, sbatch_options, without_gpu
from .entrypoint import SlurmEntrypointConfiguration
from .errors import JobError, SettingsError, SlurmError
from .facts import Facts, job_facts, submission_facts
from .folder import JobFolder, JobRecord, leave_checkpoints, take_checkpoints
from .helpers import Helpers
from .outcome import status_of_job, step_status
from .poll import Poll
from .recovery import close, is_over, open_jobs
from .retention import JobsOverview, KnownJobs, overview, prune
from .settings import SlurmSettings
from .site import check_site, code_root, job_environment
from .snapshot import snapshot
from .step_log import into_step_log
from .submission import submit, undisturbed
from .watch import JobEnd, JobWatch

if TYPE_CHECKING:
    from zenml.config.step_run_info import StepRunInfo
    from zenml.models import StepRunResponse

_log = logging.getLogger("zenml_slurm")
"""Says what happens to jobs, one line an event."""
_log.setLevel(logging.INFO)  # ZenML's verbosity is about its console; these lines also belong into the step's log


class SlurmStepOperator(BaseStepOperator):
    """Runs steps as Slurm jobs from a shared file system: no container, no registry, no root."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client = SlurmClient(self.config.command_seconds)
        self._poll = Poll(self._client, self.config.poll_seconds)
        self._live: dict[UUID, JobFolder] = {}
        self._queue_hours: dict[UUID, float | None] = {}

    @property
    def config(self) -> SlurmStepOperatorConfig:
        """The component's configuration."""
        return cast(SlurmStepOperatorConfig, self._config)

    @property
    def settings_class(self) -> type[SlurmSettings]:
        """What a step may set."""
        return SlurmSettings

    @property
    def entrypoint_config_class(self) -> type[SlurmEntrypointConfiguration]:
        """What runs in the job."""
        return SlurmEntrypointConfiguration

    @property
    def validator(self) -> StackValidator:
        """Before a run: Slurm's commands are here, and the configured partitions exist."""
        return StackValidator(custom_validation_function=self._check_site)

    def get_settings(self, container: Any) -> SlurmSettings:
        """Return a step's settings: the configuration's defaults under its own.

        ZenML's version hands the whole configuration to the settings, which refuse what they do not know.
        """
        defaults = {name: getattr(self.config, name) for name in SlurmSettings.model_fields}
        given = container.config.settings
        own = given.get(f"{self.type}:{self.name}") or given.get(f"{self.type}.{self.flavor}")
        return SlurmSettings.model_validate({**defaults, **(own.model_dump(exclude_unset=True) if own else {})})

    def submit(self, info: StepRunInfo, entrypoint_command: list[str], environment: dict[str, str]) -> None:
        """Submit a step's job and return."""
        settings = self.get_settings(info)
        resources = info.config.resource_settings
        base = Path(self.config.folder)
        folder = JobFolder.of(base, info.run_id, info.step_run_id)
        prune(base, self.config.keep_days, KnownJobs(self._client))
        code = snapshot(base, info.run_id, code_root(self.config), self.config.code)
        name = f"{safe_name(info.pipeline_step_name)}-{info.step_run_id.hex[:12]}"
        options = sbatch_options(settings, resources, self.config, name=name, folder=folder.path)
        gpus = resources.gpu_count or 0
        command = [self.config.python or sys.executable, *entrypoint_command[1:]]
        variables = job_environment(self.config, environment, folder, code, gpus)
        step = info.pipeline_step_name
        self._queue_hours[info.step_run_id] = settings.queue_hours

        def note(job: int) -> None:
            folder.write_record(JobRecord(job, step, str(info.step_run_id), str(info.run_id), tuple(options), gpus, time.time()))

        def record(job: int) -> None:
            note(job)
            self._keep(info.step_run_id, folder)

        try:
            take_checkpoints(base, folder, info.step_run.cache_key)
            folder.prepare(command=command, setup=self.config.setup, environment=variables)
            note(0)  # whoever kills this process now finds the job by its name
            try:
                self._submit(options, folder, record)
            except SettingsError as refused:
                without = without_gpu(refused, options, settings, self.config) if gpus else None
                if without is None:
                    raise
                self._say(step, f"the cluster gives no GPU ({refused.what}): the step goes on with the CPU")
                options = without
                self._submit(options, folder, record)
            self._say(step, f"submitted as job {cast(JobRecord, folder.record()).job}")
            self._publish(info.step_run_id, lambda: submission_facts(self._client, cast(JobRecord, folder.record())))
            self._helpers(folder, step).submit(
                settings,
                options,
                command=command,
                setup=self.config.setup,
                environment=variables,
                checkpoint_variable=self.config.checkpoint_variable,
                patience_seconds=self.config.patience_seconds,
            )
            is_submitted()
        except BaseException:
            with undisturbed():
                if self._live.pop(info.step_run_id, None) is not None:
                    self._cancel(folder, at_once=True)
                folder.remove_secrets()
                self._leave_checkpoints(folder, info.step_run.cache_key)
            raise

    def wait(self, step_run: StepRunResponse) -> ExecutionStatus:
        """Watch the step's job to its end; whatever ends the watching cancels the job.

        Raises
        ------
        JobError
            The job was cancelled, ran out of memory or time, or its node failed.
        """
        folder = self._folder(step_run)
        end = None
        try:
            end = self._watch(folder, step_run)
            return step_status(step_run.id, folder, end)
        except BaseException as error:
            if isinstance(error, StoppedError):
                self._say(step_run.name, f"its job is cancelled: {error}")
            with undisturbed():
                if end is None:
                    self._cancel(folder, at_once=True)
                self._leave_checkpoints(folder, step_run.cache_key)
            raise
        finally:
            self._live.pop(step_run.id, None)

    def get_status(self, step_run: StepRunResponse) -> ExecutionStatus:
        """Return how the step does, from any process."""
        folder = self._folder(step_run)
        return status_of_job(folder, self._poll) or Client().get_run_step(step_run.id, hydrate=False).status

    def cancel(self, step_run: StepRunResponse) -> None:
        """Cancel the step's job, from any process."""
        self._cancel(self._folder(step_run), at_once=True)

    def cleanup_step_submission(self, step_run: StepRunResponse) -> None:
        """Leave nothing secret behind."""
        close(self._folder(step_run))

    def cancel_all(self) -> None:
        """Cancel what this process submitted and does not watch any more."""
        for folder in self._live.values():
            self._cancel(folder, at_once=True)
        self._live.clear()

    def resume(self, run: UUID) -> list[str]:
        """Watch the jobs of a run whose client died to their ends; return the steps that ended well.

        The jobs go on writing to the run they belong to, so that a new run of the same pipeline finds them in ZenML's cache.
        """
        at_work = list(open_jobs(self._client, Path(self.config.folder), run))
        try:
            for folder, record in at_work:
                self._keep(UUID(record.step_run), folder)
            return [record.step for folder, record in at_work if self._ends_well(folder, record)]
        except BaseException:
            with undisturbed():
                for folder, _ in at_work:
                    self._cancel(folder, at_once=True)
                    close(folder)
            raise

    def look_over_jobs(self) -> JobsOverview:
        """Return which runs have jobs, and which folders of jobs have expired; see :mod:`retention`."""
        return overview(Path(self.config.folder), self.config.keep_days, self._client)

    def _ends_well(self, folder: JobFolder, record: JobRecord) -> bool:
        step_run = Client().get_run_step(UUID(record.step_run))
        helpers = self._helpers(folder, record.step).job
        self._say(record.step, f"found as job {record.job}{f', its helpers as job array {helpers}' if helpers else ''}")
        try:
            return self.wait(step_run).is_successful
        except Exception as error:  # whatever the job died of: the step starts anew, from what it had saved
            self._say(record.step, f"{error} The step is run again.")
            return False
        finally:
            close(folder)

    def end_of_jobs(self, run: UUID) -> bool:
        """Tidy up after the jobs of a run whose client died and that are over; tell whether all are.

        Their environment files are removed, their checkpoints are left for the next step that computes the same, and what helpers
        are still there are cancelled. Jobs that wait or are at work stay as they are, for :meth:`resume`.

        Raises
        ------
        CommandError
            The controller does not answer.
        """
        over = True
        for folder, record in open_jobs(self._client, Path(self.config.folder), run):
            if is_over(self._client, folder, record):
                self._helpers(folder, record.step).cancel()
                self._leave_checkpoints(folder, Client().get_run_step(UUID(record.step_run)).cache_key)
                close(folder)
            else:
                over = False
        return over

    def _watch(self, folder: JobFolder, step_run: StepRunResponse) -> JobEnd:
        record = folder.record()
        if record is None or not record.is_submitted:
            raise SlurmError(f"No job was submitted for step '{step_run.name}'.")
        helpers = self._helpers(folder, record.step)
        watch = JobWatch(
            folder,
            record,
            self.config,
            self._client,
            self._poll,
            submit=lambda note, after: self._submit_again(folder, step_run.id, note, after),
            say=lambda text: self._say(record.step, text),
            log=into_step_log,
            beside=helpers.look,
            queue_hours=self._queue_hours.get(step_run.id),
        )
        try:
            end = watch.until_end()
        except JobError as error:
            self._publish_facts(folder, watch, helpers, step_run.id, error.state)
            raise
        self._publish_facts(folder, watch, helpers, step_run.id, end.state)
        return end

    def _publish_facts(self, folder: JobFolder, watch: JobWatch, helpers: Helpers, step_run: UUID, state: str) -> None:
        def facts() -> Facts:
            helpers.end()
            return job_facts(self._client, folder, watch.record, state=state, restarts=watch.restarts()) | helpers.facts()

        self._publish(step_run, facts)

    def _publish(self, step_run: UUID, facts: Callable[[], Facts]) -> None:
        try:
            publish_utils.publish_step_run_metadata(step_run, {self.id: cast(Any, facts())})
        except Exception as error:  # what the job comes to matters more than its numbers
            _log.warning("What is known of a job could not be noted in ZenML: %s", error)

    def _keep(self, step_run: UUID, folder: JobFolder) -> None:
        """From now on, the job does not outlive this process, unless that is killed."""
        if not self._live:
            atexit.register(self.cancel_all)
        self._live[step_run] = folder

    def _submit(self, options: Sequence[str], folder: JobFolder, record: Callable[[int], None], *, after: int = 0) -> None:
        patience = min(self.config.patience_seconds, 300.0)
        submit(self._client, options, folder, patience_seconds=patience, record=record, after=after)

    def _submit_again(self, folder: JobFolder, step_run: UUID, note: Callable[[int], None], after: int) -> None:
        self._submit(cast(JobRecord, folder.record()).options, folder, note, after=after)
        self._publish(step_run, lambda: submission_facts(self._client, cast(JobRecord, folder.record())))

    def _cancel(self, folder: JobFolder, *, at_once: bool) -> None:
        record = folder.record()
        if record is not None and record.is_submitted and folder.exit_status() is None:
            try:
                self._client.cancel([record.job], at_once=at_once)
            except SlurmError as error:
                _log.warning("Job %s could not be cancelled: %s", record.job, error)
        if record is not None:
            self._helpers(folder, record.step).cancel()
        folder.remove_secrets()

    def _helpers(self, folder: JobFolder, step: str) -> Helpers:
        return Helpers(folder, self._client, self._poll, say=lambda text: self._say(step, text), log=into_step_log)

    def _leave_checkpoints(self, folder: JobFolder, cache_key: str | None) -> None:
        """Whatever the step failed of, the next one that computes the same goes on from what it had saved."""
        try:
            leave_checkpoints(Path(self.config.folder), folder, cache_key)
        except OSError as error:
            _log.warning("The checkpoints stay in %s: %s", folder.checkpoints, error)

    def _folder(self, step_run: StepRunResponse) -> JobFolder:
        return JobFolder.of(Path(self.config.folder), step_run.pipeline_run_id, step_run.id)

    def _check_site(self, stack: Stack) -> tuple[bool, str]:
        check_site(self.config, self._client)
        return True, ""

    @staticmethod
    def _say(step: str, text: str) -> None:
        _log.info("%s: %s", step, text)
