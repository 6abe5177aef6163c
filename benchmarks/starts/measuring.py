"""Processor seconds of commands, by turns in this checkout and, where one is given, in an earlier one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine
from benchmarks.measure import CHECKOUT, BenchmarkError, fresh_environment, python
from benchmarks.sizes import QUICK

ROWS = 1_000
"""Rows that are scored."""
HELP_SECONDS, SCORE_SECONDS, IMPORTS_SECONDS = 0.4, 3.0, 8.0
"""What a start may take: help and a usage error, scoring ``ROWS`` rows, and all that a run imports."""
COMMANDS, IMPORTS = 7, 5
"""How many times commands are measured, and imports."""

_CLI = ("-c", "from fusionguard.cli import main; main()")


class Took(BaseModel):
    """What a command took."""

    model_config = ConfigDict(frozen=True)

    processor: float
    """Seconds of processor time, its own and that of the processes it waited for."""
    seconds: float
    """Wall clock."""


class Start(BaseModel):
    """A command and the least it took, now and in an earlier version."""

    model_config = ConfigDict(frozen=True)

    name: str
    target_seconds: float
    now: Took
    before: Took | None = None
    modules: int | None = None
    """How many modules it imports, where it does nothing else."""
    modules_before: int | None = None


class StartResults(BaseModel):
    """Everything that one call measured."""

    model_config = ConfigDict(frozen=True)

    machine: Machine
    besides: int
    """Packages that are installed beside those which `make setup` brings: some libraries import what they find."""
    starts: tuple[Start, ...]
    earlier: str | None
    """The commit of the earlier version."""
    seconds: float


def packages_besides() -> int:
    """Return how many packages are installed that ``requirements.lock`` does not name."""
    locked = re.findall(r"^([a-z0-9._-]+)==", (CHECKOUT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    installed = {re.sub(r"[-_.]+", "-", each.name).lower() for each in distributions()}
    return len(installed - set(locked) - {"fusionguard", "pip", "setuptools", "uv"})


@dataclass(frozen=True)
class Version:
    """A checkout, with a folder of its own for what its commands write."""

    checkout: Path
    folder: Path

    def environment(self) -> dict[str, str]:
        """Return the environment of its commands: bytecode is kept, as Python does unless it is told otherwise."""
        environment = fresh_environment(self.folder)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return environment | {
            "PYTHONPATH": str(self.checkout / "src"),
            "PYTHONPYCACHEPREFIX": str(self.folder.parent / "bytecode"),
        }

    def take(self, command: Sequence[str], status: int = 0) -> Took:
        """Run a command in the checkout; raises :class:`BenchmarkError` where it ends with another status."""
        environment = self.environment()
        with tempfile.TemporaryFile() as log:
            begin = time.monotonic()
            process = subprocess.Popen(
                list(command), cwd=self.checkout, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            _, ended, used = os.wait4(process.pid, 0)
            seconds = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(ended)
            if process.returncode != status:
                log.seek(0)
                said = log.read().decode("utf-8", errors="replace").strip()[-300:]
                raise BenchmarkError(f"{' '.join(command[1:])} ended with {process.returncode}: {said}", "Run it by itself.")
        return Took(processor=used.ru_utime + used.ru_stime, seconds=seconds)


@dataclass(frozen=True)
class Command:
    """What is measured: words for Python, the status it has to end with, and what it may take."""

    name: str
    words: Mapping[Version, Sequence[str]]
    target_seconds: float
    status: int = 0


def quick_commands(versions: Sequence[Version]) -> list[Command]:
    """Return help and usage errors of both programs, and scoring with a champion that has been trained there."""
    same = {
        "`run.py --help`": (("run.py", "--help"), 0),
        "`run.py`, an option mistyped": (("run.py", "--pipelin", "fraud"), 2),
        "`run.py`, a pipeline mistyped": (("run.py", "--pipeline", "frud"), 2),
        "`run.py`, a key mistyped": (("run.py", "--set", "data.rws=20000"), 2),
        "`fusionguard --help`": ((*_CLI, "--help"), 0),
        "`fusionguard score --help`": ((*_CLI, "score", "--help"), 0),
        "`fusionguard`, a command mistyped": ((*_CLI, "scroe"), 2),
        "`fusionguard score`, an option mistyped": ((*_CLI, "score", "--modle", "fraud@champion"), 2),
    }
    found = [Command(name, dict.fromkeys(versions, words), HELP_SECONDS, status) for name, (words, status) in same.items()]
    score = {version: _score(version.folder / "rows.csv", version.folder / "scores.csv") for version in versions}
    return [*found, Command(f"`fusionguard score`, {ROWS:,} transactions", score, SCORE_SECONDS)]


def _score(rows: Path, scores: Path) -> Sequence[str]:
    return (*_CLI, "score", "--model", "fraud@champion", "--input", str(rows), "--output", str(scores))


def import_commands(versions: Sequence[Version]) -> list[Command]:
    """Return, for each pipeline, to import what :func:`prepare` has seen its run import."""
    return [
        Command(
            f"imports of a {pipeline} run",
            {version: ("-m", "benchmarks.imports", "only", str(_modules(version, pipeline))) for version in versions},
            IMPORTS_SECONDS,
        )
        for pipeline in ("fraud", "churn", "monitoring")
    ]


def prepare(version: Version) -> None:
    """Train and monitor on few simulated rows, note what the runs import, and write rows to score."""
    rows = ("simulate", "--rows", str(ROWS), "--output", str(version.folder / "rows.csv"))
    version.take(python(*_CLI, *rows))
    for size in (QUICK.fraud, QUICK.churn):
        _record(version, size.pipeline, "--source", "simulated", *size.assignments())
    version.take(python("-m", "pipelines.monitoring_demo"))  # it leaves a log of an hour
    _record(version, "monitoring", "--set", "window.hours=2", "--no-cache")


def _record(version: Version, pipeline: str, *options: str) -> None:
    words = ("record", str(_modules(version, pipeline)), "run.py", "--pipeline", pipeline, *options)
    version.take(python("-m", "benchmarks.imports", *words))


def _modules(version: Version, pipeline: str) -> Path:
    return version.folder / f"{pipeline}.json"


def measure(commands: Sequence[Command], versions: Sequence[Version], times: int) -> list[Start]:
    """Run every command so many times in each version, by turns, and keep the least; a first time, to compile, does not count."""
    took: dict[tuple[str, Version], list[Took]] = {}
    for _ in range(times + 1):
        for command in commands:
            for version, words in command.words.items():
                took.setdefault((command.name, version), []).append(version.take(python(*words), command.status))
    return [_start(command, [_least(took[command.name, version][1:]) for version in versions], versions) for command in commands]


def _least(tries: Sequence[Took]) -> Took:
    return Took(processor=min(each.processor for each in tries), seconds=min(each.seconds for each in tries))


def _start(command: Command, least: Sequence[Took], versions: Sequence[Version]) -> Start:
    modules = [_count(command.words[version]) for version in versions]
    return Start(
        name=command.name,
        target_seconds=command.target_seconds,
        now=least[0],
        before=least[1] if len(versions) > 1 else None,
        modules=modules[0],
        modules_before=modules[1] if len(versions) > 1 else None,
    )


def _count(words: Sequence[str]) -> int | None:
    return len(json.loads(Path(words[-1]).read_text(encoding="utf-8"))) if words[-1].endswith(".json") else None
