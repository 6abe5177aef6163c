"""Raw tables in Kaggle's layout, made with numpy so that these tests need no source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table

MakeRaw = Callable[..., Table]


def raw_arrow(rows: int, seed: int = 1, duplicates: int = 0) -> pa.Table:
    """Rows in order of time with both classes, negative zeros, halves of cents and ``duplicates`` exact copies."""
    random = np.random.default_rng(seed)
    first = random.integers(0, max(rows - 2 * duplicates, 1), duplicates)
    take = np.sort(np.concatenate([np.arange(rows - duplicates), first]))
    time = np.sort(random.integers(0, 172_800, rows)).astype(float)
    columns: dict[str, np.ndarray] = {"Time": time[take]}
    for number in range(1, 29):
        values = random.normal(0, 2, rows).round(6)
        values[random.random(rows) < 0.01] = -0.0
        columns[f"V{number}"] = values[take]
    columns["Amount"] = (random.lognormal(3, 1.5, rows).round(2) + random.choice([0, 0.005], rows))[take]
    columns["Class"] = (random.random(rows) < 0.01).astype(np.int64)[take]
    return pa.table(columns)


@pytest.fixture
def make_raw(tmp_path: Path) -> MakeRaw:
    """A function that writes such a table and returns it."""

    def make(rows: int, seed: int = 1, duplicates: int = 0) -> Table:
        file = tmp_path / f"raw-{rows}-{seed}-{duplicates}.parquet"
        pq.write_table(raw_arrow(rows, seed, duplicates), file, row_group_size=20_000)
        return Table(file)

    return make


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(dataset="fraud", origin="simulated", description="a test", sha256="ab" * 32, rows=5_000)
