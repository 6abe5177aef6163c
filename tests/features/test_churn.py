"""The churn features: the SQL on rows worked out by hand, both engines, the contract, the bias report, the store, and scoring."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.contract_report import ContractError
from fusionguard.data.ingest import read_raw
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.simulated import simulate
from fusionguard.errors import DataError
from fusionguard.features.bias import bias_report
from fusionguard.features.churn import (
    AGE_BANDS,
    AGE_EDGES,
    CHURN_FEATURES,
    COLUMN_TYPES,
    LABEL,
    MODEL_FEATURES,
    ROW_NUMBER,
    SCHEMA_VERSION,
)
from fusionguard.features.contracts import check_features
from fusionguard.features.duckdb_engine import DuckDBEngine, score_rows
from fusionguard.features.spark_engine import SparkEngine
from fusionguard.features.store import FeatureSet, build_features, content_sha256

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")
PRIVATE = {"Surname", "CustomerId"}
UNREAD = {*PRIVATE, "RowNumber"}
ONE = {
    "RowNumber": 7,
    "CustomerId": 15_600_001,
    "Surname": "Ostquubzen",
    "CreditScore": 600,
    "Geography": "France",
    "Gender": "Female",
    "Age": 40,
    "Tenure": 4,
    "Balance": 50_000.0,
    "NumOfProducts": 2,
    "HasCrCard": 1,
    "IsActiveMember": 0,
    "EstimatedSalary": 99_000.0,
    "Exited": 0,
}
"""A customer who is nobody."""


def write_raw(file: Path, **columns: list[object]) -> Table:
    """Write customers who are like ``ONE`` but for ``columns``."""
    rows = len(next(iter(columns.values())))
    whole = {name: [value] * rows for name, value in ONE.items()}
    whole |= {"RowNumber": list(range(90, 90 + rows)), "CustomerId": list(range(15_600_001, 15_600_001 + rows))}
    pq.write_table(pa.table(whole | columns), file)
    return Table(file)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return simulate(CHURN, 2_000, 5, tmp_path_factory.mktemp("raw") / "raw.parquet")


@pytest.fixture
def features(raw: Table, tmp_path: Path) -> FeatureSet:
    provenance = Provenance(dataset="churn", origin="simulated", description="a test", sha256="ab" * 32, rows=raw.rows)
    return build_features(raw, provenance, "duckdb", tmp_path / "store")


def test_rows_worked_out_by_hand(tmp_path: Path) -> None:
    raw = write_raw(
        tmp_path / "raw.parquet",
        Age=[18, 29, 30, 39, 40, 49, 50, 59, 60, 92],
        Balance=[0.0, -0.0, 0.01, 50_000.0, 50_000.0, 50_000.0, 50_000.0, 50_000.0, 50_000.0, 1e9],
        EstimatedSalary=[0.0, 99_000.0, 0.0, 99_000.0, 0.0, 11.58, 99_000.0, 99_000.0, 99_000.0, 0.0],
        Tenure=[0, 1, 3, 10, 4, 7, 5, 0, 6, 10],
        Geography=["Germany"] * 5 + ["Spain"] * 5,
        NumOfProducts=[1, 2, 3, 4, 1, 2, 3, 4, 1, 2],
        IsActiveMember=[0, 1] * 5,
        Exited=[1, 0] * 5,
    )
    table = DuckDBEngine(CHURN_FEATURES).build(raw, tmp_path / "features").read().to_pydict()
    assert table["age_band"] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert table["has_balance"] == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
    assert [str(value) for value in table["Balance"][:2]] == ["0.0", "0.0"], "a zero has no sign"
    assert table["balance_to_salary"] == [0.0, 0.0, 1e-5, 0.5, 50.0, 50_000 / 1_011.58, 0.5, 0.5, 0.5, 1e6]
    assert table["tenure_to_age"] == [0.0, 1 / 29, 0.1, 10 / 39, 0.1, 1 / 7, 0.1, 0.0, 0.1, 10 / 92]
    assert table["country_products"][:2] == ["Germany, products: 1", "Germany, products: 2"]
    assert table["activity_products"][:2] == ["inactive, products: 1", "active, products: 2"]
    assert table[LABEL] == [1, 0] * 5


def test_age_bands_are_those_that_people_read() -> None:
    assert AGE_EDGES == (30, 40, 50, 60)
    assert len(AGE_BANDS) == len(AGE_EDGES) + 1
    starts = [int(found.group()) for name in AGE_BANDS[1:] if (found := re.match(r"\d+", name))]
    assert starts == list(AGE_EDGES)


def test_columns_and_types_are_the_declared_ones_and_name_nobody(features: FeatureSet) -> None:
    assert {field.name: str(field.type) for field in features.table.schema} == COLUMN_TYPES
    assert features.table.columns == list(COLUMN_TYPES)
    assert set(MODEL_FEATURES) < set(COLUMN_TYPES) - {LABEL, ROW_NUMBER}
    assert not PRIVATE & set(COLUMN_TYPES)
    statements = "\n".join(line for line in CHURN_FEATURES.rows_text.splitlines() if not line.startswith("--"))
    assert not any(name.lower() in statements.lower() for name in PRIVATE)


def test_another_definition_needs_another_schema_version() -> None:
    known = {1: "15732d3f3e6d8ed880d69d959d53278191075c312ce2f30ad274cc719f88303e"}
    message = (
        "the SQL text changed: if what models read means something else, raise SCHEMA_VERSION; then note the new SHA-256 here"
    )
    assert CHURN_FEATURES.sha256() == known[SCHEMA_VERSION], message


def test_rows_are_numbered_as_they_come_whatever_the_columns_that_nobody_reads_say(
    raw: Table, features: FeatureSet, tmp_path: Path
) -> None:
    """RowNumber in another order, or none of it, of an id and of a name: the same table in the order of the file."""
    numbers = pa.array(np.random.default_rng(1).permutation(raw.rows) + 1)
    others = {"renumbered": raw.read().set_column(0, "RowNumber", numbers), "nameless": raw.read().drop_columns([*UNREAD])}
    assert features.table.read()[ROW_NUMBER].to_pylist() == list(range(raw.rows))
    for name, rows in others.items():
        pq.write_table(rows, tmp_path / f"{name}.parquet", row_group_size=300)
        again = DuckDBEngine(CHURN_FEATURES).build(Table(tmp_path / f"{name}.parquet"), tmp_path / name)
        assert content_sha256(again) == features.manifest.features_sha256
    order = pa.array(np.random.default_rng(2).permutation(raw.rows))
    pq.write_table(raw.read().take(order), tmp_path / "shuffled.parquet", row_group_size=300)
    shuffled = DuckDBEngine(CHURN_FEATURES).build(Table(tmp_path / "shuffled.parquet"), tmp_path / "shuffled").read()
    assert shuffled[ROW_NUMBER].to_pylist() == list(range(raw.rows))
    assert shuffled.drop_columns([ROW_NUMBER]).equals(features.table.read().take(order).drop_columns([ROW_NUMBER]))


@pytest.mark.long
@needs_java
@pytest.mark.full
def test_spark_gives_the_rows_of_duckdb(raw: Table, features: FeatureSet, tmp_path: Path) -> None:
    spark = SparkEngine(CHURN_FEATURES).build(raw, tmp_path / "spark")
    assert spark.read().to_pydict() == features.table.read().to_pydict()
    assert content_sha256(spark) == features.manifest.features_sha256


@pytest.mark.long
@needs_java
@pytest.mark.full
def test_both_engines_number_the_rows_of_several_files_in_their_order(raw: Table, tmp_path: Path) -> None:
    shuffled = raw.read().take(pa.array(np.random.default_rng(4).permutation(raw.rows))).drop_columns(["RowNumber"])
    (tmp_path / "parts").mkdir()
    for part, (start, stop) in enumerate([(0, 700), (700, 710), (710, 2_000)]):
        pq.write_table(shuffled.slice(start, stop - start), tmp_path / "parts" / f"part-{part}.parquet", row_group_size=300)
    duckdb = DuckDBEngine(CHURN_FEATURES).build(Table(tmp_path / "parts"), tmp_path / "duckdb")
    spark = SparkEngine(CHURN_FEATURES).build(Table(tmp_path / "parts"), tmp_path / "spark")
    assert duckdb.read()["Balance"].to_pylist() == shuffled["Balance"].to_pylist()
    assert duckdb.read()[ROW_NUMBER].to_pylist() == list(range(2_000))
    assert content_sha256(spark) == content_sha256(duckdb)


def test_what_the_engine_builds_satisfies_its_contract(features: FeatureSet) -> None:
    report = check_features(features.table, features.manifest)
    assert report.broken == report.warnings == ()
    assert (report.dataset, report.stage, report.rows) == ("churn", "features", 2_000)


def test_real_features_satisfy_their_contract(real_data: Path, tmp_path: Path) -> None:
    raw = read_raw(real_data / "bank_churn" / CHURN.file_name, CHURN, tmp_path / "raw.parquet")
    provenance = Provenance(dataset="churn", origin="local", description="", sha256="0" * 64, rows=raw.rows)
    built = build_features(raw, provenance, "duckdb", tmp_path / "store")
    assert check_features(built.table, built.manifest).broken == ()
    assert (built.manifest.rows, built.manifest.duplicates_dropped) == (raw.rows, 0)
    whole = raw.read()
    table = built.table.read()
    assert table["Age"].to_pylist() == whole["Age"].to_pylist()
    bands = np.digitize(whole["Age"].to_numpy(), AGE_EDGES)
    np.testing.assert_array_equal(table["age_band"].to_numpy(), bands)
    quotient = whole["Balance"].to_numpy() / (whole["EstimatedSalary"].to_numpy() + 1000)
    np.testing.assert_array_equal(table["balance_to_salary"].to_numpy(), quotient)


def put(column: str, row: int, value: object) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[row] = value
        at = table.schema.get_field_index(column)
        return table.set_column(at, column, pa.array(values, table.schema.field(at).type))

    return change


BROKEN = [
    ("Geography", 4, "Italy"),
    ("Geography", 5, "france"),
    ("Gender", 6, None),
    ("age_band", 7, 5),
    ("age_band", 8, -1),
    ("has_balance", 9, 2),
    ("balance_to_salary", 10, -0.5),
    ("tenure_to_age", 11, 1.5),
    ("country_products", 12, "Italy, products: 1"),
    ("activity_products", 13, "active, products: 5"),
    ("Age", 14, 17),
    ("NumOfProducts", 15, 5),
    ("Balance", 16, -1.0),
    (LABEL, 17, 2),
]


def test_each_broken_cell_is_named(features: FeatureSet) -> None:
    table = features.table.read()
    for column, row, value in BROKEN:
        table = put(column, row, value)(table)
    pq.write_table(table, features.table.files[0])
    report = check_features(Table(features.table.path), features.manifest)
    found = {(check.column, row) for check in report.broken for row in check.example_rows}
    assert found == {(column, row) for column, row, _ in BROKEN}
    with pytest.raises(ContractError, match="The churn features break their contract"):
        report.raise_if_broken()


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (put(ROW_NUMBER, 3, 2), {"each row once"}),
        (put(ROW_NUMBER, 3, 0), {"each row once", "never decreasing"}),
        (lambda table: table.slice(1), {"as many rows as the manifest says"}),
        (lambda table: table.take(pa.array(range(table.num_rows - 1, -1, -1))), {"never decreasing"}),
        (lambda table: table.append_column("Surname", table["Gender"]), {"columns in order"}),
    ],
    ids=["a number twice", "a number twice and out of order", "a row less", "another order", "a name beside the features"],
)
def test_a_table_of_another_shape(features: FeatureSet, change: Callable[[pa.Table], pa.Table], rules: set[str]) -> None:
    pq.write_table(change(features.table.read()), features.table.files[0])
    report = check_features(Table(features.table.path), features.manifest)
    assert {check.rule for check in report.broken} == rules


def test_the_bias_report_counts_gender_age_and_geography(features: FeatureSet) -> None:
    report = bias_report(features.table, features.manifest)
    table = features.table.read()
    label, age = table[LABEL].to_numpy(), table["Age"].to_numpy()
    low, high = np.array([0, *AGE_EDGES]), np.array([*AGE_EDGES, 1_000])
    inside = {
        "gender": [(name, np.array(table["Gender"].to_pylist()) == name) for name in ("Female", "Male")],
        "age band": [(name, (age >= low[band]) & (age < high[band])) for band, name in enumerate(AGE_BANDS)],
        "geography": [(name, np.array(table["Geography"].to_pylist()) == name) for name in ("France", "Germany", "Spain")],
    }
    assert list(report.segments) == list(inside)
    for cut, parts in inside.items():
        found = [(part.name, part.rows, part.positives, part.label_rate) for part in report.segments[cut]]
        assert found == [(name, chosen.sum(), label[chosen].sum(), pytest.approx(label[chosen].mean())) for name, chosen in parts]
    assert report.class_balance.label_rate == pytest.approx(label.mean())
    assert report.missing_share == dict.fromkeys(COLUMN_TYPES, 0)


def test_the_content_hash_sees_texts_where_they_are(tmp_path: Path) -> None:
    def sha256(name: str, *pieces: list[str | None]) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for number, texts in enumerate(pieces):
            pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), folder / f"part-{number}.parquet")
        return content_sha256(Table(folder))

    whole = sha256("whole", ["ab", "c", "", None])
    assert sha256("parts", ["ab"], ["c", ""], [None]) == whole
    others: dict[str, list[str | None]] = {
        "the border between two": ["a", "bc", "", None],
        "the order": ["c", "ab", "", None],
        "null for empty": ["ab", "c", None, None],
        "null elsewhere": ["ab", "c", None, ""],
        "a length in the text": ["ab1:c", "", "", None],
        "an accent": ["äb", "c", "", None],
        "fewer": ["ab", "c", ""],
    }
    assert len({whole, *(sha256(name, texts) for name, texts in others.items())}) == len(others) + 1


def test_rows_to_score_have_the_values_of_the_training_set_in_their_own_order(
    raw: Table, features: FeatureSet, tmp_path: Path
) -> None:
    order = np.random.default_rng(2).permutation(raw.rows)
    pq.write_table(raw.read().take(pa.array(order)).drop_columns([LABEL]), tmp_path / "unlabelled.parquet")
    scored = score_rows(CHURN_FEATURES, Table(tmp_path / "unlabelled.parquet"), tmp_path / "rows.parquet")
    assert scored.columns == [name for name in COLUMN_TYPES if name not in (LABEL, ROW_NUMBER)]
    expected = features.table.read().take(pa.array(order)).drop_columns([LABEL, ROW_NUMBER])
    assert scored.read().to_pydict() == expected.to_pydict()


@pytest.mark.parametrize(
    ("column", "value", "wrong"),
    [
        ("Geography", "Italy", "empty or not one of France, Germany, Spain"),
        ("Geography", "france", "empty or not one of France, Germany, Spain"),
        ("Geography", None, "empty or not one of France, Germany, Spain"),
        ("Gender", "", "empty or not one of Female, Male"),
        ("Age", 17, "empty, not finite or out of range"),
        ("Age", None, "empty, not finite or out of range"),
        ("Balance", float("nan"), "empty, not finite or out of range"),
        ("EstimatedSalary", float("inf"), "empty, not finite or out of range"),
        ("HasCrCard", 2, "empty, not finite or out of range"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_row_and_names_nobody(
    raw: Table, tmp_path: Path, column: str, value: object, wrong: str
) -> None:
    table = put(column, 1_998, value)(put(column, 2, value)(raw.read().drop_columns([LABEL])))
    pq.write_table(table, tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=rf"^Column '{column}' has 2 cells that are {wrong} \(rows 2, 1998\)") as caught:
        score_rows(CHURN_FEATURES, Table(tmp_path / "bad.parquet"), tmp_path / "rows.parquet")
    for place in (2, 1_998):
        assert not any(str(table[name][place].as_py()) in str(caught.value) for name in PRIVATE)
    assert {file.name for file in tmp_path.iterdir()} == {"bad.parquet"}


@pytest.mark.parametrize("column", ["Age", "Balance", "Geography"])
def test_a_missing_column_is_named(raw: Table, tmp_path: Path, column: str) -> None:
    pq.write_table(raw.read().drop_columns([column]), tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=rf"^These columns are missing: {column}\. Give a table in Kaggle's layout\.$"):
        score_rows(CHURN_FEATURES, Table(tmp_path / "bad.parquet"), tmp_path / "rows.parquet")


def test_no_name_and_no_number_is_needed_to_score(raw: Table, tmp_path: Path) -> None:
    pq.write_table(raw.read().drop_columns([LABEL, *UNREAD]), tmp_path / "nameless.parquet")
    assert score_rows(CHURN_FEATURES, Table(tmp_path / "nameless.parquet"), tmp_path / "rows.parquet").rows == raw.rows
