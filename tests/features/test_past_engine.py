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
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.errors import UnknownChoiceError
from fusionguard.features.declared import declared_features
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.features.past_engine import past_engine
from fusionguard.features.spark_engine import SparkEngine
from fusionguard.features.store import content_sha256
from tests.datasets.slow_history import Event, remembered
from tests.datasets.test_history import LATE, declare, draw, late, table_of
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


def prepared(events: list[Event], folder: Path, **changed: object) -> tuple[ResolvedDataset, Table]:
    """Prepare the rows with both engines, which make the same of them; return the data set and Spark's table."""
    raw = table_of(events)
    pq.write_table(raw, folder / "raw.parquet")
    described = resolve(declared(label={"column": "fraud", "known": {"column": "told_at"}}, **changed), raw)
    by_duckdb, by_spark = (
        prepare_training(described, Table(folder / "raw.parquet"), folder / f"{name}.parquet", past_engine(name))
        for name in ("duckdb", "spark")
    )
    assert by_spark.read().schema == by_duckdb.read().schema
    assert by_spark.read().equals(by_duckdb.read())
    return described, by_spark


def assert_remembered(found: Table, events: list[Event]) -> None:
    """Assert that what was found of each row is what looking through all rows finds."""
    columns = found.read()
    rows = [int(name[1:]) for name in columns["_carried"].to_pylist()]
    assert sorted(rows) == list(range(len(events)))
    for memory in memories(declare()):
        assert columns[memory.name].to_pylist() == [remembered(memory, events, row) for row in rows], memory


def labelled(events: list[Event]) -> list[Event]:
    """Return the rows with an outcome each, known a second later than drawn."""
    return [replace(each, positive=each.positive or 0, known=None if each.known is None else each.known + 1) for each in events]


@needs_java
@pytest.mark.full
def test_spark_finds_what_looking_through_all_rows_finds_and_makes_the_same_features(tmp_path: Path) -> None:
    events = labelled(draw(29))
    described, found = prepared(events, tmp_path)
    assert_remembered(found, events)
    definition = declared_features(described)
    engines = (SparkEngine(definition), DuckDBEngine(definition))
    features = [content_sha256(engine.build(found, tmp_path / engine.name)) for engine in engines]
    assert features[0] == features[1]


@needs_java
@pytest.mark.full
def test_spark_sees_rows_that_arrive_late_from_then_on(tmp_path: Path) -> None:
    events = late(labelled(draw(13, rows=180)), 13)
    punctual = [replace(each, observed=None) for each in events]
    rows, plan = range(len(events)), memories(declare())
    assert any(remembered(each, events, row) != remembered(each, punctual, row) for each in plan for row in rows)
    assert_remembered(prepared(events, tmp_path, **LATE)[1], events)
