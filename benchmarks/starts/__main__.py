"""``python -m benchmarks.starts``: measure what starting costs, and write the section into benchmarks/starts/starts.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from benchmarks.starts.measuring import (
    COMMANDS,
    IMPORTS,
    StartResults,
    Version,
    import_commands,
    measure,
    packages_besides,
    prepare,
    quick_commands,
)
from benchmarks.starts.section import BEGIN, LIBRARIES, section
from fusionguard.errors import FusionGuardError
from fusionguard.files import write_text

_DOCUMENT = CHECKOUT / "benchmarks" / "starts" / "starts.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.starts", description="Measure what starting costs.")
    parser.add_argument("--before", metavar="CHECKOUT", type=Path, help="measure an earlier version's checkout, too, by turns")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the section there instead of benchmarks/starts/starts.md"
    )
    options = parser.parse_args(arguments)
    if options.before is not None and not (options.before / "run.py").is_file():
        parser.error(f"{options.before} is no checkout: it has no run.py")
    try:
        with tempfile.TemporaryDirectory(prefix="fg-bench-starts-") as name:
            text = section(measure_all(Path(name), options.before and options.before.resolve()))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    else:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    return 0


def measure_all(folder: Path, before: Path | None) -> StartResults:
    """Train on few rows in every version, then measure."""
    begin, machine = time.monotonic(), describe_machine(LIBRARIES)
    versions = [Version(CHECKOUT, folder / "now"), *([Version(before, folder / "before")] if before is not None else [])]
    for version in versions:
        _say(f"few rows, in {version.folder.name}'s version, to see what runs import")
        prepare(version)
    _say("commands")
    commands = measure(quick_commands(versions), versions, COMMANDS)
    _say("imports of runs")
    imports = measure(import_commands(versions), versions, IMPORTS)
    return StartResults(
        machine=machine,
        besides=packages_besides(),
        starts=(*commands, *imports),
        earlier=None if before is None else _commit(before),
        seconds=time.monotonic() - begin,
    )


def _commit(checkout: Path) -> str:
    words = ["git", "-C", str(checkout), "log", "-1", "--format=%h of %cs"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


if __name__ == "__main__":
    sys.exit(main())
