"""DuckDB against Spark: from a raw parquet table to features, each engine and size in a process of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.measure import BenchmarkError, fresh_environment, measure, python
from fusionguard.data.table import Table
from fusionguard.datasets.shipped import dataset_schema
from fusionguard.datasets.simulated import simulate
from fusionguard.features.definitions import feature_definition
from fusionguard.features.engine import ENGINES
from fusionguard.features.make_engine import make_engine
from fusionguard.features.store import content_sha256

_SEED = 7


class EngineRun(BaseModel):
    """One engine's way from a raw table to features."""

    model_config = ConfigDict(frozen=True)

    engine: str
    rows: int
    seconds: float
    peak_mb: float


def engine_pairs(runs: Iterable[EngineRun]) -> list[tuple[EngineRun, EngineRun]]:
    """Return (DuckDB, Spark) for each number of rows, fewest first."""
    by_key = {(run.engine, run.rows): run for run in runs}
    return [(by_key["duckdb", rows], by_key["spark", rows]) for rows in sorted({rows for _, rows in by_key})]


def measure_engines(dataset: str, rows: Sequence[int], folder: Path) -> tuple[EngineRun, ...]:
    """Return one entry for each size and engine, the start included; ``dataset`` is ``fraud`` or ``churn``.

    Raises
    ------
    BenchmarkError
        The engines' features differ, or one of them failed.
    """
    measured = []
    for size in rows:
        work = folder / str(size)
        simulate(dataset_schema(dataset), size, _SEED, work / "raw.parquet")
        contents = set()
        for engine in ENGINES:
            features = work / engine
            command = python("-m", "benchmarks.engines", dataset, engine, work / "raw.parquet", features)
            took = measure(command, environment=fresh_environment(work))
            contents.add(content_sha256(Table(features)))
            shutil.rmtree(features)
            measured.append(EngineRun(engine=engine, rows=size, seconds=took.seconds, peak_mb=took.peak_mb))
        shutil.rmtree(work)
        if len(contents) != 1:
            raise BenchmarkError(f"The engines' features of {size:,} rows differ.", "tests/features/test_engines.py says where.")
    return tuple(measured)


if __name__ == "__main__":
    _, name, engine, raw, destination = sys.argv
    make_engine(engine, feature_definition(name)).build(Table(Path(raw)), Path(destination))
