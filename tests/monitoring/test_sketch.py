"""One pass over a window gives what counting it in memory would."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.errors import DataError, UsageError
from fusionguard.monitoring import sketch as module
from fusionguard.monitoring.counted import as_reference
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import read_sketch
from tests.monitoring.windows import DAY_MICROS, START_MICROS, churn_window, fraud_window


def with_column(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def test_counts_are_those_of_the_rows(fraud_reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH_ROWS", 700)
    rows = fraud_window(3_000, 5, days=3)
    v1 = rows["V1"].to_numpy().copy()
    v1[:30] = np.nan
    rows = with_column(rows, "V1", pa.array(v1, mask=np.arange(3_000) < 10))
    told: list[tuple[int, int]] = []
    sketch = read_sketch(rows, fraud_reference, scratch=tmp_path, progress=lambda done, all_: told.append((done, all_)))
    number = fraud_reference.numbers["V1"]
    assert sketch.total.rows == 3_000
    assert sketch.total.missing["V1"] == 30
    assert np.array_equal(sketch.total.bins["V1"], np.bincount(number.places(v1[30:]), minlength=number.shares.size))
    assert sketch.total.flagged == np.count_nonzero(np.array(rows["decision"].to_pylist()) == "review")
    assert told[-1] == (3_000, 3_000)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_spans_and_segments_add_up(fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(2_000, 6, days=3)
    sketch = read_sketch(rows, fraud_reference, scratch=tmp_path)
    days = (rows["time"].cast(pa.int64()).to_numpy() - START_MICROS) // DAY_MICROS
    assert [counts.rows for counts in sketch.spans.values()] == np.bincount(days).tolist()
    assert next(iter(sketch.spans)) == datetime.fromtimestamp(START_MICROS / 1e6, UTC)
    bands = {name: counts.rows for (cut, name), counts in sketch.segments.items() if cut == "amount"}
    assert bands["1 to under 10"] == np.count_nonzero((rows["Amount"].to_numpy() >= 1) & (rows["Amount"].to_numpy() < 10))
    assert sum(bands.values()) == 2_000
    times = {name: counts.rows for (cut, name), counts in sketch.segments.items() if cut == "time of day"}
    assert list(times) == ["00 to 05", "06 to 11", "12 to 17", "18 to 23"]
    assert sum(times.values()) == 2_000


def test_churn_segments_and_new_categories(churn_reference: Reference, tmp_path: Path) -> None:
    rows = churn_window(1_000, 7)
    country = [
        "Atlantis" if place < 3 else None if place < 5 else name for place, name in enumerate(rows["Geography"].to_pylist())
    ]
    sketch = read_sketch(with_column(rows, "Geography", country), churn_reference, scratch=tmp_path)
    assert sketch.total.missing["Geography"] == 2
    assert sketch.total.categories["Geography"].tolist()[-1] == 3
    assert sketch.unknown == {"Geography": ("Atlantis",)}
    assert sketch.segments["geography", "other"].rows == 5
    assert sum(counts.rows for (cut, _), counts in sketch.segments.items() if cut == "age band") == 1_000
    under_30 = np.count_nonzero(rows["Age"].to_numpy() < 30)
    assert sketch.segments["age band", "under 30"].rows == under_30


def test_files_and_tables_give_the_same_and_the_sample_is_drawn_evenly(fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(4_000, 8)
    for part in range(2):
        pq.write_table(rows.slice(2_000 * part, 2_000), tmp_path / f"part-{part}.parquet", row_group_size=500)
    first = read_sketch(rows, fraud_reference, scratch=tmp_path, sample_rows=1_000)
    second = read_sketch(Table(tmp_path), fraud_reference, scratch=tmp_path, sample_rows=1_000)
    assert first.sample.equals(second.sample)
    assert all(np.array_equal(first.total.bins[name], second.total.bins[name]) for name in first.total.bins)
    places = np.flatnonzero(np.isin(rows["V1"].to_numpy(), first.sample["V1"].to_numpy()))
    assert places.size == 1_000
    assert places.mean() == pytest.approx(2_000, abs=150)


def test_an_empty_window_and_one_without_times(fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(50, 9)
    empty = read_sketch(rows.slice(0, 0), fraud_reference, scratch=tmp_path)
    assert (empty.total.rows, empty.spans, empty.segments, empty.first, empty.seconds) == (0, {}, {}, None, 0.0)
    with pytest.raises(DataError, match="without rows"):
        as_reference(fraud_reference, empty)
    timeless = read_sketch(rows.drop_columns("time"), fraud_reference, scratch=tmp_path, time=None)
    assert [counts.rows for counts in timeless.spans.values()] == [50]


def test_missing_columns_and_too_many_spans_are_refused(fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(50, 10)
    with pytest.raises(DataError, match="lacks the columns V3, decision"):
        read_sketch(rows.drop_columns(["V3", "decision"]), fraud_reference, scratch=tmp_path)
    with pytest.raises(UsageError, match="more than 400"):
        read_sketch(rows, fraud_reference, scratch=tmp_path, span_seconds=60)
