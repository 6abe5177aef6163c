"""``python -m benchmarks.history_build``: what it takes to find 40 features of each row's past in a whole table.

The table is drawn, not real: payments of cards in shops, both of very different traffic, over half a year. Each size and engine
is measured in a process of its own, from the raw parquet file to the prepared one. ``--rows 1000000 5000000 20000000 50000000
--engines duckdb spark`` shows how that grows, in a table and a picture.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict

from benchmarks.growth_chart import draw_growth
from benchmarks.machine import describe_machine
from benchmarks.markdown import insert, table
from benchmarks.measure import CHECKOUT, BenchmarkError, fresh_environment, measure, python
from fusionguard.data.table import Table
from fusionguard.datasets.history import memories, window_features
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import DeclaredDataset, parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.errors import FusionGuardError
from fusionguard.features.engine import ENGINES
from fusionguard.features.past_engine import past_engine
from fusionguard.features.store import content_sha256
from fusionguard.files import write_bytes, write_text

BEGIN = "<!-- benchmarks/history_build -->"
BYTES_A_ROW = {"duckdb": 1_000, "spark": 1_200}
"""About so much disk an engine takes for a row besides the drawn table: what it spills or shuffles, and the result."""
DAYS = 180
ROWS_A_CARD, ROWS_A_SHOP = 300, 160

_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
_CHART = CHECKOUT / "docs" / "history_growth.png"
_NAMES = {"duckdb": "DuckDB", "spark": "Spark"}
_RAW_BYTES_A_ROW = 30
_LONGEST_SECONDS = 2 * 3600
_DECLARED: dict[str, Any] = {
    "version": 1,
    "name": "drawn-payments",
    "problem": "fraud",
    "simulated": True,
    "id": "payment",
    "time": {"column": "at", "unit": "seconds"},
    "amount": {"column": "amount", "currency": "GBP"},
    "label": {"column": "fraud", "known": {"after": "7d"}},
    "entities": {"card": "card", "shop": "shop"},
    "windows": {
        "card": {"spans": ["6h", "1d", "7d", "30d"], "of": ["count", "mean", "ratio", "maximum", "new(shop)", "since_last"]},
        "shop": {
            "spans": ["1d", "7d", "30d"],
            "of": ["count", "mean", "maximum", "label_count", "label_rate", "distinct(card)", "since_last"],
        },
    },
}


def declared() -> DeclaredDataset:
    """Return the declaration of the drawn payments."""
    return parse_declaration(yaml.safe_dump(_DECLARED))


def draw(rows: int, file: Path) -> None:
    """Write so many payments, in the order of time, to a parquet file: the same ones always."""
    drawn = "(hash(i * 4 + {}) / 18446744073709551616e0)"
    cards, shops = max(1, rows // ROWS_A_CARD), max(1, rows // ROWS_A_SHOP)
    columns = {
        "payment": "'P' || i",
        "at": f"CAST(1700000000 + i * {DAYS * 86_400 / rows!r} AS BIGINT)",
        "card": f"'C' || CAST(FLOOR(POWER({drawn.format(0)}, 1.5) * {cards}) AS BIGINT)",
        "shop": f"'S' || CAST(FLOOR(POWER({drawn.format(1)}, 2) * {shops}) AS BIGINT)",
        "amount": f"ROUND(EXP(3 + 3 * {drawn.format(2)}), 2)",
        "fraud": f"CAST({drawn.format(3)} < 0.008 AS BIGINT)",
    }
    listed = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    with duckdb.connect() as database:
        database.execute(f"COPY (SELECT {listed} FROM range({rows}) AS of_rows(i)) TO '{file}' (FORMAT parquet)")


class Built(BaseModel):
    """What one engine took for one table."""

    model_config = ConfigDict(frozen=True)

    rows: int
    engine: str
    seconds: float
    """Of preparing the rows, Python's start and the checks of the table left out."""
    core_seconds: float
    """What that took of the cores, which other work on the machine does not change; of Spark's own processes nothing."""
    peak_mb: float
    """Of the process and all that it starts."""


class Failed(BaseModel):
    """What one engine could not do."""

    model_config = ConfigDict(frozen=True)

    rows: int
    engine: str
    reason: str


def demand_disk(sizes: Sequence[int], engines: Sequence[str], folder: Path) -> None:
    """Raise BenchmarkError where the largest size does not fit on the disk of ``folder``, before anything is measured."""
    free = shutil.disk_usage(folder).free
    for rows in sorted(sizes):
        for engine in engines:
            needed = rows * (BYTES_A_ROW[engine] + _RAW_BYTES_A_ROW)
            if needed > free:
                raise BenchmarkError(
                    f"{rows:,} rows take about {needed / 1e9:.0f} GB of disk with {engine}, and {folder.parent} has"
                    f" {free / 1e9:.0f} GB.",
                    "Ask for fewer rows, or set TMPDIR to a folder of a larger disk.",
                )


def measure_builds(sizes: Sequence[int], engines: Sequence[str], folder: Path) -> tuple[list[Built], list[Failed]]:
    """Return what each engine took for each size, fewest rows first, and what failed: larger sizes are then left out.

    Raises
    ------
    BenchmarkError
        The engines' rows differ.
    """
    builds: list[Built] = []
    failed: dict[str, Failed] = {}
    for rows in sorted(sizes):
        raw, contents = folder / f"{rows}.parquet", set()
        draw(rows, raw)
        for engine in (each for each in engines if each not in failed):
            work = folder / engine
            try:
                builds.append(_measure(engine, rows, raw, work))
                if len(engines) > 1:
                    contents.add(content_sha256(Table(work / "made.parquet")))
            except BenchmarkError as error:
                failed[engine] = Failed(rows=rows, engine=engine, reason=str(error))
                sys.stderr.write(f"{error}\n")
            shutil.rmtree(work)
        raw.unlink()
        if len(contents) > 1:
            raise BenchmarkError(f"The engines' rows differ for {rows:,} rows.", "tests/features/test_past_engine.py says where.")
    return builds, list(failed.values())


def _measure(engine: str, rows: int, raw: Path, work: Path) -> Built:
    environment = fresh_environment(work) | {name: value for name, value in os.environ.items() if name == "SPARK_MASTER"}
    command = python("-m", "benchmarks.history_build", "--build", engine, raw, work / "made.parquet", work / "seconds")
    taken = measure(command, environment=environment, timeout_seconds=_LONGEST_SECONDS)
    seconds, cores = map(float, (work / "seconds").read_text(encoding="utf-8").split())
    sys.stderr.write(f"{rows:,} rows, {engine}: {seconds:.1f} s, {taken.peak_mb:,.0f} MB\n")
    return Built(rows=rows, engine=engine, seconds=seconds, core_seconds=cores, peak_mb=taken.peak_mb)


def section(builds: Sequence[Built], given: str, failed: Sequence[Failed] = (), chart: str | None = None) -> str:
    """Return what was measured as Markdown.

    Parameters
    ----------
    given
        The arguments of the command that measured it.
    chart
        The picture of growth; None where there is none.
    """
    machine = describe_machine(["duckdb", "pyspark"] if any(each.engine == "spark" for each in builds) else ["duckdb"])
    plan = declared().declaration
    found = (
        f"{len(window_features(plan))} features of each row's past, from {len(memories(plan))} whole numbers that are remembered"
    )
    named = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    rows = [
        [
            f"{each.rows:,}",
            each.engine,
            f"{each.seconds:.1f}",
            f"{each.core_seconds:.1f}" if each.engine == "duckdb" else "–",
            f"{each.peak_mb:,.0f}",
        ]
        for each in builds
    ]
    picture = [] if chart is None else [f"![Seconds and memory against the number of rows]({chart})"]
    lacking = [f"{each.rows:,} rows with {each.engine}: not measured. {each.reason}" for each in failed]
    return "\n\n".join(
        [
            "## The past of all rows",
            f"{found}, for **simulated** payments of cards in shops over {DAYS} days: from the raw parquet file to the prepared"
            f" one (`python -m benchmarks.history_build {given}`). {machine.sentences(named)}",
            *picture,
            table(["rows", "engine", "seconds", "seconds of a core", "peak MB"], rows),
            *lacking,
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="benchmarks.history_build", description="Measure how all rows' past is found.")
    parser.add_argument("--rows", metavar="N", type=int, nargs="+", default=[1_750_000, 15_000_000], help="rows of each table")
    parser.add_argument("--engines", choices=ENGINES, nargs="+", default=["duckdb"], help="what finds the past (duckdb)")
    parser.add_argument("--write", action="store_true", help="put what was measured into docs/benchmarks.md")
    parser.add_argument("--build", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.build:
        _build(*options.build)
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as folder:
            demand_disk(options.rows, options.engines, Path(folder))
            builds, failed = measure_builds(options.rows, options.engines, Path(folder))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    grown = {_NAMES[engine]: [each for each in builds if each.engine == engine] for engine in options.engines}
    chart = _CHART.name if len(options.engines) > 1 and len(options.rows) > 1 else None
    text = section(builds, " ".join(each for each in given if each != "--write"), failed, chart)
    if options.write:
        if chart is not None:
            write_bytes(_CHART, draw_growth(grown, "From raw rows to their past", decades=True))
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    print(text)
    return 1 if failed else 0


def _build(engine: str, raw: str, destination: str, seconds: str) -> None:
    rows = Table(Path(raw))
    described = resolve(declared(), rows)
    begin, cores = time.perf_counter(), time.process_time()
    prepare_training(described, rows, Path(destination), past_engine(engine))
    taken = time.perf_counter() - begin, time.process_time() - cores
    Path(seconds).write_text(f"{taken[0]:.3f} {taken[1]:.3f}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
