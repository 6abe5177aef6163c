"""How a site runs jobs: where they are kept, which Python, which partitions, what their shell needs."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator
from zenml.step_operators import BaseStepOperatorConfig

from .settings import SlurmSettings

Need = Literal["cpu", "gpu", "interruptible_cpu", "interruptible_gpu"]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SlurmStepOperatorConfig(BaseStepOperatorConfig, SlurmSettings):
    """The component's configuration; the settings of :class:`SlurmSettings` in it are every step's defaults."""

    folder: str = Field(description="Where jobs are kept: a folder that login and compute nodes share.")
    setup: list[str] = Field(default_factory=list, description="Shell lines before the step, such as 'module load python'.")
    python: str | None = Field(None, description="The interpreter of the jobs; by default the one that submits them.")
    partitions: dict[Need, str] = Field(default_factory=dict, description="The partition for each need; else Slurm's default.")
    environment: dict[str, str] = Field(default_factory=dict, description="Variables of the jobs.")
    pass_environment: list[str] = Field(default_factory=list, description="Variables handed on to jobs where they are set.")

    code_root: str | None = Field(None, description="The code that is copied for each run; by default ZenML's source root.")
    code: list[str] = Field(default_factory=lambda: ["."], description="Files and folders under code_root to copy.")
    python_path: list[str] = Field(default_factory=lambda: ["."], description="Folders of the copy on PYTHONPATH, first wins.")
    source_root: str = Field(".", description="The folder of the copy that is ZenML's source root.")
    activate_integrations: bool = Field(False, description="Import ZenML's integrations in each job (seconds); rarely needed.")
    checkpoint_variable: str = Field("ZENML_CHECKPOINTS", description="The variable that names the step run's checkpoint folder.")
    warning_listener: str | None = Field(None, description="module.function called in the job first; it may handle USR1.")

    preemption_limit: int = Field(100, ge=0, description="How often a preempted job that the site cancels is submitted again.")
    timeout_limit: int = Field(2, ge=0, description="How often a job that ran out of time is submitted again.")
    node_failure_limit: int = Field(2, ge=0, description="How often a job whose node failed is submitted again.")
    poll_seconds: float = Field(5.0, ge=1, description="Ask the controller at most once in this time, for all jobs.")
    command_seconds: float = Field(60.0, gt=0, description="How long a Slurm command may take to answer.")
    patience_seconds: float = Field(1800.0, ge=0, description="How long the controller may be away before a job is given up.")
    keep_days: float = Field(30.0, gt=0, description="Job folders untouched for longer go, unless Slurm knows their jobs.")

    @field_validator("setup")
    @classmethod
    def _are_lines(cls, lines: list[str]) -> list[str]:
        for line in lines:
            if "\n" in line or "\0" in line:
                raise ValueError(f"{line!r} is more than one line: write one entry a line.")
        return lines

    @field_validator("environment")
    @classmethod
    def _are_variables(cls, variables: dict[str, str]) -> dict[str, str]:
        for name in variables:
            check_variable(name)
        return variables

    @field_validator("pass_environment")
    @classmethod
    def _are_names(cls, names: list[str]) -> list[str]:
        for name in names:
            check_variable(name)
        return names

    @field_validator("checkpoint_variable")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        check_variable(name)
        return name

    @property
    def is_remote(self) -> bool:
        """Jobs reach the metadata store as this process does, so no server is required."""
        return False

    @property
    def is_local(self) -> bool:
        """Jobs run on other nodes."""
        return False


def check_variable(name: str) -> None:
    """Raise :class:`ValueError` where ``name`` cannot be an environment variable."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of an environment variable.")
