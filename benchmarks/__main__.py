"""``python -m benchmarks``: measure everything and write docs/benchmarks.md. ``--help`` says how to measure less."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.engines import measure_engines
from benchmarks.fraud_run import measure_fraud_run
from benchmarks.growth import measure_growth
from benchmarks.machine import describe_machine
from benchmarks.measure import CHECKOUT
from benchmarks.overhead import measure_without_zenml
from benchmarks.peer import measure_plain_script
from benchmarks.results import EngineRun, Results
from benchmarks.sizes import FULL, QUICK, Sizes
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.files import write_bytes, write_text

PARTS = ("fraud-run", "plain-script", "without-zenml", "engines", "growth")
_COMPARED_WITH_THE_RUN = {"plain-script", "without-zenml", "growth"}
_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure what the arguments ask for; return the exit status: 0, 1 for a failure, 2 for a mistake in the command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.quick or options.only) and options.output is None:
        parser.error("name a file with --output: docs/benchmarks.md holds whole measurements only")
    try:
        results = measure_all(QUICK if options.quick else FULL, set(options.only or PARTS))
        write(results, options.output or _DOCUMENT)
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: nothing was written.\n")
        return 130
    return 0


def measure_all(sizes: Sizes, parts: set[str]) -> Results:
    """Measure some parts, and the fraud run where one of them is compared with it, in a temporary folder that goes afterwards."""
    begin = time.monotonic()
    machine = describe_machine()
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
        folder = Path(temporary)
        _require_space(folder, sizes.free_disk_gb)
        if parts & {"fraud-run", *_COMPARED_WITH_THE_RUN}:
            _say("the fraud run, cold and cached, and its imports")
            measured["fraud_run"] = measure_fraud_run(sizes, folder / "fraud-run")
        if "plain-script" in parts:
            _say("the plain script")
            measured["plain_script"] = measure_plain_script(sizes, folder / "plain-script")
        if "without-zenml" in parts:
            _say("the run without ZenML")
            measured["without_zenml"] = measure_without_zenml(sizes, folder / "without-zenml")
        if "growth" in parts:
            _say(f"the fraud run on {_listed(sizes.growth_rows)} rows")
            measured["growth"] = measure_growth(sizes, measured["fraud_run"].cold, folder / "growth")
        if "engines" in parts:
            _say(f"both engines on {_listed(sizes.engine_rows)} rows")
            engines = measure_engines(list(sizes.engine_rows), folder / "engines")
            measured["engines"] = tuple(EngineRun.model_validate(run) for run in engines)
    return Results(
        day=datetime.now(UTC).date(), machine=machine, full_size=sizes is FULL, seconds=time.monotonic() - begin, **measured
    )


def write(results: Results, document: Path) -> None:
    """Write the document and, beside it, its chart; each whole or not at all."""
    from benchmarks.chart import draw_chart
    from benchmarks.document import write_document

    image = draw_chart(results)
    chart = document.with_suffix(".png")
    if image is not None:
        write_bytes(chart, image)
    write_text(document, write_document(results, chart.name if image is not None else None))
    _say(f"wrote {document}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure FusionGuard and write docs/benchmarks.md.")
    add = parser.add_argument
    add("--only", metavar="NAME", action="append", choices=PARTS, help=f"measure this part; repeatable: {', '.join(PARTS)}")
    add("--quick", action="store_true", help="small sizes: it takes two minutes, and the numbers mean nothing")
    add("--output", metavar="FILE.md", type=Path, help="where to write, with a chart beside it (default: docs/benchmarks.md)")
    return parser


def _require_space(folder: Path, needed_gb: int) -> None:
    free_gb = shutil.disk_usage(folder).free / 2**30
    if free_gb < needed_gb:
        raise UsageError(
            f"The temporary folder has {free_gb:.0f} GB of free disk; {needed_gb} GB are needed.",
            "Set TMPDIR to a roomier one.",
        )


def _listed(rows: Iterable[int]) -> str:
    return ", ".join(f"{each:,}" for each in rows)


def _say(text: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
