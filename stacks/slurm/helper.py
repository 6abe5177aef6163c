"""What runs in a helper's job: the step's function with the step's inputs, and nothing that ZenML would hear of."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml.step_operators.step_operator_entrypoint_configuration import STEP_RUN_ID_OPTION

from .entrypoint import SlurmEntrypointConfiguration
from .folder import JobFolder

if TYPE_CHECKING:
    from zenml.models import StepRunResponse

_LOOK_SECONDS = 2.0


class HelperConfiguration(SlurmEntrypointConfiguration):
    """Calls the step's function and drops what it returns: no status, no outputs, no metadata, no log of the step."""

    @property
    def step_run(self) -> StepRunResponse:
        """The step run, read and never written."""
        from zenml.client import Client

        if self._step_run is None:
            self._step_run = Client().zen_store.get_run_step(UUID(self.entrypoint_args[STEP_RUN_ID_OPTION]))
        return self._step_run

    def _run_step(self, step: Any, snapshot: Any) -> None:
        from zenml.client import Client
        from zenml.orchestrators import input_utils
        from zenml.orchestrators.step_runner import StepRunner
        from zenml.steps.utils import get_resolved_signature
        from zenml.utils import env_utils

        step_run = self.step_run
        if step_run.status.is_finished:
            return
        stack = Client().active_stack
        # As the step's own entrypoint does: it puts what is loaded lazily into the step's parameters.
        input_utils.resolve_step_inputs(step=step, pipeline_run=Client().get_pipeline_run(step_run.pipeline_run_id))
        runner = StepRunner(step=step, stack=stack)
        instance = runner._load_step()
        variables = env_utils.get_runtime_environment(config=step_run.config, stack=stack)
        variables |= env_utils.get_runtime_secret_environment(config=step_run.config, stack=stack)
        with env_utils.temporary_environment(variables):
            inputs = runner._parse_inputs(get_resolved_signature(instance.entrypoint), step_run.inputs)
            instance.call_entrypoint(**inputs)


def leave_with_the_step() -> None:
    """End this process as soon as the step proper has ended, whether or not anybody is left to cancel it."""
    step = JobFolder(Path(os.environ["ZENML_SLURM_USAGE"]).parents[2])  # <step's folder>/helpers/<number>/usage.json

    def watch() -> None:
        while not step.is_over():
            time.sleep(_LOOK_SECONDS)
        sys.stderr.write("slurm: the step has ended, and this helper with it\n")
        sys.stderr.flush()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
