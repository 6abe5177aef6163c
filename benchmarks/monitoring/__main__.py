"""``python -m benchmarks.monitoring``: train on simulated data, measure, and write into docs/monitoring.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT, BenchmarkError, fresh_environment, measure, python
from benchmarks.monitoring.alarms import BROKEN, REAL, measure_alarms, measure_broken
from benchmarks.monitoring.chart import draw_growth
from benchmarks.monitoring.document import BEGIN, BROKEN_BEGIN, broken_section, section
from benchmarks.monitoring.judging import Judge
from benchmarks.monitoring.results import Alarms, MonitoringResults, Scale
from benchmarks.monitoring.scale import measure_evidently, measure_scale, measure_spark
from fusionguard.errors import FusionGuardError
from fusionguard.files import write_bytes, write_text
from fusionguard.home import Home
from fusionguard.monitoring.champion import find_champion
from fusionguard.monitoring.traffic import Drift
from fusionguard.threads import wait_politely

_DOCUMENT = CHECKOUT / "docs" / "monitoring.md"
_CHART = CHECKOUT / "docs" / "monitoring_growth.png"
CALM, DRIFTED, ROWS, EVIDENTLY_ROWS = 60, 20, (300_000, 1_000_000, 3_000_000), (5_000, 50_000, 300_000)
QUICK_CALM, QUICK_DRIFTED, QUICK_ROWS, QUICK_EVIDENTLY_ROWS = 5, 2, (100_000,), (5_000,)


def main() -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.monitoring", description="Measure monitoring on simulated data.")
    parser.add_argument("--output", type=Path, help="print the section into this file instead of docs/monitoring.md")
    parser.add_argument("--quick", action="store_true", help="few windows and rows, to see that it works; write no document")
    parser.add_argument("--broken", action="store_true", help="measure broken data and real changes alone")
    parser.add_argument("--home", type=Path, help="with --broken: a home whose champions learned from simulated data")
    parser.add_argument("--windows", type=int, help=f"with --broken: how many windows of each kind; {DRIFTED} by default")
    options = parser.parse_args()
    try:
        return _measure_broken(options) if options.broken else _measure(options)
    except (BenchmarkError, FusionGuardError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _measure(options: argparse.Namespace) -> int:
    """Measure everything; broken data and real changes only where the document is written."""
    with tempfile.TemporaryDirectory(prefix="fg-bench-monitoring-") as name:
        results = measure_all(Path(name), quick=options.quick)
    text = section(results, chart=_CHART.name)
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    elif options.quick:
        sys.stdout.write(f"{text}\n")
    else:
        write_bytes(_CHART, draw_growth(results))
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
        return _measure_broken(options)
    return 0


def _measure_broken(options: argparse.Namespace) -> int:
    """Judge windows of broken data and of real changes with the champions of a home, or with some that are trained here."""
    begin = time.monotonic()
    windows = options.windows or (QUICK_DRIFTED if options.quick else DRIFTED)
    found: list[Alarms] = []
    with tempfile.TemporaryDirectory(prefix="fg-bench-monitoring-") as name:
        home = Home(options.home or Path(name) / "home")
        os.environ["FUSIONGUARD_HOME"] = str(home.root)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        for model in ("fraud", "churn"):
            if options.home is None:
                run = python("run.py", "--pipeline", model, "--source", "simulated", "--quiet")
                measure(run, environment=fresh_environment(Path(name)))
            judge = Judge.of(find_champion(home, model))
            for kind in (Drift.NONE, *REAL, *BROKEN):
                _say(f"windows of {model}: {kind.value}")
                found.append(measure_broken(judge, kind, windows))
    text = broken_section(found, seconds=time.monotonic() - begin)
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    elif options.quick:
        sys.stdout.write(f"{text}\n")
    else:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BROKEN_BEGIN))
    return 0


def measure_all(folder: Path, *, quick: bool) -> MonitoringResults:
    """Train, then measure everything with the champions."""
    begin, machine = time.monotonic(), describe_machine()
    home, environment = Home(folder / "home"), fresh_environment(folder)
    os.environ["FUSIONGUARD_HOME"] = str(home.root)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    alarms, estimates = [], []
    for model in ("fraud", "churn"):
        _say(f"training the {model} champion on simulated data")
        measure(python("run.py", "--pipeline", model, "--source", "simulated", "--quiet"), environment=environment)
        judge = Judge.of(find_champion(home, model))
        _say(f"windows of {model}")
        found, errors = measure_alarms(judge, calm=QUICK_CALM if quick else CALM, drifted=QUICK_DRIFTED if quick else DRIFTED)
        alarms += found
        estimates += errors
    scale: list[Scale] = []
    spark: list[Scale] = []
    evidently: list[Scale] = []
    bundle_model = Judge.of(find_champion(home, "fraud")).model
    for places, sizes, run in (
        (scale, QUICK_ROWS if quick else ROWS, measure_scale),
        (spark, QUICK_ROWS if quick else ROWS, measure_spark),
        (evidently, QUICK_EVIDENTLY_ROWS if quick else EVIDENTLY_ROWS, measure_evidently),
    ):
        for rows in sizes:
            _say(f"{run.__name__.removeprefix('measure_')}: {rows:,} rows")
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                places.append(run(home, bundle_model, rows, Path(scratch)))
    return MonitoringResults(
        machine=machine,
        alarms=tuple(alarms),
        estimates=tuple(estimates),
        scale=tuple(scale),
        spark=tuple(spark),
        evidently=tuple(evidently),
        seconds=time.monotonic() - begin,
    )


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


if __name__ == "__main__":
    wait_politely()
    sys.exit(main())
