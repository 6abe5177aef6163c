"""A bank's wide table, and what the way from its file to features takes: ``python -m benchmarks.wide_table --help``.

The table has 60 columns: an id, a time, an amount, a label, a customer, a protected column, 46 numbers and 8 categories.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.reading import read_declaration
from fusionguard.features.bias import bias_report
from fusionguard.features.contracts import check_features
from fusionguard.features.store import build_features

NUMBERS = 46
CATEGORIES = {"branch": 5_000, "trade": 300, "country": 40, "product": 25, "channel": 6, "device": 12, "tariff": 60, "segment": 4}
"""Columns of categories, with about how many values each has."""
_BATCH_ROWS = 100_000
_FIRST = np.datetime64("2023-01-01T00:00:00", "us")


def write_table(folder: Path, rows: int, kind: str, seed: int = 11) -> Path:
    """Write ``rows`` made-up rows as ``rows.parquet`` or ``rows.csv`` into a folder, and return the declaration beside them."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"rows.{kind}"
    first = _batch(rng, 0, 1, rows)
    writer = pq.ParquetWriter(file, first.schema) if kind == "parquet" else pacsv.CSVWriter(file, first.schema)
    with writer:
        for start in range(0, rows, _BATCH_ROWS):
            writer.write_table(_batch(rng, start, min(rows, start + _BATCH_ROWS), rows))
    declaration = folder / "declaration.yaml"
    declaration.write_text(_declaration(file.name), encoding="utf-8")
    return declaration


def _batch(rng: np.random.Generator, start: int, stop: int, rows: int) -> pa.Table:
    count = stop - start
    moments = _FIRST + (np.arange(start, stop) * (366 * 86_400 / rows) * 1_000_000).astype("timedelta64[us]")
    columns: dict[str, object] = {
        "payment": pa.array([f"P{number:09d}" for number in range(start, stop)]),
        "booked_at": moments.astype("datetime64[s]"),
        "amount": np.round(rng.lognormal(3, 1, count), 2),
        "fraud": np.where(rng.random(count) < 0.01, "Y", "N"),
        "customer": rng.integers(0, rows // 10 + 1, count),
        "age group": rng.choice(["under 30", "30 to 59", "60 and over"], count),
    }
    for number in range(NUMBERS):
        values = np.round(rng.normal(number, 10 + number, count), 3)
        columns[f"number {number}"] = pa.array(values, mask=rng.random(count) < 0.1 if number % 4 == 0 else None)
    for name, values in CATEGORIES.items():
        codes = np.minimum(rng.geometric(3 / values, count), values)
        columns[name] = pa.array(np.char.add(f"{name[:3]}-", codes.astype(str)), mask=rng.random(count) < 0.05)
    return pa.table(columns)


def _declaration(file: str) -> str:
    numbers = "\n".join(f"  number {number}:{' {missing: allow}' if number % 4 == 0 else ''}" for number in range(NUMBERS))
    categories = "\n".join(f"  {name}: {{missing: allow}}" for name in CATEGORIES)
    return f"""\
version: 1
name: wide
problem: fraud
simulated: true
rows: {file}
id: payment
time: booked_at
amount: {{column: amount, currency: GBP}}
label: {{column: fraud, positive: [Y], negative: [N], known: {{after: 14d}}}}
entities: {{customer: customer}}
numeric:
{numbers}
categorical:
{categories}
calendar: [hour_of_day, weekend]
protected: [age group]
"""


@contextmanager
def _timed(step: str) -> Iterator[None]:
    wall, used = time.monotonic(), _cpu()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{step:<20} {time.monotonic() - wall:8.1f} s {_cpu() - used:8.1f} s of CPU, at most {peak:.2f} GB so far", flush=True)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure_steps(declaration: Path) -> None:
    """Run what lies between a file and features that were checked, and print what each step takes."""
    with tempfile.TemporaryDirectory(dir=declaration.parent) as scratch, _timed("together"):
        source = declared_source(read_declaration(declaration), "auto")
        with _timed("fetch"):
            raw, described = source.fetch(Path(scratch) / "raw", earliest=0.75)
        with _timed("check raw rows"):
            check_raw(raw.table, raw.provenance, described).raise_if_broken()
        with _timed("build features"):
            built = build_features(raw.table, raw.provenance, "duckdb", Path(scratch) / "store", described)
        with _timed("check features"):
            check_features(built.table, built.manifest).raise_if_broken()
        with _timed("bias report"):
            bias_report(built.table, built.manifest)


def main() -> None:
    """Write the table, or measure it; both in one process would count the writer's memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("write", "measure"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=("parquet", "csv"), default="parquet")
    options = parser.parse_args()
    if options.task == "write":
        print(write_table(options.folder, options.rows, options.kind))
    else:
        measure_steps(options.folder / "declaration.yaml")


if __name__ == "__main__":
    main()
