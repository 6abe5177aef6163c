"""What this installation has, what it lacks, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from fusionguard import __version__
from fusionguard.errors import FusionGuardError, MissingExtraError, install_command
from fusionguard.extras import BASE, requirements
from fusionguard.families.catalog import family_names
from fusionguard.home import Home, find_checkout
from fusionguard.models.packages import XGBOOST

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NEEDED_DISK_GB = 2.0
NEEDED_MEMORY_GB = 3.0
PACKAGES = (
    "catboost",
    "duckdb",
    "fairlearn",
    "great-expectations",
    "kaggle",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "pyarrow",
    "pydantic",
    "scikit-learn",
    "torch",
    XGBOOST,
    "zenml",
)
"""The packages whose versions are shown; a checkout, which trains and runs pipelines, does not work without one of them."""

PARTS = {
    "bentoml": "the services",
    "uvicorn": "the services",
    "gradio": "the assistant",
    "evidently": "Evidently's page in a monitoring run",
    "pyspark": "--engine spark",
}
"""Packages without which the pipelines run as well, and what they are for."""

SLURM_PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol")
OLDEST_SLURM = (22, 5)
"""Slurm 22.05, with which the stack hpc is tested."""

_PROGRAM_SECONDS = 10


class Status(StrEnum):
    """How a part is: there, absent but not needed by default, or in the way of the embedded default."""

    OK = "ok"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report; ``remedy`` says what to do where there is something to do."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine(home: Home) -> list[Finding]:
    """Look at everything the project can use; nothing is changed, and no secret is read out."""
    checks: tuple[Callable[[Home], list[Finding]], ...] = (
        _python,
        _packages,
        _home,
        _disk,
        _memory,
        _registry,
        _monitoring,
        _kaggle,
        _parts,
        _java,
        _slurm,
        _cuda,
        _chromium,
    )
    return [finding for check in checks for finding in check(home)]


def default_works(findings: list[Finding]) -> bool:
    """Return whether what is installed can run: in a checkout the embedded default (simulated or local data, DuckDB, SQLite)."""
    return all(finding.status is not Status.BROKEN for finding in findings)


def _python(home: Home) -> list[Finding]:
    return [Finding("FusionGuard", Status.OK, __version__), Finding("Python", Status.OK, platform.python_version())]


def _packages(home: Home) -> list[Finding]:
    return [_package(package) for package in PACKAGES]


def _package(package: str) -> Finding:
    try:
        return Finding(package, Status.OK, importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        extra, _ = _asked_for(package)
    if find_checkout() is None and extra != BASE:
        return Finding(package, Status.ABSENT, "not installed", f"Only for {extra}: {_setup_command(extra)}")
    return Finding(package, Status.BROKEN, "not installed", f"Install it again: {_setup_command(extra)}")


def _setup_command(extra: str) -> str:
    return "make setup" if find_checkout() else install_command(extra)


def _asked_for(package: str) -> tuple[str, Requirement | None]:
    """Return the first extra that asks for a package, and how; no extra and nothing where none does."""
    for extra, asked in requirements().items():
        for requirement in asked:
            if requirement.name == package:
                return extra, requirement
    return BASE, None


def _home(home: Home) -> list[Finding]:
    try:
        with tempfile.TemporaryFile(dir=_nearest_folder(home.state)):
            return [Finding("home", Status.OK, f"{home.root} (writable)")]
    except OSError as error:
        remedy = "Change its permissions, or name another folder in FUSIONGUARD_HOME."
        return [Finding("home", Status.BROKEN, f"{home.root}: {error.strerror}", remedy)]


def _disk(home: Home) -> list[Finding]:
    free_gb = shutil.disk_usage(_nearest_folder(home.state)).free / 1e9
    detail = f"{free_gb:.1f} GB free"
    if free_gb < NEEDED_DISK_GB:
        return [
            Finding("disk", Status.BROKEN, detail, f"A run needs {NEEDED_DISK_GB:.0f} GB: free some, or move FUSIONGUARD_HOME.")
        ]
    return [Finding("disk", Status.OK, detail)]


def _memory(home: Home) -> list[Finding]:
    total_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    detail = f"{total_gb:.1f} GB, {os.cpu_count()} cores"
    if total_gb < NEEDED_MEMORY_GB:
        return [
            Finding(
                "memory", Status.BROKEN, detail, f"A run at full size needs {NEEDED_MEMORY_GB:.0f} GB: --set data.rows=50000."
            )
        ]
    return [Finding("memory", Status.OK, detail)]


def _registry(home: Home) -> list[Finding]:
    try:
        return _registry_state(home)
    except ImportError as error:
        return [
            Finding("MLflow", Status.BROKEN, f"cannot be imported: {error}", f"Install it again: {_setup_command('registry')}")
        ]


def _registry_state(home: Home) -> list[Finding]:
    from fusionguard.registry.model_names import model_names
    from fusionguard.registry.tracking import sqlite_file

    database = sqlite_file(home.mlflow_uri)
    if database is not None and not database.exists():
        return [
            Finding("MLflow", Status.OK, f"no store yet; the first run makes {database}"),
            *(_absent(model, f"no {model} model has been trained yet") for model in family_names()),
        ]
    try:
        champions = [_champion(home, model) for model in model_names(home)]
    except MissingExtraError as error:
        return [Finding("MLflow", Status.ABSENT, error.what, error.remedy)]
    except FusionGuardError as error:
        return [Finding("MLflow", Status.BROKEN, error.what, error.remedy)]
    return [Finding("MLflow", Status.OK, f"healthy ({database or 'a tracking server'})"), *champions]


def _champion(home: Home, model: str) -> Finding:
    """Say which version of a model is champion and whether its bundle is whole; a registry that fails raises."""
    from fusionguard.registry.aliases import champion, resolve_bundle
    from fusionguard.registry.versions import CHAMPION

    version = champion(home, model)
    if version is None:
        return _absent(model, f"no version of {model} is champion")
    try:
        bundle = resolve_bundle(home, f"{model}@{CHAMPION}")
    except FusionGuardError as error:
        return Finding(f"{model} champion", Status.BROKEN, error.what, error.remedy)
    simulated = ", trained on SIMULATED data" if version.simulated else ""
    return Finding(f"{model} champion", Status.OK, f"version {version.version}, bundle {bundle.version}{simulated}")


def _absent(model: str, detail: str) -> Finding:
    from fusionguard.registry.model_names import how_to_train

    return Finding(f"{model} champion", Status.ABSENT, detail, f"Train one{_where()}: {how_to_train(model)}")


def _where() -> str:
    return "" if find_checkout() else " in a checkout of FusionGuard"


def _monitoring(home: Home) -> list[Finding]:
    """Say of each model that was scored what the last verdict was."""
    from fusionguard.monitoring.history import history_file, read_history

    findings = []
    others = {folder.name for place in (home.predictions, home.monitoring) for folder in place.glob("[!.]*") if folder.is_dir()}
    for model in (*family_names(), *sorted(others - {*family_names()})):
        name, command = f"{model} monitoring", f"run.py --pipeline monitoring --set model={model}"
        try:
            verdicts = read_history(history_file(home, model))
        except FusionGuardError as error:
            findings.append(Finding(name, Status.BROKEN, error.what, error.remedy))
            continue
        if verdicts:
            last = verdicts[-1]
            simulated = " (SIMULATED data)" if last.simulated else ""
            detail = f"{last.state}{simulated} on {last.at:%Y-%m-%d %H:%M} UTC, version {last.model_version}"
            findings.append(Finding(name, Status.OK, detail, "" if last.action == "none" else f"advice: {last.action}"))
        elif any((home.predictions / model).glob("*.parquet")):  # a service makes the folder before any row comes
            findings.append(Finding(name, Status.ABSENT, "rows were scored and never judged", f"Judge them{_where()}: {command}"))
        else:
            findings.append(
                Finding(name, Status.ABSENT, "nothing has been scored yet", f"For a demonstration{_where()}: make monitoring")
            )
    return findings


def _kaggle(home: Home) -> list[Finding]:
    try:
        from fusionguard.data.kaggle import find_credentials
    except ImportError as error:
        return [
            Finding(
                "Kaggle credentials", Status.ABSENT, f"cannot be looked up: {error}", f"Install it again: {_setup_command(BASE)}"
            )
        ]
    place = find_credentials()
    if place is None:
        remedy = "Only for --source kaggle: make a token at https://www.kaggle.com/settings and put it in KAGGLE_API_TOKEN."
        return [Finding("Kaggle credentials", Status.ABSENT, "none", remedy)]
    return [Finding("Kaggle credentials", Status.OK, f"present in {place}")]


def _parts(home: Home) -> list[Finding]:
    return [_part(package, purpose) for package, purpose in PARTS.items()]


def _part(package: str, purpose: str) -> Finding:
    """Say whether a package is there in a version that fits what FusionGuard asks for."""
    extra, asked = _asked_for(package)
    remedy = f"Only for {purpose}: {_setup_command(extra)}"
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Finding(package, Status.ABSENT, "not installed", remedy)
    if asked is not None and version not in asked.specifier:
        return Finding(package, Status.ABSENT, f"{version}, where {asked.specifier} is needed", remedy)
    return Finding(package, Status.OK, version)


def _slurm(home: Home) -> list[Finding]:
    purpose = "Only for --stack hpc: type it on a login node of the cluster, or load its module (docs/hpc.md)."
    missing = [program for program in SLURM_PROGRAMS if shutil.which(program) is None]
    if "sbatch" in missing:
        return [Finding("Slurm", Status.ABSENT, "not found", purpose)]
    if missing:
        return [Finding("Slurm", Status.ABSENT, f"without {', '.join(missing)}", purpose)]
    version = re.search(r"\d+\.\d+(?:\.\d+)*", _output_of("sbatch", "--version"))
    if version is None:
        return [Finding("Slurm", Status.ABSENT, "sbatch does not say its version", purpose)]
    if tuple(map(int, version.group().split(".")[:2])) < OLDEST_SLURM:
        oldest = "{}.{:02}".format(*OLDEST_SLURM)
        attempt = f"python run.py --stack hpc --pipeline {family_names()[0]} --source simulated"
        remedy = f"Ask the cluster's administrators, or try: {attempt}"
        return [Finding("Slurm", Status.ABSENT, f"{version.group()}, older than {oldest}, which is tested", remedy)]
    return [Finding("Slurm", Status.OK, version.group())]


def _java(home: Home) -> list[Finding]:
    home_java = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home_java) / "bin")) if home_java else shutil.which("java")
    if java is None:
        return [
            Finding("Java", Status.ABSENT, "not found", "Only for --engine spark: install a Java 17 runtime, or set JAVA_HOME.")
        ]
    version = re.search(r'version "([^"]+)"', _output_of(java, "-version"))
    return [Finding("Java", Status.OK, version.group(1) if version else "present")]


def _cuda(home: Home) -> list[Finding]:
    if shutil.which("nvidia-smi") is None:  # no driver: do not import torch (2 s) to hear the same
        return [Finding("CUDA", Status.ABSENT, "no NVIDIA driver; training uses the CPU")]
    if importlib.util.find_spec("torch") is None:
        return [Finding("CUDA", Status.ABSENT, "a driver, but no torch", f"Only for trainings: {_setup_command('training')}")]
    import torch

    if not torch.cuda.is_available():
        remedy = "Install the CUDA build of torch to train the autoencoder on it."
        return [Finding("CUDA", Status.ABSENT, "a driver, but torch cannot use it; training uses the CPU", remedy)]
    return [Finding("CUDA", Status.OK, torch.cuda.get_device_name(0))]


def _chromium(home: Home) -> list[Finding]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        return [Finding("Chromium", Status.ABSENT, "not found", "Only for the browser tests: apt-get install chromium")]
    version = re.search(r"[\d.]+", _output_of(program, "--version"))
    return [Finding("Chromium", Status.OK, version.group() if version else "present")]


def _output_of(*command: str) -> str:
    """Return what a program says about itself, or nothing where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROGRAM_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
