"""Declared tables: what DuckDB, Spark, one row and many make of their prepared rows agrees to the last bit."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.datasets.reading import read_declaration
from fusionguard.datasets.resolve_source import read_data
from fusionguard.errors import DataError
from fusionguard.features.declared import declared_features
from fusionguard.features.duckdb_engine import DuckDBEngine, score_table
from fusionguard.features.maker import FeatureMaker
from fusionguard.features.spark_engine import SparkEngine
from tests.expressions.engines import bits
from tests.foreign import write_payments, write_telco

from .declared_tables import LOANS, PAYMENTS, PAYMENTS_SQL, READINGS, WIDE, Made, loans, made, payments, readings, wide

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")


def _foreign(write: Callable[..., Path], timed: bool) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        source = declared_source(read_declaration(write(folder, 600, timed=timed)), "auto")
        raw, described = source.fetch(folder / "raw", earliest=0.75)
        return Made(described, pa.table({}), raw.table, declared_features(described))

    return make


def _shipped(name: str, problem: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        raw = read_data(problem, "simulated", folder / "raw", rows=500, seed=4)
        return made(find_dataset(name).text, raw.table.read(), folder)

    return make


TABLES: dict[str, Callable[[Path], Made]] = {
    "payments": lambda folder: made(PAYMENTS, payments(), folder, PAYMENTS_SQL),
    "loans": lambda folder: made(LOANS, loans(), folder),
    "readings": lambda folder: made(READINGS, readings(), folder),
    "foreign payments": _foreign(write_payments, True),
    "foreign payments, no time": _foreign(write_payments, False),
    "foreign telco": _foreign(write_telco, False),
    "foreign telco, timed": _foreign(write_telco, True),
    "creditcard": _shipped("creditcard", "fraud"),
    "bank_churn": _shipped("bank_churn", "churn"),
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    found: dict[str, Made] = {}

    def get(name: str) -> Made:
        if name not in found:
            found[name] = TABLES[name](tmp_path_factory.mktemp("declared"))
        return found[name]

    return get


def _rows(table: pa.Table) -> list[list[Any]]:
    return [[bits(value) for value in row] for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


def _arrays(table: pa.Table) -> dict[str, np.ndarray]:
    return {
        name: np.array(table[name].to_pylist(), dtype=object if pa.types.is_string(table[name].type) else np.float64)
        for name in table.column_names
    }


@pytest.mark.parametrize("name", TABLES)
def test_one_row_and_many_are_what_duckdb_makes(tables: Callable[[str], Made], name: str) -> None:
    table = tables(name)
    definition, sent = table.definition, table.prepared.read(list(table.definition.model_columns))
    features = list(definition.model_features)
    expected = score_table(definition, table.prepared.read()).select(features)
    assert [str(expected.schema.field(each).type) for each in features] == [definition.column_types[each] for each in features]
    maker = FeatureMaker(definition)
    one = [maker.one(values) for values in zip(*(column.to_pylist() for column in sent.columns), strict=True)]
    assert [[bits(value) for value in row] for row in one] == _rows(expected)
    many = maker.many(_arrays(sent))
    assert _rows(many) == _rows(expected) and many.schema.types == expected.schema.types


@pytest.mark.parametrize("name", TABLES)
def test_the_training_set_has_all_rows_and_the_same_features(tables: Callable[[str], Made], name: str, tmp_path: Path) -> None:
    table = tables(name)
    built = DuckDBEngine(table.definition, span_rows=100).build(table.prepared, tmp_path / "built").read()
    assert built.schema.types == [pa.type_for_alias(kind) for kind in table.definition.column_types.values()]
    features = list(table.definition.model_features)
    scored = score_table(table.definition, table.prepared.read()).select(features)
    place = built[str(table.definition.row_column)].to_numpy()
    assert sorted(place) == list(range(table.prepared.rows))
    assert _rows(built.select(features)) == _rows(scored.take(place))
    assert built[table.definition.label].to_pylist() == table.prepared.read()[table.definition.label].take(place).to_pylist()


@pytest.mark.full
@needs_java
@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name == "payments" else pytest.mark.long) for name in TABLES])
def test_spark_makes_the_same_training_set(tables: Callable[[str], Made], name: str, tmp_path: Path) -> None:
    table = tables(name)
    by_duckdb = DuckDBEngine(table.definition).build(table.prepared, tmp_path / "duckdb").read()
    by_spark = SparkEngine(table.definition).build(table.prepared, tmp_path / "spark").read()
    assert by_spark.schema.types == by_duckdb.schema.types
    assert _rows(by_spark) == _rows(by_duckdb)


def test_rows_for_scoring_are_prepared_like_those_for_training(tables: Callable[[str], Made]) -> None:
    for name in ("payments", "loans", "readings"):
        table = tables(name)
        scored = table.for_scoring()
        trained = table.prepared.read(scored.column_names)
        assert sorted(map(str, _rows(scored))) == sorted(map(str, _rows(trained)))


def test_the_calendar_is_pythons(tables: Callable[[str], Made]) -> None:
    names = ["hour_of_day", "day_of_week", "day_of_month", "month", "weekend", "night"]
    make = tables("payments").definition.parsed_rows.row_function(["clock_seconds"], names)
    beginnings = [datetime(1599, 12, 30, 23, 59, 59, tzinfo=UTC), datetime(2000, 2, 28, tzinfo=UTC)]
    moments = [first + timedelta(seconds=step * 7_777_777) for first in beginnings for step in range(2_000)]
    leap = [
        datetime(year, month, day, hour, 59, 59, 999_999, tzinfo=UTC)
        for year in (1600, 1899, 1900, 1904, 2000, 2023, 2024, 2100, 2400)
        for month, day in ((2, 28), (3, 1), (12, 31), (1, 1))
        for hour in (0, 5, 6, 23)
    ]
    leap += [datetime(year, 2, 29, 12, tzinfo=UTC) for year in (1600, 1904, 2000, 2024, 2400)]
    for moment in (*moments, *leap):
        weekday = moment.weekday()
        expected = [moment.hour, weekday, moment.day, moment.month, int(weekday >= 5), int(moment.hour < 6)]
        assert make([math.floor(moment.timestamp()) + 0.25]) == expected, moment


def test_categories_derived_numbers_and_missing_parts(tables: Callable[[str], Made]) -> None:
    table = tables("payments")
    maker = FeatureMaker(table.definition)
    assert maker.names == (
        *("distance_km", "order_2", "Betrag_in", "hour_of_day", "day_of_week", "day_of_month", "month", "weekend", "night"),
        *("amount_a_km", "per_order", "cents"),
        *("minute", "km_amount", "grocers", "flags", "odd", "drift", "mcc", "group_2", "Select_2"),
    )
    sent = {"clock_seconds": 0.0, "Betrag_in": -12.345, "distance_km": None, "order_2": 2.0}
    row = [*(sent[name] for name in table.definition.model_columns[:4]), OTHER, None, "1"]
    assert table.definition.model_columns[4:] == ("mcc", "group_2", "Select_2")
    found = dict(zip(maker.names, maker.one(row), strict=True))
    assert (found["mcc"], found["group_2"], found["Select_2"]) == (OTHER, None, "1")
    assert (found["distance_km"], found["amount_a_km"], found["per_order"], found["cents"]) == (None, None, -12.345 / 3, 35.0)
    assert table.definition.words["Betrag_in"] == "Betrag in €" and table.definition.amount == "Betrag_in"


def test_a_missing_part_and_a_divisor_of_zero_make_a_derived_number_missing(tables: Callable[[str], Made]) -> None:
    table = tables("loans")
    maker = FeatureMaker(table.definition)

    def derived(income: float | None, debt: float, age: float | None) -> dict[str, Any]:
        return dict(zip(maker.names, maker.one([income, debt, age, "car"]), strict=True))

    assert derived(0.0, 7.5, None)["debt_to_income"] is None
    assert [derived(None, 7.5, None)[name] for name in ("rich", "decade", "same", "not_thirty", "negative")] == [None] * 5
    found = derived(20.0, -7.5, 39.0)
    assert [found[name] for name in ("debt_to_income", "remainder", "decade", "rich", "same", "not_thirty", "negative")] == [
        *(-0.375, math.fmod(-7.5, 0.1), 3.0, 1.0, 1.0, 1.0, 46.5)
    ]
    assert (derived(None, 1.0, 30.0)["not_thirty"], derived(15.0, 7.5, None)["rich"]) == (0.0, 0.0)
    assert derived(None, -1e300, None)["floored"] == -1e300


@pytest.mark.full
def test_300_columns_and_10_000_categories(tmp_path: Path) -> None:
    table = made(WIDE, wide(), tmp_path)
    features = list(table.definition.model_features)
    assert len(features) == 299 and len(table.definition.known["shop"]) == 10_001
    expected = score_table(table.definition, table.for_scoring()).select(features)
    maker = FeatureMaker(table.definition)
    sent = table.for_scoring().select(list(table.definition.model_columns))
    assert maker.many(_arrays(sent)).equals(expected)
    last = [column[10_049].as_py() for column in sent.columns]
    assert maker.one(last) == [column[10_049].as_py() for column in expected.columns]
    assert last[-1] == "Laden 49" and table.definition.words["Zahl_Nr_296"] == "Zahl Nr. 296"


def test_what_must_not_be_missing_or_unknown_is_refused(tables: Callable[[str], Made]) -> None:
    table = tables("loans")
    raw = table.for_scoring().slice(0, 1)
    for column, cell, wrong in (
        ("debt", None, "empty, not finite"),
        ("income", -1.0, "out of range"),
        ("purpose", "boat", "not one of"),
    ):
        place = raw.column_names.index(column)
        changed = raw.set_column(place, column, pa.array([cell], raw[column].type))
        with pytest.raises(DataError, match=rf"Column '{column}' has 1 cell that is .*{wrong}"):
            score_table(table.definition, changed)


def test_the_text_survives_json_and_is_the_definitions_identity(tables: Callable[[str], Made]) -> None:
    one, other = tables("loans").definition, tables("payments").definition
    assert json.loads(json.dumps(one.rows_text)) == one.rows_text
    assert one.sha256() == declared_features(tables("loans").described).sha256() != other.sha256()


def test_a_column_is_protected_by_its_own_name_whatever_people_call_it_or_others(tmp_path: Path) -> None:
    roles = "protected: [age, sex]\nbands: {young: {column: age, edges: [30], label: purpose}}\nnumeric:\n"
    text = LOANS.replace("numeric:\n", roles).replace("refuse}\nderived", "refuse, label: reason}\nderived")
    table = loans()
    definition = made(text, table.append_column("sex", pa.array((["f", "m", "m"] * 84)[: table.num_rows])), tmp_path).definition
    attributes, cuts = ([(cut.name, cut.column) for cut in each] for each in (definition.attributes, definition.segmentations))
    assert attributes == [("purpose", "age"), ("sex", "sex")]
    assert cuts == [*attributes, ("reason", "purpose")]


def test_bands_are_protected_by_their_own_name_and_by_their_columns_and_other_bands_of_it_are_not(tmp_path: Path) -> None:
    young, old, poor = (f"{{column: {column}, edges: [{edge}]}}" for column, edge in (("age", 30), ("age", 60), ("debt", 9)))
    found = {}
    for at, protected in enumerate(("young", "age", "age, young", "poor, old")):
        roles = f"protected: [{protected}]\nbands: {{young: {young}, old: {old}, poor: {poor}}}\nnumeric:\n"
        definition = made(LOANS.replace("numeric:\n", roles), loans(), tmp_path / str(at)).definition
        found[protected] = [(cut.name, cut.column) for cut in definition.attributes]
        assert [cut.name for cut in definition.segmentations] == ["young", "old", "poor", "purpose"]
    both = [("young", "age"), ("old", "age")]
    assert found == {"young": both[:1], "age": both, "age, young": both, "poor, old": [both[1], ("poor", "debt")]}
