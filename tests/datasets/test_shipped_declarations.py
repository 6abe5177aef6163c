"""The declarations that ship say, column by column, what the code of the two data sets says."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fusionguard.data.contract_suites import Suite
from fusionguard.data.schema import DatasetSchema
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.catalog import find_dataset, shipped_names
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.expressions import Column, Expression, Number
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.shipped import shipped_dataset
from fusionguard.datasets.simulated import simulate
from fusionguard.errors import UsageError
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.features.churn import AGE_BANDS, AGE_EDGES, CHURN_FEATURES
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.duckdb_engine import score_table
from fusionguard.features.fraud import AMOUNT_EDGES, FRAUD_FEATURES

PAIRS = {"creditcard": (FRAUD, FRAUD_FEATURES), "bank_churn": (CHURN, CHURN_FEATURES)}

_OPERATORS: dict[str, Callable[..., float]] = {
    **{"+": operator.add, "*": operator.mul, "/": operator.truediv},
    **{"%": math.fmod, ">": operator.gt, "floor": math.floor},
}


@pytest.fixture(params=PAIRS)
def shipped(request: pytest.FixtureRequest) -> tuple[Declaration, DatasetSchema, FeatureDefinition]:
    schema, features = PAIRS[request.param]
    return find_dataset(request.param, ("fraud", "churn")).declaration, schema, features


def test_the_layout_is_the_schema(shipped: tuple[Declaration, DatasetSchema, FeatureDefinition]) -> None:
    declaration, schema, _ = shipped
    layout = raw_layout(declaration, list(schema.columns))
    assert list(layout.columns.items()) == list(schema.columns.items())
    assert (layout.label, layout.private, layout.optional) == (schema.label, schema.private, schema.optional)
    assert (layout.kaggle, layout.file_name, declaration.problem) == (schema.kaggle, schema.file_name, schema.name)


def test_the_contract_is_the_suite(shipped: tuple[Declaration, DatasetSchema, FeatureDefinition]) -> None:
    declaration, schema, _ = shipped
    suite = shipped_dataset(schema.name).suite(schema)
    assert _ranges(declaration) == _suite_ranges(suite)
    values = {name: set(each.values or ()) for name, each in declaration.categorical.items()}
    label = declaration.label
    values[label.column] = {*(label.positive or ()), *(label.negative or ())}
    listed = {rule.column: set(rule.arguments["value_set"]) for rule in suite.cells if rule.name == "known values"}
    assert values == {column: held for column, held in listed.items() if column not in declaration.numeric}
    assert {each.unseen for each in declaration.categorical.values()} <= {"refuse"}
    learned = (*declaration.numeric.values(), *declaration.categorical.values())
    assert {each.missing for each in learned} == {"refuse"} and label.missing == "refuse"
    assert label.share == suite.label_share
    assert (declaration.time.column if declaration.time and declaration.time.ordered else None) == suite.order
    unique = {rule.columns for rule in suite.unique if len(rule.columns) == 1}
    assert {(column,) for column in (declaration.id, *declaration.unique) if column} == unique


def test_models_read_the_features(shipped: tuple[Declaration, DatasetSchema, FeatureDefinition]) -> None:
    declaration, _, features = shipped
    assert declaration.features == features.model_features
    assert {name: bounds for name, bounds in _ranges(declaration).items() if bounds} == dict(features.limits)
    assert {name: each.values for name, each in declaration.categorical.items()} == features.known
    assert (declaration.time.column if declaration.time else None) == features.span_column


@pytest.mark.parametrize("name", PAIRS)
def test_formulas_make_what_the_sql_makes(name: str, tmp_path: Path) -> None:
    declaration = find_dataset(name).declaration
    schema, features = PAIRS[name]
    raw = pq.read_table(simulate(schema, 5_000, 11, tmp_path / "raw.parquet").path)
    made = score_table(features, raw)
    assert set(declaration.derived) == {*features.model_features} - {*schema.columns, *declaration.calendar}
    for feature, derived in declaration.derived.items():
        expected = [_value(derived.tree, row) for row in raw.to_pylist()]
        assert made[feature].to_pylist() == pytest.approx(expected, rel=1e-15), feature
        assert len(set(expected)) > 1


def test_bands_are_those_of_the_reports() -> None:
    (ages,) = find_dataset("bank_churn").declaration.bands.values()
    assert (ages.column, ages.edges, ages.names) == ("Age", AGE_EDGES, AGE_BANDS)
    (amounts,) = find_dataset("creditcard").declaration.bands.values()
    segmentation = next(each for each in FRAUD_FEATURES.segmentations if each.name == "amount")
    assert (amounts.column, amounts.edges) == ("Amount", AMOUNT_EDGES[1:])
    assert amounts.names == tuple(segmentation.names.values())


def test_fairness_is_reported_by_what_it_is_judged_by() -> None:
    protected = {name.lower() for name in find_dataset("bank_churn").declaration.protected}
    assert protected == {"gender", "age_band", "geography"} <= set(FairnessConfig.model_fields)


@pytest.mark.parametrize("name", PAIRS)
def test_they_hold_for_simulated_rows(name: str, tmp_path: Path) -> None:
    declared = find_dataset(name)
    table = simulate(PAIRS[name][0], 5_000, 5, tmp_path / "raw.parquet")
    resolved = resolve(declared, table, range(0, 3_000))
    assert (resolved.rows, resolved.learned_rows) == (5_000, (0, 3_000))
    assert {column: each.type for column, each in resolved.columns.items()} == PAIRS[name][0].columns
    assert resolved.cut == {"creditcard": "chronological slices", "bank_churn": "folds"}[name]
    assert resolved.label.positive_rows + resolved.label.negative_rows == 5_000
    assert ResolvedDataset.from_json(resolved.to_json()) == resolved


@pytest.mark.parametrize("name", PAIRS)
def test_they_hold_for_real_rows(name: str, real_data: Path) -> None:
    from pyarrow import csv

    file = {"creditcard": "creditcard_fraud/creditcard.csv", "bank_churn": "bank_churn/Churn_Modelling.csv"}[name]
    resolved = resolve(find_dataset(name), csv.read_csv(real_data / file))
    assert (resolved.label.positive_rows, resolved.rows) == {"creditcard": (360, 14_271), "bank_churn": (1_630, 8_000)}[name]


def test_a_data_set_is_found_by_name_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"bank_churn", "creditcard"} <= set(shipped_names())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        find_dataset("credit_card")
    assert str(caught.value).startswith("Unknown data set 'credit_card'. Did you mean 'creditcard'? Valid choices: bank_churn,")
    with pytest.raises(UsageError, match=r"^There is no declaration 'mine\.yaml'\. Name a YAML file"):
        find_dataset("mine.yaml")
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match=r"A path of that name is written './mine'\."):
        find_dataset("mine")
    text = "version: 1\nname: mine\nproblem: churn\nlabel: left\nnumeric: {balance: }\n"
    (tmp_path / "mine" / "declaration.yaml").write_text(text, encoding="utf-8")
    assert find_dataset("./mine").declaration.name == "mine"
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert find_dataset("mine.yaml").file == "mine.yaml"


def _ranges(declaration: Declaration) -> dict[str, tuple[float, float] | None]:
    ranges = {name: numeric.range for name, numeric in declaration.numeric.items()}
    for each in (declaration.time, declaration.amount):
        if each is not None:
            ranges[each.column] = each.range
    return ranges


def _suite_ranges(suite: Suite) -> dict[str, tuple[float, float]]:
    """Return the ranges of a suite, those of columns that hold 0 or 1 among them."""
    ranges = {
        rule.column: (rule.arguments["min_value"], rule.arguments["max_value"]) for rule in suite.cells if rule.name == "in range"
    }
    flags = [rule.column for rule in suite.cells if rule.name == "known values" and rule.arguments["value_set"] == [0, 1]]
    return {**ranges, **{column: (0, 1) for column in flags if column != suite.label}}


def _value(tree: Expression, row: dict[str, float]) -> float:
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Column):
        return row[tree.name]
    operands = [_value(each, row) for each in tree.operands]
    return float(_OPERATORS[tree.operator](*operands))
