"""``python -m benchmarks.history_build``: what it takes to find 40 features of each row's past in a whole table.

The table is drawn, not real: payments of cards in shops, both of very different traffic, over half a year. Each size and engine
is measured in a process of its own, from the raw parquet file to the prepared one.
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
from fusionguard.files import write_text

BEGIN = "<!-- benchmarks/history_build -->"
DAYS = 180
ROWS_A_CARD, ROWS_A_SHOP = 300, 160

_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
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


def measure_builds(sizes: Sequence[int], engines: Sequence[str], folder: Path) -> list[Built]:
    """Return what each engine took for each size.

    Raises
    ------
    BenchmarkError
        The engines' rows differ, or one of them failed.
    """
    builds = []
    for rows in sizes:
        raw, contents = folder / f"{rows}.parquet", set()
        draw(rows, raw)
        for engine in engines:
            work = folder / engine
            environment = fresh_environment(work) | {name: value for name, value in os.environ.items() if name == "SPARK_MASTER"}
            command = python("-m", "benchmarks.history_build", "--build", engine, raw, work / "made.parquet", work / "seconds")
            taken = measure(command, environment=environment)
            seconds, cores = map(float, (work / "seconds").read_text(encoding="utf-8").split())
            builds.append(Built(rows=rows, engine=engine, seconds=seconds, core_seconds=cores, peak_mb=taken.peak_mb))
            if len(engines) > 1:
                contents.add(content_sha256(Table(work / "made.parquet")))
            shutil.rmtree(work)
        raw.unlink()
        if len(contents) > 1:
            raise BenchmarkError(f"The engines' rows differ for {rows:,} rows.", "tests/features/test_past_engine.py says where.")
    return builds


def section(builds: Sequence[Built], given: str) -> str:
    """Return what was measured as Markdown; ``given`` are the arguments of the command that measured it."""
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
    return "\n\n".join(
        [
            "## The past of all rows",
            f"{found}, for **simulated** payments of cards in shops over {DAYS} days: from the raw parquet file to the prepared"
            f" one (`python -m benchmarks.history_build {given}`). {machine.sentences(named)}",
            table(["rows", "engine", "seconds", "seconds of a core", "peak MB"], rows),
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
            builds = measure_builds(options.rows, options.engines, Path(folder))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    text = section(builds, " ".join(each for each in given if each != "--write"))
    if options.write:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    print(text)
    return 0


def _build(engine: str, raw: str, destination: str, seconds: str) -> None:
    rows = Table(Path(raw))
    described = resolve(declared(), rows)
    begin, cores = time.perf_counter(), time.process_time()
    prepare_training(described, rows, Path(destination), past_engine(engine))
    taken = time.perf_counter() - begin, time.process_time() - cores
    Path(seconds).write_text(f"{taken[0]:.3f} {taken[1]:.3f}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
