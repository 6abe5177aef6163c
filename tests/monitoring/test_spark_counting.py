"""Spark counts a window as DuckDB does, to the last row, and tells how far it is."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.features.engine import EngineError
from fusionguard.monitoring.counting import progress_in_log
from fusionguard.monitoring.distributions import Counts
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import read_sketch
from tests.monitoring.windows import churn_window, fraud_window

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SPARK_MASTER", "SPARK_REMOTE"):
        monkeypatch.delenv(variable, raising=False)


def spoiled(rows: pa.Table) -> pa.Table:
    """Every kind of cell that counting tells apart: none, not a number, infinite, far out, and whole numbers on a border."""
    v1 = rows["V1"].to_numpy().copy()
    v1[:6] = [np.nan, np.inf, -np.inf, 1e12, -1e12, 0.0]
    hour = pa.array(rows["hour_of_day"].to_numpy(), mask=np.arange(rows.num_rows) == 9)
    rows = rows.set_column(rows.column_names.index("V1"), "V1", pa.array(v1, mask=np.arange(rows.num_rows) == 7))
    return rows.set_column(rows.column_names.index("hour_of_day"), "hour_of_day", hour)


def in_parts(rows: pa.Table, folder: Path) -> Table:
    folder.mkdir()
    half = rows.num_rows // 2
    pq.write_table(rows.slice(0, half), folder / "part-0.parquet")
    pq.write_table(rows.slice(half), folder / "part-1.parquet", row_group_size=1_000)
    return Table(folder)


def assert_same(one: Counts, other: Counts) -> None:
    assert (one.rows, one.flagged, one.missing) == (other.rows, other.flagged, other.missing)
    for mine, theirs in ((one.bins, other.bins), (one.categories, other.categories)):
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


def assert_engines_agree(rows: Table, reference: Reference, scratch: Path) -> None:
    told: list[tuple[int, int]] = []
    duckdb = read_sketch(rows, reference, scratch=scratch, span_seconds=7_200)
    spark = read_sketch(
        rows,
        reference,
        scratch=scratch,
        span_seconds=7_200,
        engine="spark",
        progress=lambda done, total: told.append((done, total)),
    )
    assert_same(duckdb.total, spark.total)
    assert duckdb.spans.keys() == spark.spans.keys()
    assert duckdb.segments.keys() == spark.segments.keys()
    for mine, theirs in ((duckdb.spans, spark.spans), (duckdb.segments, spark.segments)):
        for key in mine:
            assert_same(mine[key], theirs[key])
    assert (duckdb.first, duckdb.last, duckdb.unknown) == (spark.first, spark.last, spark.unknown)
    assert duckdb.sample.equals(spark.sample)
    assert told[-1] == (rows.rows, rows.rows)
    assert not list(scratch.glob("spark-*"))


@needs_java
@pytest.mark.full
@pytest.mark.timeout(1_800)
def test_both_engines_give_the_same_counts(
    fraud_reference: Reference, churn_reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_engines_agree(in_parts(spoiled(fraud_window(30_000, 91)), tmp_path / "fraud"), fraud_reference, tmp_path)
    rows = churn_window(5_000, 92)
    country = np.where(np.arange(5_000) % 50 == 0, "it's far", rows["Geography"].to_numpy(zero_copy_only=False))
    rows = rows.set_column(rows.column_names.index("Geography"), "Geography", pa.array(country))
    monkeypatch.setenv("SPARK_MASTER", "local[1]")
    assert_engines_agree(in_parts(rows, tmp_path / "churn"), churn_reference, tmp_path)


def test_what_spark_cannot_count_is_refused(churn_reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = churn_window(300, 94)
    with pytest.raises(UsageError, match="in memory"):
        read_sketch(rows, churn_reference, scratch=tmp_path, engine="spark")
    with pytest.raises(UnknownChoiceError, match="Valid choices: duckdb, spark"):
        read_sketch(rows, churn_reference, scratch=tmp_path, engine="dask")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineError, match="Java 17"):
        read_sketch(in_parts(rows, tmp_path / "rows"), churn_reference, scratch=tmp_path, engine="spark")


def test_long_readings_tell_how_far_they_are(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0, 12.0, 13.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, logger="fusionguard"):
        told = progress_in_log("rows counted")
        for done in (100_000, 1_000_000, 1_100_000, 2_000_000, 3_000_000):
            told(done, 3_000_000)
    assert caplog.messages == ["1,000,000 of 3,000,000 rows counted", "2,000,000 of 3,000,000 rows counted"]
