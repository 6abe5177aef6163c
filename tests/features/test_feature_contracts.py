"""The contract on features: each way to break it."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from fusionguard.data.contract_report import ContractError
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.features.contracts import check_features
from fusionguard.features.store import FeatureSet, build_features

from .conftest import MakeRaw


@pytest.fixture
def features(make_raw: MakeRaw, provenance: Provenance, tmp_path_factory: pytest.TempPathFactory) -> FeatureSet:
    return build_features(make_raw(2_000, duplicates=20), provenance, "duckdb", tmp_path_factory.mktemp("store"))


def test_what_the_engine_builds_satisfies_it(features: FeatureSet) -> None:
    report = check_features(features.table, features.manifest)
    assert report.success
    assert report.broken == report.warnings == ()
    assert (report.dataset, report.stage, report.rows) == ("fraud", "features", features.manifest.rows)


def put(column: str, row: int, value: object) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[row] = value
        at = table.schema.get_field_index(column)
        return table.set_column(at, column, pa.array(values, table.schema.field(at).type))

    return change


def test_each_broken_cell_is_named(features: FeatureSet) -> None:
    table = features.table.read()
    broken = [("V3", 4, None), ("hour_of_day", 5, 24), ("hour_of_day", 6, -1), ("amount_fraction_cents", 7, 100)]
    broken += [("amount_cents", 8, -1), ("Amount", 9, -0.01), ("V28", 10, 200.0), ("Class", 11, 2), ("time_seconds", 12, -1)]
    for column, row, value in broken:
        table = put(column, row, value)(table)
    pq.write_table(table, features.table.files[0])
    report = check_features(Table(features.table.path), features.manifest)
    found = {(check.column, row) for check in report.broken for row in check.example_rows}
    assert found == {(column, row) for column, row, _ in broken}
    with pytest.raises(ContractError, match="The fraud features break their contract"):
        report.raise_if_broken()


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (lambda table: table.slice(1), {"as many rows as the manifest says"}),
        (lambda table: pa.concat_tables([table.slice(0, 1), table.slice(0, table.num_rows - 1)]), {"no exact duplicates"}),
        (lambda table: table.take(pc.array_sort_indices(table["V1"])), {"never decreasing"}),
        (lambda table: table.drop_columns(["hour_of_day"]), {"columns in order"}),
        (lambda table: table.set_column(0, "time_seconds", table["time_seconds"].cast(pa.float64())), {"type"}),
    ],
    ids=["a row less", "a row twice", "another order", "a column less", "another type"],
)
def test_a_table_of_another_shape(features: FeatureSet, change: Callable[[pa.Table], pa.Table], rules: set[str]) -> None:
    pq.write_table(change(features.table.read()), features.table.files[0])
    report = check_features(Table(features.table.path), features.manifest)
    assert {check.rule for check in report.broken} == rules
