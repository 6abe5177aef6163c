"""DuckDB against Spark: from a raw parquet table to features, each engine and size in a process of its own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchmarkError, fresh_environment, measure, python
from fusionguard.data.schema import FRAUD
from fusionguard.data.simulator import simulate
from fusionguard.data.table import Table
from fusionguard.features.engine import ENGINES, make_engine
from fusionguard.features.store import content_sha256

_SEED = 7


def measure_engines(rows: list[int], folder: Path) -> list[dict[str, Any]]:
    """Return one entry for each size and engine: ``engine``, ``rows``, ``seconds`` and ``peak_mb``, the start included.

    Raises
    ------
    BenchmarkError
        The engines' features differ, or one of them failed.
    """
    measured = []
    for size in rows:
        work = folder / str(size)
        simulate(FRAUD, size, _SEED, work / "raw.parquet")
        contents = set()
        for engine in ENGINES:
            features = work / engine
            command = python("-m", "benchmarks.engines", engine, work / "raw.parquet", features)
            took = measure(command, environment=fresh_environment(work))
            contents.add(content_sha256(Table(features)))
            shutil.rmtree(features)
            measured.append({"engine": engine, "rows": size, "seconds": took.seconds, "peak_mb": took.peak_mb})
        shutil.rmtree(work)
        if len(contents) != 1:
            raise BenchmarkError(f"The engines' features of {size:,} rows differ.", "tests/features/test_engines.py says where.")
    return measured


if __name__ == "__main__":
    _, name, raw, destination = sys.argv
    make_engine(name).build(Table(Path(raw)), Path(destination))
