"""Which steps of a pipeline leave this process, as the stack's file says."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fusionguard.errors import UsageError, did_you_mean
from stacks.provision import StepPlacement

if TYPE_CHECKING:
    from zenml import Pipeline
    from zenml.stack import Stack


def place(pipeline: Pipeline, arguments: Mapping[str, Any], placements: Mapping[str, StepPlacement]) -> dict[str, Any]:
    """Return the step configurations that send the pipeline's heavy steps to the step operator.

    Patterns that match no step of the pipeline, and conditions on settings that its configuration lacks, do not matter.
    """
    if not placements:
        return {}
    draft = pipeline.copy()
    draft.prepare(**arguments)
    configurations: dict[str, Any] = {}
    for name in draft.invocations:
        found = next((each for pattern, each in placements.items() if fnmatchcase(name, pattern)), None)
        if found is not None and _is_on(found.when, arguments.get("config")):
            settings = {"resources": dict(found.resources), "step_operator": dict(found.settings)}
            configurations[name] = {
                "step_operator": True,
                "settings": {key: value for key, value in settings.items() if value},
            }
    return configurations


def _is_on(condition: str | None, config: Any) -> bool:
    """Whether a setting asks for something, or for what is named; a setting that does not exist cannot forbid it."""
    if condition is None:
        return True
    key, equals, wanted = condition.partition("=")
    value = config
    for part in key.split("."):
        if not hasattr(value, part):
            return True
        value = getattr(value, part)
    return str(value) == wanted if equals else bool(value)


def check_placements(stack_name: str, placements: Mapping[str, StepPlacement], stack: Stack) -> None:
    """Raise :class:`UsageError`, before anything runs, where a step asks for what its operator or ZenML does not know."""
    if not placements:
        return
    from zenml.config import ResourceSettings

    operator = stack.step_operator
    if operator is None:
        raise UsageError(f"{stack_name}.yaml has steps: but no step_operator among its components.", "Add one, or remove steps:.")
    for pattern, placement in placements.items():
        where = f"The step '{pattern}' in {stack_name}.yaml"
        unknown = sorted(set(placement.resources) - set(ResourceSettings.model_fields))
        if unknown:
            valid = "cpu_count, memory, gpu_count, gpu_class"
            near = did_you_mean(unknown[0], valid.split(", "))
            raise UsageError(f"{where} has unknown resources: {', '.join(unknown)}.", f"{near}Valid resources: {valid}.")
        for model, values in ((ResourceSettings, placement.resources), (operator.settings_class, placement.settings)):
            try:
                if model is not None:
                    model.model_validate(values)
            except ValidationError as error:
                first = error.errors()[0]
                place_of = ".".join(str(part) for part in first["loc"])
                raise UsageError(f"{where} is not valid: {f'{place_of}: ' if place_of else ''}{first['msg']}") from error
    if operator.validator is not None:
        operator.validator.validate(stack)  # ZenML asks as well, but only after --resume has asked the cluster for jobs


def resume_jobs(run_name: str, stack: Stack) -> None:
    """Watch the jobs of a run whose process died to their ends; the next run finds their steps in ZenML's cache.

    Raises
    ------
    UsageError
        There is no such run, or no step of this stack is a job.
    """
    from zenml.client import Client

    resume = getattr(stack.step_operator, "resume", None)
    if resume is None:
        raise UsageError(
            f"--resume goes on with jobs, and the stack '{stack.name}' has none.",
            "Run it again without --resume: steps that were finished come from the cache.",
        )
    found = Client().list_pipeline_runs(name=run_name, size=1).items
    if not found:
        raise UsageError(f"There is no run '{run_name}'.", "The summary, the dashboard and 'zenml pipeline runs list' name runs.")
    resume(found[0].id)
