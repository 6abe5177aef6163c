"""What runs in the job: one step, without the seconds ZenML spends on integrations nobody asked for."""

from __future__ import annotations

import atexit
import gc
import json
import logging
import os
import resource
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from zenml.step_operators.step_operator_entrypoint_configuration import StepOperatorEntrypointConfiguration


class SlurmEntrypointConfiguration(StepOperatorEntrypointConfiguration):
    """Runs a step where the code lies already: no folder /app, no download."""

    @classmethod
    def get_entrypoint_command(cls) -> list[str]:
        """Return the command; the operator puts the site's interpreter in the place of the first word."""
        return ["python", "-m", __name__.rpartition(".")[0]]

    def prepare_code_environment(self) -> None:
        """Do nothing: PYTHONPATH names the run's copy of the code."""

    def _run_step(self, step: Any, snapshot: Any) -> None:
        from zenml.enums import ExecutionStatus

        if self.step_run.status == ExecutionStatus.COMPLETED:
            return  # the job was requeued after its step had ended
        gc.freeze()
        gc.enable()  # off since the start; the step's own garbage is collected as ever
        super()._run_step(step=step, snapshot=snapshot)


def note_usage(file: Path) -> None:
    """Write the processor time (s) and peak memory (bytes) of this process and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(each.ru_utime + each.ru_stime for each in used)
    peak = max(each.ru_maxrss for each in used) * 1024
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps({"cpu_seconds": round(seconds, 2), "peak_memory_bytes": peak}), encoding="ascii")
        os.replace(temporary, file)
    except OSError:
        temporary.unlink(missing_ok=True)  # a full disk, say: the step's own end matters more


def main(configuration: type[SlurmEntrypointConfiguration] = SlurmEntrypointConfiguration) -> int:
    """Run the step of this job and return the exit status; a failure has been told to ZenML and is printed."""
    from zenml.execution.pipeline.utils import prevent_pipeline_execution
    from zenml.integrations.registry import integration_registry

    if not os.environ.get("ZENML_SLURM_INTEGRATIONS"):
        integration_registry.activate_integrations = lambda: None  # type: ignore[method-assign]
    try:
        with prevent_pipeline_execution():
            configuration(arguments=sys.argv[1:]).run()
    except Exception:
        with suppress(OSError):  # the log may lie on the disk that is full
            traceback.print_exc()
        return 1
    finally:
        usage = os.environ.get("ZENML_SLURM_USAGE")
        if usage:
            note_usage(Path(usage))
    return 0


def leave(status: int) -> NoReturn:
    """End the process as Python would, but without taking every module apart, which takes a second or two."""
    atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)
