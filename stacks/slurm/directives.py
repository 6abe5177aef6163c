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
    from .errors import SettingsError
    from .settings import SlurmSettings

_NO_GPU = ("gres", "generic resource", "node configuration is not available")
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


def array_options(options: Sequence[str], folder: Path, count: int, at_once: int | None) -> list[str]:
    """Return the options of an array of ``count`` jobs like the one of ``options``; each logs into ``folder/<number>/log``."""
    log = str(folder).replace("%", "%%")
    bound = f"%{min(at_once, count)}" if at_once else ""
    own = {"--job-name": f"{job_name(options)}-helpers", "--output": f"{log}/%a/log", "--chdir": str(folder)}
    kept = [option for option in options if option.partition("=")[0] not in own]
    return [*kept, *(f"{option}={value}" for option, value in own.items()), f"--array=1-{count}{bound}"]


def without_gpu(
    refused: SettingsError, options: Sequence[str], settings: SlurmSettings, config: SlurmStepOperatorConfig
) -> list[str] | None:
    """Return the options for a job without a GPU, where that may be why it was refused."""
    said = refused.what.lower()
    if not settings.gpu_optional or not any(mark in said for mark in _NO_GPU):
        return None
    kept = [option for option in options if not option.startswith(("--gres=", "--partition="))]
    partition = settings.partition or config.partitions.get(need(0, bool(settings.interruptible)))
    return [f"--partition={partition}", *kept] if partition else kept


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
