"""What a step may ask of Slurm, checked before anything is submitted."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator
from zenml.config.base_settings import BaseSettings

from .errors import did_you_mean

_TIME = re.compile(r"(\d+-)?\d{1,3}(:\d{1,2}){0,2}")
_WORD = re.compile(r"[A-Za-z0-9_.,@:/=&|!*()\[\]+-]+")
_DIRECTIVE = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
# fmt: off
RESERVED = frozenset({
    "array", "batch", "chdir", "clusters", "error", "export", "export-file", "get-user-env", "gid", "help", "hold", "ignore-pbs",
    "input", "job-name", "kill-on-invalid-dep", "no-requeue", "open-mode", "output", "parsable", "quiet", "requeue",
    "signal", "test-only", "uid", "usage", "verbose", "version", "wait", "wrap",
})
# fmt: on
"""Directives the operator needs for itself."""
_FIELDS = {
    "partition": "partition",
    "time": "time",
    "qos": "qos",
    "account": "account",
    "constraint": "constraint",
    "gres": "gres",
}
_RESOURCES = {"cpus-per-task": "cpu_count", "mem": "memory", "gpus": "gpu_count"}


class SlurmSettings(BaseSettings):
    """Settings of one step, or the defaults of all (then they stand in the component's configuration).

    CPUs, memory and GPUs come from ZenML's ``ResourceSettings``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str | None = Field(None, description="The partition; by default the one for the step's need.")
    interruptible: bool | None = Field(None, description="Use the partition whose jobs may be preempted.")
    time: str | None = Field(None, description="Time limit: minutes, HH:MM:SS or D-HH:MM:SS, in quotes.")
    qos: str | None = Field(None, description="Quality of service.")
    account: str | None = Field(None, description="The account that is charged.")
    constraint: str | None = Field(None, description="Features the node must have.")
    gres: str | None = Field(None, description="Generic resources; by default made of ResourceSettings' GPUs.")
    gpu_optional: bool = Field(True, description="Where the cluster refuses a GPU, say so and go on without one.")
    warning_seconds: int = Field(60, ge=1, le=65535, description="How long before its end a job is warned.")
    queue_hours: float | None = Field(None, gt=0, description="Give up on a job that has waited this long; never, by default.")
    helpers: int = Field(
        0, ge=0, le=1000, description="So many further jobs run the step's function beside it, for a step that shares its work."
    )
    helpers_at_once: int | None = Field(None, ge=1, description="At most so many helpers at a time; by default all of them.")
    extra: dict[str, str | int | bool] = Field(
        default_factory=dict, description="Further long options of sbatch without dashes; true for one without a value."
    )

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, values: Any) -> Any:
        if isinstance(values, dict):
            unknown = sorted(set(values) - set(cls.model_fields))
            if unknown:
                valid = ", ".join(sorted(cls.model_fields))
                named = ", ".join(repr(key) for key in unknown)
                raise ValueError(f"Unknown setting {named}. {did_you_mean(unknown[0], cls.model_fields)}Valid settings: {valid}.")
        return values

    @field_validator("time", mode="before")
    @classmethod
    def _is_a_time(cls, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            raise ValueError(f"{value!r} is not a time limit. Write minutes, 'HH:MM:SS' or 'D-HH:MM:SS', in quotes.")
        return value

    @field_validator("partition", "qos", "account", "constraint", "gres")
    @classmethod
    def _is_one_word(cls, value: str | None) -> str | None:
        if value is not None and not _WORD.fullmatch(value):
            raise ValueError(f"{value!r} is not a name Slurm knows: letters, digits and {'_.,@:/=&|!*()[]+-'} only, no spaces.")
        return value

    @field_validator("extra")
    @classmethod
    def _are_directives(cls, extra: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
        for name, value in extra.items():
            if not _DIRECTIVE.fullmatch(name):
                raise ValueError(f"{name!r} is not a long option of sbatch, written without dashes.")
            if any(each.startswith(name) for each in RESERVED):  # sbatch takes abbreviations
                raise ValueError(f"'{name}' is set by the step operator. Not in extra: {', '.join(sorted(RESERVED))}.")
            if name in _FIELDS:
                raise ValueError(f"'{name}' has a setting of its own: write {name}: instead of extra.")
            if name in _RESOURCES:
                raise ValueError(f"'{name}' comes from ZenML's ResourceSettings: write {_RESOURCES[name]}: there.")
            if any(ord(letter) < 32 or ord(letter) == 127 for letter in str(value)):
                raise ValueError(f"The value of '{name}' holds a control character or a line break.")
        return extra
