"""The features of a request are those of the SQL that models were trained with, to the last bit, for one row and for many."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.data.table import Table
from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle
from fusionguard.serving.requests import RowReader


@pytest.fixture(params=["fraud", "churn"])
def family(request: pytest.FixtureRequest) -> ModelFamily:
    return model_family(request.param)


@pytest.fixture
def raw(family: ModelFamily, simulated_raw: Path, simulated_customers: Path) -> Table:
    return Table(simulated_raw if family.name == "fraud" else simulated_customers)


def test_features_are_those_of_the_sql(family: ModelFamily, raw: Table, tmp_path: Path) -> None:
    names = [field.name for field in family.request_fields.all]
    definition = family.features
    made = score_rows(definition, raw, tmp_path / "features.parquet").read(list(definition.model_features))
    rows = raw.read(names)
    columns = {name: rows[name].to_numpy(zero_copy_only=False) for name in names}
    columns = {name: values if values.dtype == object else values.astype("f8") for name, values in columns.items()}
    maker = FeatureMaker(definition)
    features = maker.many(columns)
    assert features.equals(made.cast(features.schema))
    for number, row in enumerate(rows.slice(0, 500).to_pylist()):
        values = [float(row[name]) if not isinstance(row[name], str) else row[name] for name in names]
        assert maker.one(values) == [made[name][number].as_py() for name in made.column_names]


def test_one_row_is_answered_as_in_a_batch(family: ModelFamily, raw: Table, fraud_bundle: Bundle, churn_bundle: Bundle) -> None:
    online = family.open_online(fraud_bundle if family.name == "fraud" else churn_bundle)
    names = [field.name for field in family.request_fields.all]
    rows = raw.read(names).slice(0, 400).to_pylist()
    reader = RowReader(family.request_fields)
    together = online.many(reader.many({"rows": rows}, 400).columns)
    expected = zip(together.values.to_pylist(), together.whys, strict=True)
    for row, (values, why) in zip(rows, expected, strict=True):
        answer = online.one(reader.one(row).values)
        for name, value in zip(family.outputs, answer.values, strict=True):
            if isinstance(value, float):
                assert value == pytest.approx(values[name], abs=1e-4 if "expected" in name else 1e-5)
            elif name != "reasons" or together.unexplained == 0:
                assert value == values[name], name
        assert answer.why == why


def test_fields_are_the_raw_columns_of_the_features_in_their_order() -> None:
    fields = model_family("churn").request_fields
    assert [field.name for field in fields.all] == list(model_family("churn").features.model_columns)
    assert [field.name for field in fields.numbers if not field.whole] == ["Balance", "EstimatedSalary"]
    assert [(field.name, field.low, field.high) for field in fields.numbers][1] == ("Age", 18, 110)
    assert fields.choices[0].expected == "one of 'France', 'Germany', 'Spain'"
    assert not any(field.whole for field in model_family("fraud").request_fields.numbers)


def test_negative_zero_is_zero() -> None:
    assert str(FeatureMaker(FRAUD_FEATURES).one([-0.0] * 30)[0]) == "0.0"
