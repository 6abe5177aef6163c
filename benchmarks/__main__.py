"""``python -m benchmarks``: measure everything and write docs/benchmarks.md. ``--help`` says how to measure less."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.churn_quality import measure_churn_quality
from benchmarks.declared.section import BEGIN as DECLARED
from benchmarks.engines import measure_engines
from benchmarks.growth import measure_growth
from benchmarks.history_build import BEGIN as HISTORY
from benchmarks.machine import describe_machine
from benchmarks.markdown import kept
from benchmarks.measure import CHECKOUT
from benchmarks.novelty.section import BEGIN as NOVELTY
from benchmarks.overhead import measure_without_zenml
from benchmarks.peer import measure_plain_script
from benchmarks.pipeline_run import MeasuredRun, measure_run
from benchmarks.results import Results
from benchmarks.sizes import FULL, QUICK, RunSize, Sizes
from fusionguard.data.ingest import read_raw
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.files import write_bytes, write_text

PARTS = ("fraud-run", "plain-script", "without-zenml", "engines", "growth", "churn-run", "churn-quality", "churn-engines")
_COMPARED_WITH_THE_RUN = {"plain-script", "without-zenml", "growth"}
_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure what the arguments ask for; return the exit status: 0, 1 for a failure, 2 for a mistake in the command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.quick or options.only) and options.output is None:
        parser.error("name a file with --output: docs/benchmarks.md holds whole measurements only")
    parts = set(options.only or PARTS)
    if options.customers is not None and "churn-quality" not in parts:
        parser.error("--customers is for churn-quality, which --only leaves out")
    try:
        results = measure_all(QUICK if options.quick else FULL, parts, options.customers)
        write(results, options.output or _DOCUMENT)
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: nothing was written.\n")
        return 130
    return 0


def measure_all(sizes: Sizes, parts: set[str], customers: Path | None = None) -> Results:
    """Measure some parts, and the fraud run where one of them is compared with it, in a temporary folder that goes afterwards.

    ``customers`` is a file that the churn models' quality is measured on; without one its customers are simulated.
    """
    begin = time.monotonic()
    machine = describe_machine()
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
        folder = Path(temporary)
        _require_space(folder, sizes.free_disk_gb)
        if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # else each process would compile anew, as on nobody's machine
            os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        if customers is not None:
            customers = customers.expanduser().resolve()
            read_raw(customers, CHURN, folder / "customers.parquet")  # better to fail now than when all else was measured
        if parts & {"fraud-run", *_COMPARED_WITH_THE_RUN}:
            measured["fraud_run"] = _run(sizes.fraud, QUICK.fraud, folder, sizes)
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
            _say(f"both engines on {_listed(sizes.engine_rows)} transactions")
            measured["engines"] = measure_engines("fraud", sizes.engine_rows, folder / "engines")
        if "churn-run" in parts:
            measured["churn_run"] = _run(sizes.churn, QUICK.churn, folder, sizes)
        if "churn-quality" in parts:
            _say(f"the churn models' quality on {'simulated customers' if customers is None else 'the customers given'}")
            measured["churn_quality"] = measure_churn_quality(sizes.churn, customers, folder / "churn-quality")
        if "churn-engines" in parts:
            _say(f"both engines on {_listed(sizes.churn_engine_rows)} customers")
            measured["churn_engines"] = measure_engines("churn", sizes.churn_engine_rows, folder / "churn-engines")
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
    before = document.read_text(encoding="utf-8") if document.is_file() else ""
    sections = [found for begin in (DECLARED, HISTORY, NOVELTY) if (found := kept(before, begin))]
    text = write_document(results, chart.name if image is not None else None)
    write_text(document, "\n".join([text, *(f"{section}\n" for section in sections)]))
    _say(f"wrote {document}")


def _run(size: RunSize, warm_up: RunSize, folder: Path, sizes: Sizes) -> MeasuredRun:
    _say(f"the {size.pipeline} run, cold and cached, and its imports")
    return measure_run(size, folder / f"{size.pipeline}-run", warm_up=warm_up if sizes is FULL else None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure FusionGuard and write docs/benchmarks.md.")
    add = parser.add_argument
    add("--only", metavar="NAME", action="append", choices=PARTS, help=f"measure this part; repeatable: {', '.join(PARTS)}")
    add("--quick", action="store_true", help="small sizes: it takes a few minutes, and the numbers mean nothing")
    add("--output", metavar="FILE.md", type=Path, help="where to write, with a chart beside it (default: docs/benchmarks.md)")
    add(
        "--customers",
        metavar="FILE",
        type=Path,
        help="real customers in Kaggle's layout, on which the churn models' quality is judged (default: simulated, not judged)",
    )
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
