"""What windows remember, by Spark: the slow way's numbers, and prepared rows as DuckDB makes them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.datasets.history import memories
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.resolving import resolve
from fusionguard.errors import UnknownChoiceError
from fusionguard.features.declared import declared_features
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.features.past_engine import past_engine
from fusionguard.features.spark_engine import SparkEngine
from fusionguard.features.store import content_sha256
from tests.datasets.slow_history import remembered
from tests.datasets.test_history import declare, draw, table_of
from tests.datasets.test_history_of_files import declared

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SPARK_MASTER", "SPARK_REMOTE"):
        monkeypatch.delenv(variable, raising=False)


def test_an_engine_that_nobody_knows_is_named_beside_those_there_are() -> None:
    assert past_engine("duckdb") is None
    with pytest.raises(UnknownChoiceError, match="Valid choices: duckdb, spark"):
        past_engine("polars")


@needs_java
@pytest.mark.full
def test_spark_finds_what_looking_through_all_rows_finds_and_makes_the_same_features(tmp_path: Path) -> None:
    known = {"column": "told_at"}
    events = [
        replace(each, positive=each.positive or 0, known=None if each.known is None else each.known + 1) for each in draw(29)
    ]
    raw = table_of(events)
    pq.write_table(raw, tmp_path / "raw.parquet")
    described = resolve(declared(label={"column": "fraud", "known": known}), raw)
    made = {}
    for name in ("duckdb", "spark"):
        made[name] = prepare_training(described, Table(tmp_path / "raw.parquet"), tmp_path / f"{name}.parquet", past_engine(name))
    by_spark, by_duckdb = made["spark"].read(), made["duckdb"].read()
    assert by_spark.schema == by_duckdb.schema
    assert by_spark.equals(by_duckdb)
    rows = [int(name[1:]) for name in by_spark["_carried"].to_pylist()]
    assert sorted(rows) == list(range(len(events)))
    for memory in memories(declare()):
        assert by_spark[memory.name].to_pylist() == [remembered(memory, events, row) for row in rows], memory
    definition = declared_features(described)
    features = [
        content_sha256(engine.build(made["spark"], tmp_path / engine.name))
        for engine in (SparkEngine(definition), DuckDBEngine(definition))
    ]
    assert features[0] == features[1]
