"""Mutate one module in a folder of its own, let its tests run against each mutant, and return what became of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import CHECKOUT
from benchmarks.mutation.plan import Equivalent, Module

_NEEDED = ("src", "tests", "pipelines", "steps", "stacks", "materializers", "benchmarks", "pyproject.toml", "run.py")
_KILLED = frozenset({"killed", "timeout", "segfault", "caught by type check"})
"""A mutant that never ends, or ends its process, is noticed as well."""
_SETTINGS = """

[tool.mutmut]
source_paths = ["src"]
only_mutate = [{source}]
also_copy = [{copied}]
pytest_add_cli_args = ["-m", "not full", "-x", "-q", {plugins}]
pytest_add_cli_args_test_selection = [{tests}]
process_isolation = "forkserver"
do_not_mutate_patterns = ['^\\s*raise ']
"""
"""The words of an error are not code: what is raised where is, and stands on lines before."""
_WITHOUT = ("cacheprovider", "xdist", "faker", "unraisableexception")
"""The last two take most of a mutant's second: they load words nobody asks for, and collect garbage ten times at the end."""


@dataclass(frozen=True)
class Survivor:
    """A mutant that its tests let pass."""

    name: str
    function: str
    before: str
    after: str
    equivalent: Equivalent | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a module's mutants."""

    module: Module
    mutants: int
    survivors: tuple[Survivor, ...]


def mutate(module: Module, *, mutants: str = "*", processes: int = 2, keep: Path | None = None) -> Outcome:
    """Run a module's tests against its mutants.

    Parameters
    ----------
    mutants
        A pattern for the end of their names: ``*_*7`` chooses those whose number ends in 7, about every tenth.
    processes
        How many mutants are tested at a time.
    keep
        Where the tool's own output is written; None for nowhere.

    Raises
    ------
    RuntimeError
        The tests fail without any mutation, or the tool cannot run; the message holds the end of its output.
    """
    with tempfile.TemporaryDirectory(prefix="fg-mutation-", ignore_cleanup_errors=True) as name:
        # A level of its own, that tests do not find other files beside the checkout than they know of.
        folder = Path(name) / "checkout"
        folder.mkdir()
        _copy(folder, module)
        output = _mutmut(
            folder, "run", "--max-children", str(processes), *([] if mutants == "*" else [f"{module.dotted}.{mutants}"])
        )
        if keep is not None:
            keep.write_text(output, encoding="utf-8")
        return _read(folder, module, output)


def _copy(folder: Path, module: Module) -> None:
    for name in _NEEDED:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
        else:
            shutil.copy2(source, folder / name)
    copied = [name for name in _NEEDED if name not in ("src", "tests", "pyproject.toml")]
    settings = _SETTINGS.format(
        source=json.dumps(module.source),
        plugins=", ".join(f'"-p", "no:{name}"' for name in _WITHOUT),
        tests=", ".join(json.dumps(f"tests/{test}") for test in module.tests),
        copied=", ".join(json.dumps(name) for name in copied),
    )
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(settings)


def _mutmut(folder: Path, *arguments: str) -> str:
    # One thread a library: a process that is forked from one with OpenMP's threads waits for them for ever.
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    text = done.stdout.replace("\r", "\n")
    if done.returncode != 0:
        raise RuntimeError(f"mutmut {' '.join(arguments)} ended with {done.returncode}:\n{text[-3000:]}")
    return text


def _read(folder: Path, module: Module, output: str) -> Outcome:
    states = dict(_states(_mutmut(folder, "results", "--all", "true").splitlines()))
    judged = {name: state for name, state in states.items() if state != "not checked"}
    if not judged:
        raise RuntimeError(f"No mutant of {module.file} was tested:\n{output[-3000:]}")
    survivors = [_survivor(folder, module, name) for name, state in sorted(judged.items()) if state not in _KILLED]
    return Outcome(module, len(judged), tuple(survivors))


def _states(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, colon, state = line.strip().rpartition(": ")
        if colon and "__mutmut_" in name:
            yield name, state


def _survivor(folder: Path, module: Module, name: str) -> Survivor:
    lines = _mutmut(folder, "show", name).splitlines()
    changes = [line for line in lines if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
    before, after = (_joined(line[1:] for line in changes if line[0] == sign) for sign in "-+")
    function = (
        name.removeprefix(f"{module.dotted}.").rpartition("__mutmut_")[0].removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
    )
    known = [one for one in module.equivalent if (one.function, one.before, one.after) == (function, before, after)]
    return Survivor(name, function, before, after, known[0] if known else None)


def _joined(lines: Iterable[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())
