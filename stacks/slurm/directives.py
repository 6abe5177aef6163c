"""From settings and resources to the options of sbatch: one list of words that no shell ever reads."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenml.config.resource_settings import ResourceSettings

    from .config import Need, SlurmStepOperatorConfig
    from .settings import SlurmSettings

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


def sbatch_options(
    settings: SlurmSettings, resources: ResourceSettings, config: SlurmStepOperatorConfig, *, name: str, folder: Path
) -> list[str]:
    """Return sbatch's options for a step.

    Parameters
    ----------
    name
        The job's name; what Slurm's tools would stumble over is replaced.
    folder
        The job's folder; its log lies there.
    """
    gpus = resources.gpu_count or 0
    partition = settings.partition or config.partitions.get(need(gpus, bool(settings.interruptible)))
    gres = settings.gres
    if gres is None and gpus:
        gres = f"gpu:{resources.gpu_class}:{gpus}" if resources.gpu_class else f"gpu:{gpus}"
    memory = resources.get_memory("MiB")
    chosen: dict[str, str | int | None] = {
        "partition": partition,
        "time": settings.time,
        "qos": settings.qos,
        "account": settings.account,
        "constraint": settings.constraint,
        "gres": gres,
        "cpus-per-task": math.ceil(resources.cpu_count) if resources.cpu_count else None,
        "mem": f"{math.ceil(memory)}M" if memory else None,
    }
    options = [f"--{option}={value}" for option, value in chosen.items() if value is not None]
    for option, value in settings.extra.items():
        if value is not False:
            options.append(f"--{option}" if value is True else f"--{option}={value}")
    log = str(folder / "log").replace("%", "%%")  # sbatch would fill in %j and its like
    return [
        *options,
        "--parsable",
        f"--job-name={safe_name(name)}",
        f"--output={log}",
        "--open-mode=append",  # a requeue would empty it
        "--export=NIL",
        "--requeue",
        f"--signal=B:USR1@{settings.warning_seconds}",
        f"--chdir={folder}",
    ]


def need(gpus: int, interruptible: bool) -> Need:
    """Return which partition a step needs."""
    if interruptible:
        return "interruptible_gpu" if gpus else "interruptible_cpu"
    return "gpu" if gpus else "cpu"


def job_name(options: Sequence[str]) -> str:
    """Return the job name among sbatch's options."""
    return next(option.partition("=")[2] for option in options if option.startswith("--job-name="))


def safe_name(name: str) -> str:
    """Return ``name`` with only letters, digits and ``_.-`` in it."""
    return _NOT_IN_NAMES.sub("_", name)[:100]
