"""Three invented tables: what is generated for DuckDB, Spark, one row and many agrees to the last bit."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.errors import DataError, UsageError
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.duckdb_engine import DuckDBEngine, score_table
from fusionguard.features.expressions.errors import ExpressionError
from fusionguard.features.generated import (
    _DUCKDB_RESERVED,
    OTHER,
    CategoricalColumn,
    NumericColumn,
    TableDescription,
    TimeColumn,
    generate_features,
)
from fusionguard.features.maker import FeatureMaker
from fusionguard.features.spark_engine import SparkEngine

from .expressions.engines import bits

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")

PAYMENTS = TableDescription(
    dataset="payments",
    label="chargeback",
    time=TimeColumn("booked_at", ("hour", "weekday", "day_of_month", "is_weekend"), integer=True),
    numeric=(
        NumericColumn("amount", -1e6, 1e6),
        NumericColumn("distance_km", 0, 20_000, missing=True),
        NumericColumn("attempts", 0, 2**53, integer=True),
    ),
    categorical=(
        CategoricalColumn("mcc", ("grocer", "it's", "Öl"), missing=True),
        CategoricalColumn("country", ("GB", "FR"), unseen="missing"),
    ),
    cents_of=("amount",),
    derived={
        "amount_a_km": "amount / distance_km",
        "per_attempt": "amount / (attempts + 1)",
        "far": "CAST(COALESCE(distance_km, 0) > 1000 AND country <> 'GB' AS INT)",
    },
)
LOANS = TableDescription(
    dataset="loans",
    label="defaulted",
    numeric=(
        NumericColumn("income", 0, 1e9, missing=True),
        NumericColumn("debt", -1e308, 1e308),
        NumericColumn("age", 16, 120, integer=True, missing=True),
    ),
    categorical=(CategoricalColumn("purpose", ("car", "home"), unseen="refuse"),),
    derived={
        "debt_to_income": "debt / income",
        "remainder": "debt % 0.1",
        "decade": "CAST(FLOOR(age / 10) AS INT)",
        "wealth": "CASE WHEN income IS NULL THEN 'unknown' WHEN income > ABS(debt) * 2 THEN 'rich' ELSE purpose END",
    },
)
READINGS = TableDescription(
    dataset="readings",
    label="failed",
    time=TimeColumn("t", ("day_of_month", "hour")),
    numeric=(NumericColumn("volts", -10, 10), NumericColumn("amps", -10, 10)),
    derived={"watts": "volts * amps", "ohms": "NULLIF(volts, 0) / amps", "steps": "FLOOR(volts * 3) - FLOOR(amps)"},
)

EPOCHS = (
    0,
    -1,
    86_399,
    86_400,
    951_782_399,
    951_782_400,
    951_868_800,
    1_709_164_800,
    1_709_251_199,
    4_107_542_400,
    -2_203_891_200,
)
SMALL = (0.0, -0.0, 5e-324, 0.285, -0.285, 1.005, 4.35, -2.675, 1 / 3, 0.994999999999, 1e-300)


def _cells(values: tuple[Any, ...], rows: int, kind: pa.DataType) -> pa.Array:
    return pa.array(list(islice(cycle(values), rows)), kind)


def _payments() -> pa.Table:
    rows = 11 * 13 * 2
    return pa.table(
        {
            "booked_at": _cells(EPOCHS, rows, pa.int64()),
            "amount": _cells((*SMALL, 1e6, 999_999.995), rows, pa.float64()),
            "distance_km": _cells((None, 0.0, -0.0, 5e-324, 1000.5, 20_000.0, None), rows, pa.float64()),
            "attempts": _cells((0, 1, 2, 2**31, 2**53), rows, pa.int64()),
            "mcc": _cells(("grocer", "it's", "Öl", "", "unheard", None), rows, pa.string()),
            "country": _cells(("GB", "FR", "", "gb"), rows, pa.string()),
            "chargeback": _cells((0, 0, 1), rows, pa.int64()),
        }
    )


def _loans() -> pa.Table:
    rows = 9 * 7 * 4
    return pa.table(
        {
            "income": _cells((None, 0.0, -0.0, 1e9, 0.1, 30_000.0, 5e-324), rows, pa.float64()),
            "debt": _cells((*SMALL[:6], 1e308, -1e308, 12.3), rows, pa.float64()),
            "age": _cells((16, 19, 20, 29, 30, None, 120), rows, pa.int64()),
            "purpose": _cells(("car", "home"), rows, pa.string()),
            "defaulted": _cells((0, 1), rows, pa.int64()),
        }
    )


def _readings() -> pa.Table:
    rows = 11 * 10
    times = tuple(float(each) + part for each in EPOCHS for part in (0.0, 0.999999))
    return pa.table(
        {
            "t": _cells(times, rows, pa.float64()),
            "volts": _cells((*SMALL, 10.0, -10.0), rows, pa.float64()),
            "amps": _cells((1.5, 0.0, -0.0, -3.0, 5e-324, 1 / 3, 7.0), rows, pa.float64()),
            "failed": _cells((0, 1, 0), rows, pa.int64()),
        }
    )


TABLES = {"payments": (PAYMENTS, _payments()), "loans": (LOANS, _loans()), "readings": (READINGS, _readings())}


@pytest.fixture(params=list(TABLES))
def described(request: pytest.FixtureRequest) -> tuple[FeatureDefinition, pa.Table]:
    table, raw = TABLES[request.param]
    return generate_features(table), raw


def _rows(table: pa.Table) -> list[list[Any]]:
    return [[bits(value) for value in row] for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


def test_one_row_and_many_are_what_duckdb_makes(described: tuple[FeatureDefinition, pa.Table]) -> None:
    definition, raw = described
    features = list(definition.model_features)
    expected = score_table(definition, raw).select(features)
    assert [str(expected.schema.field(name).type) for name in features] == [definition.column_types[name] for name in features]
    maker = FeatureMaker(definition)
    sent = raw.select(list(definition.model_columns))
    one = [maker.one(values) for values in zip(*(column.to_pylist() for column in sent.columns), strict=True)]
    assert [[bits(value) for value in row] for row in one] == _rows(expected)
    columns = {
        name: np.array(sent[name].to_pylist(), dtype=object if pa.types.is_string(sent[name].type) else np.float64)
        for name in sent.column_names
    }
    many = maker.many(columns)
    assert _rows(many) == _rows(expected) and many.schema.types == expected.schema.types


@pytest.mark.full
@needs_java
def test_spark_makes_the_same_training_set(described: tuple[FeatureDefinition, pa.Table], tmp_path: Path) -> None:
    definition, raw = described
    pq.write_table(raw, tmp_path / "raw.parquet")
    table = Table(tmp_path / "raw.parquet")
    by_duckdb = DuckDBEngine(definition).build(table, tmp_path / "duckdb").read()
    by_spark = SparkEngine(definition).build(table, tmp_path / "spark").read()
    assert (
        by_spark.schema.types == by_duckdb.schema.types == [pa.type_for_alias(kind) for kind in definition.column_types.values()]
    )
    assert _rows(by_spark) == _rows(by_duckdb)


def test_the_calendar_is_pythons() -> None:
    definition = generate_features(PAYMENTS)
    make = definition.parsed_rows.row_function(["booked_at"], ["hour", "weekday", "day_of_month", "is_weekend"])
    moments = [datetime(1899, 12, 30, 23, 59, 59, tzinfo=UTC) + timedelta(seconds=step * 7_777_777) for step in range(2_000)]
    for moment in moments:
        expected = [moment.hour, moment.weekday(), moment.day, int(moment.weekday() >= 5)]
        assert make([int(moment.timestamp())]) == expected, moment


def test_categories_cents_and_missing_numbers() -> None:
    maker = FeatureMaker(generate_features(PAYMENTS))
    row = dict(zip(maker.names, maker.one([0, -12.345, None, 2, "unheard", "US"]), strict=True))
    assert (row["mcc"], row["country"], row["amount_cents"]) == (OTHER, None, 35)
    assert (row["distance_km"], row["amount_a_km"], row["per_attempt"], row["far"]) == (None, None, -12.345 / 3, 0)
    assert maker.one([0, 1.0, 1.0, 2, None, "GB"])[maker.place("mcc")] is None


def test_what_must_not_be_missing_or_unknown_is_refused() -> None:
    definition, raw = generate_features(LOANS), TABLES["loans"][1]
    for column, cell, wrong in (
        ("debt", None, "empty, not finite"),
        ("income", -1.0, "out of range"),
        ("purpose", "boat", "not one of"),
    ):
        place = raw.column_names.index(column)
        changed = raw.slice(0, 1).set_column(place, column, pa.array([cell], raw[column].type))
        with pytest.raises(DataError, match=rf"Column '{column}' has 1 cells that are .*{wrong}"):
            score_table(definition, changed)


def test_the_text_survives_json_and_is_the_definitions_identity() -> None:
    definition = generate_features(LOANS)
    assert json.loads(json.dumps(definition.rows_text)) == definition.rows_text
    assert definition.sha256() == generate_features(LOANS).sha256() != generate_features(PAYMENTS).sha256()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            TableDescription("d", "y", numeric=(NumericColumn("Customer Age", 0, 1),)),
            "'Customer Age' cannot name a column",
        ),
        (TableDescription("d", "y", numeric=(NumericColumn("order", 0, 1),)), "'order' is a word of SQL"),
        (TableDescription("d", "y", numeric=(NumericColumn("a", 0, 1), NumericColumn("A", 0, 1))), "'A' and 'a' are one name"),
        (TableDescription("d", "y", numeric=(NumericColumn("a", 0, 2**60, integer=True),)), "beyond 2**53"),
        (TableDescription("d", "y", categorical=(CategoricalColumn("a", ("R\\D",)),)), "cannot be written: a backslash"),
        (TableDescription("d", "y", categorical=(CategoricalColumn("a", ("x",)),), cents_of=("a",)), "has no cents"),
    ],
)
def test_what_cannot_be_written_is_refused(table: TableDescription, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        generate_features(table)
    assert message in str(caught.value)


def test_a_derived_feature_reads_no_label() -> None:
    with pytest.raises(ExpressionError, match="there is no column 'y'"):
        generate_features(TableDescription("d", "y", numeric=(NumericColumn("a", 0, 1),), derived={"leak": "a + y"}))


def test_no_reserved_word_of_duckdb_is_forgotten() -> None:
    query = "SELECT upper(keyword_name) FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    with duckdb.connect() as database:
        assert {word for (word,) in database.execute(query).fetchall()} <= set(_DUCKDB_RESERVED.split())
