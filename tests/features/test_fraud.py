"""The feature SQL on rows worked out by hand, on DuckDB; test_engines.py proves that Spark agrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.features.duckdb_engine import DuckDBEngine, score_rows
from fusionguard.features.fraud import COLUMN_TYPES, FRAUD_FEATURES, LABEL, MODEL_FEATURES, SCHEMA_VERSION, TIME, V_COLUMNS


def write_raw(file: Path, **columns: list[float]) -> Table:
    rows = len(next(iter(columns.values())))
    whole = {"Time": [0.0] * rows, **{name: [0.5] * rows for name in V_COLUMNS}, "Amount": [1.0] * rows, "Class": [0] * rows}
    pq.write_table(pa.table(whole | columns), file)
    return Table(file)


def test_hour_and_cents(tmp_path: Path) -> None:
    raw = write_raw(
        tmp_path / "raw.parquet",
        Time=[0.0, 3_599.0, 3_600.0, 86_399.0, 86_400.0, 172_792.0],
        Amount=[0.0, 0.005, 149.62, 2.69, 25_691.16, 1.29],
    )
    table = DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "features").read()
    assert table[TIME].to_pylist() == [0, 3_599, 3_600, 86_399, 86_400, 172_792]
    assert table["hour_of_day"].to_pylist() == [0, 0, 1, 23, 0, 23]
    assert table["amount_cents"].to_pylist() == [0, 1, 14_962, 269, 2_569_116, 129]
    assert table["amount_fraction_cents"].to_pylist() == [0, 1, 62, 69, 16, 29]
    assert table["Amount"].to_pylist() == [0.0, 0.005, 149.62, 2.69, 25_691.16, 1.29]


def test_every_cent_up_to_a_million_is_exact(tmp_path: Path) -> None:
    cents = np.concatenate([np.arange(100_000), np.arange(99_900_000, 100_000_000, 7)])
    raw = write_raw(tmp_path / "raw.parquet", Amount=(cents / 100).tolist())
    table = score_rows(FRAUD_FEATURES, raw, tmp_path / "rows.parquet").read()
    np.testing.assert_array_equal(table["amount_cents"], cents)
    np.testing.assert_array_equal(table["amount_fraction_cents"], cents % 100)


def test_exact_duplicates_go_and_a_zero_has_no_sign(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw.parquet", Time=[5.0, 5.0, 5.0, 7.0], V9=[0.0, -0.0, 1.0, 0.0], Class=[0, 0, 0, 1])
    table = DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "features").read()
    assert table[TIME].to_pylist() == [5, 5, 7]
    assert [str(value) for value in table["V9"].to_pylist()] == ["0.0", "1.0", "0.0"]
    assert table[LABEL].to_pylist() == [0, 0, 1]


def test_rows_that_differ_in_the_label_only_both_stay(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw.parquet", Class=[1, 0])
    assert DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "features").read()[LABEL].to_pylist() == [0, 1]


def test_columns_and_types_are_the_declared_ones(tmp_path: Path) -> None:
    table = DuckDBEngine(FRAUD_FEATURES).build(write_raw(tmp_path / "raw.parquet", Amount=[3.0]), tmp_path / "features")
    assert {field.name: str(field.type) for field in table.schema} == COLUMN_TYPES
    assert table.columns == list(COLUMN_TYPES)
    assert set(MODEL_FEATURES) < set(COLUMN_TYPES) - {LABEL, TIME}


def test_another_definition_needs_another_schema_version() -> None:
    known = {1: "1f1df522fea45e2a60c7201f1af4a52f09414fe065f6d64da415b30623f04d37"}
    message = "the SQL text changed: if a column now means something else, raise SCHEMA_VERSION; then note the new SHA-256 here"
    assert FRAUD_FEATURES.sha256() == known[SCHEMA_VERSION], message


@pytest.mark.parametrize("label", [True, False])
def test_rows_to_score_keep_their_number_and_order(tmp_path: Path, label: bool) -> None:
    raw = write_raw(tmp_path / "raw.parquet", Time=[9.0, 3.0, 3.0], V1=[1.0, 2.0, 2.0], Class=[1, 0, 0])
    if not label:
        pq.write_table(raw.read().drop_columns(["Class"]), tmp_path / "unlabelled.parquet")
        raw = Table(tmp_path / "unlabelled.parquet")
    table = score_rows(FRAUD_FEATURES, raw, tmp_path / "rows.parquet")
    assert table.columns == [name for name in COLUMN_TYPES if name != LABEL]
    assert table.read()[TIME].to_pylist() == [9, 3, 3]
    assert table.read()["V1"].to_pylist() == [1.0, 2.0, 2.0]


def test_rows_to_score_have_the_values_of_the_training_set(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw.parquet", Time=[1.0, 2.0, 90_000.0], Amount=[1.1, 0.29, 7.0], V3=[-0.0, 1e-9, 3.0])
    training = DuckDBEngine(FRAUD_FEATURES).build(raw, tmp_path / "features").read()
    assert score_rows(FRAUD_FEATURES, raw, tmp_path / "rows.parquet").read().equals(training.drop_columns([LABEL]))
