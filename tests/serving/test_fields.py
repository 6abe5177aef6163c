"""The features of a request are those of the SQL that models were trained with, to the last bit, for one row and for many."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.data.table import Table
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.models.bundle import Bundle
from fusionguard.serving.engines import open_engine
from fusionguard.serving.fields import request_fields
from fusionguard.serving.requests import RowReader


@pytest.fixture(params=["fraud", "churn"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def raw(family: str, simulated_raw: Path, simulated_customers: Path) -> Table:
    return Table(simulated_raw if family == "fraud" else simulated_customers)


def test_features_are_those_of_the_sql(family: str, raw: Table, tmp_path: Path) -> None:
    fields = request_fields(family)
    names = [field.name for field in fields.all]
    definition = fields.family.features
    made = score_rows(definition, raw, tmp_path / "features.parquet").read(list(definition.model_features))
    rows = raw.read(names)
    columns = {name: rows[name].to_numpy(zero_copy_only=False) for name in names}
    columns = {name: values if values.dtype == object else values.astype("f8") for name, values in columns.items()}
    features = fields.features(columns)
    assert features.equals(made.cast(features.schema))
    for number, row in enumerate(rows.slice(0, 500).to_pylist()):
        values = [float(row[name]) if not isinstance(row[name], str) else row[name] for name in names]
        assert fields.features_of_one(values) == [made[name][number].as_py() for name in made.column_names]


def test_one_row_is_answered_as_in_a_batch(family: str, raw: Table, fraud_bundle: Bundle, churn_bundle: Bundle) -> None:
    fields = request_fields(family)
    engine = open_engine(fields.family, fraud_bundle if family == "fraud" else churn_bundle)
    names = [field.name for field in fields.all]
    rows = raw.read(names).slice(0, 400).to_pylist()
    reader = RowReader(fields)
    together = engine.many(reader.many({"rows": rows}, 400).columns)
    expected = zip(together.values.to_pylist(), together.whys, strict=True)
    for row, (values, why) in zip(rows, expected, strict=True):
        answer = engine.one(reader.one(row).values)
        for name, value in zip(fields.family.outputs, answer.values, strict=True):
            if isinstance(value, float):
                assert value == pytest.approx(values[name], abs=1e-4 if "expected" in name else 1e-5)
            elif name != "reasons" or together.unexplained == 0:
                assert value == values[name], name
        assert answer.why == why


def test_negative_zero_is_zero(transaction: dict[str, float]) -> None:
    fields = request_fields("fraud")
    features = fields.features_of_one([-0.0] * 30)
    assert str(features[0]) == "0.0"
