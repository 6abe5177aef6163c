"""What a site's configuration means: it is checked before a run, and becomes the variables of jobs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from zenml.utils import source_utils

from .client import SlurmClient
from .config import SlurmStepOperatorConfig
from .environment import of_the_user
from .errors import SettingsError, did_you_mean
from .folder import JobFolder
from .helpers import shared_folder


def check_site(config: SlurmStepOperatorConfig, client: SlurmClient) -> None:
    """Raise :class:`SettingsError` where Slurm's commands are not here, or a configured partition does not exist."""
    if os.environ.get("SLURM_JOB_ID") and os.environ.get("ZENML_STEP_OPERATOR"):
        return  # in a job
    client.check_installed()
    wanted = {*config.partitions.values(), *([config.partition] if config.partition else [])}
    known = client.partitions_of_the_site()
    unknown = sorted(wanted - set(known))
    if unknown:
        raise SettingsError(
            f"Unknown partition {', '.join(unknown)}.",
            f"{did_you_mean(unknown[0], known)}Valid partitions: {', '.join(known)}.",
        )


def code_root(config: SlurmStepOperatorConfig) -> Path:
    """Return the folder of the code that is copied for each run."""
    return Path(config.code_root or source_utils.get_source_root()).resolve()


def job_environment(
    config: SlurmStepOperatorConfig, given: Mapping[str, str], folder: JobFolder, code: Path, gpus: int
) -> dict[str, str]:
    """Return the variables of a step's job; ``given`` is what ZenML hands to it, ``code`` the run's copy of the code."""
    path = os.pathsep.join(str(code / part) for part in config.python_path)
    handed = {name: os.environ[name] for name in config.pass_environment if name in os.environ}
    return {
        **of_the_user(),
        **given,
        **config.environment,
        **handed,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "ZENML_CUSTOM_SOURCE_ROOT": str(code / config.source_root),
        "DISABLE_DATABASE_MIGRATION": "true",  # this process has just looked, and a job must not change the user's database
        "ZENML_SLURM_USAGE": str(folder.usage),
        "ZENML_SLURM_GPUS": str(gpus or ""),
        "ZENML_SLURM_INTEGRATIONS": "1" if config.activate_integrations else "",
        "ZENML_SLURM_LISTENER": config.warning_listener or "",
        config.checkpoint_variable: str(folder.checkpoints),
        **shared_folder(folder.checkpoints),
    }
