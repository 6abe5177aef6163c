"""The fraud model of a data set that nobody ships: texts, missing values, other names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.families.fraud.autoencoder_inputs import Inputs, Scaling
from fusionguard.families.fraud.model import FraudModel, load
from fusionguard.families.fraud.online import OnlineFraudModel
from fusionguard.families.fraud.rows import Encoding, amounts
from fusionguard.families.of_bundle import family_of
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.faults.evidence import sent_features
from fusionguard.serving.requests import RowReader
from tests.foreign import write_payments
from tests.payments import DeclaredPayments, train_fraud

NAMES = ("distance_km", "attempts", "betrag", "hour_of_day", "weekend", "per_attempt", "mcc", "country")


@pytest.fixture(scope="module")
def model(payments: DeclaredPayments) -> FraudModel:
    return load(payments.bundle)


def _row(**changed: object) -> pa.Table:
    row: dict[str, object] = {
        "distance_km": 30.0,
        "attempts": 0.0,
        "betrag": 40.0,
        "hour_of_day": 12,
        "weekend": 0,
        "per_attempt": 40.0,
        "mcc": "5411",
        "country": "GB",
    }
    return pa.Table.from_pylist([row | changed])


def test_texts_are_codes_and_what_is_missing_is_nan() -> None:
    encoding = Encoding(("size", "kind"), {"kind": ("b", "a", "(other)")})
    rows = pa.table({"kind": ["a", "b", None, "new"], "size": pa.array([1, None, 3, 4])})
    expected = [[1, 1], [np.nan, 0], [3, np.nan], [4, 2]]
    assert encoding.matrix(rows) == pytest.approx(np.array(expected), nan_ok=True)
    ones = np.vstack([encoding.one([row["size"], row["kind"]]) for row in rows.to_pylist()])
    assert ones == pytest.approx(np.array(expected), nan_ok=True)
    assert (encoding.types, encoding.of_columns["enable_categorical"]) == (["q", "c"], True)
    closed = replace(encoding, categories={"kind": ("b", "a")})
    assert np.isnan(closed.matrix(rows)[3, 1]) and np.isnan(closed.one([4, "new"])[0, 1])


def test_a_number_beyond_single_precision_is_its_largest() -> None:
    encoding = Encoding(("size",), {})
    found = encoding.matrix(pa.table({"size": [1e300, -1e300]}))[:, 0]
    assert np.isfinite(found).all() and found[0] == -found[1] == encoding.one([1e300])[0, 0]


def test_a_bundle_of_texts_has_no_graph_of_its_trees_and_names_its_data(payments: DeclaredPayments, model: FraudModel) -> None:
    files = set(payments.bundle.manifest.files)
    assert {"booster.ubj", "autoencoder.onnx", "dataset.json"} <= files and "booster.onnx" not in files
    assert (model.family.model, model.encoding.names) == ("card-payments", NAMES)
    assert payments.bundle.manifest.feature_schema_version == family_of(payments.bundle).features.schema_version


def test_a_strange_trade_and_a_long_way_raise_the_probability(model: FraudModel) -> None:
    usual, strange, far, unknown = (
        float(model.score(_row(**changed)).probability[0])
        for changed in ({}, {"mcc": "6051"}, {"distance_km": 250.0}, {"distance_km": None, "country": None, "mcc": "0000"})
    )
    assert usual < strange and usual < far
    assert 0 < unknown < 1


def test_contributions_add_up_where_trees_split_texts_and_values_lack(payments: DeclaredPayments, model: FraudModel) -> None:
    rows = payments.rows.read_test()
    assert rows["distance_km"].null_count and rows["country"].null_count
    for fused in (model, replace(model, fusion=model.fusion.model_copy(update={"autoencoder": 0.7, "uses_autoencoder": True}))):
        explanation = fused.explain(rows)
        assert np.isfinite(explanation.contributions).all()
        assert explanation.contributions.sum(axis=1) + explanation.base == pytest.approx(fused.score(rows).score, abs=1e-5)
    moved = np.abs(explanation.contributions[:, NAMES.index("mcc")]).mean()
    assert moved > 0.01, "the trade matters in these rows"


def test_reasons_are_in_the_words_of_the_declaration(model: FraudModel) -> None:
    (reasons,) = model.explain(_row(mcc="6051", distance_km=210.0, country=None)).reasons(8)
    assert {"merchant's trade: 6051", "distance from home 210"} <= set(reasons)
    describe = model.explain(_row()).wording.describe
    row = {"country": float("nan"), "betrag": 1234.5, "hour_of_day": 3.0}
    assert [describe(name, row) for name in row] == [
        "country of the merchant: not known",
        "amount paid 1234.5",
        "hour of day 3",
    ]


def test_one_row_is_answered_online_as_in_a_batch(payments: DeclaredPayments, model: FraudModel) -> None:
    rows = payments.rows.read_test().slice(0, 40)
    online = OnlineFraudModel(model)
    expected = model.answer_features(rows)
    names = model.family.features.model_columns
    for place, row in enumerate(rows.to_pylist()):
        clock = 3600.0 * row["hour_of_day"] + 86_400 * (2 if row["weekend"] else 5)  # 1 January 1970 was a Thursday
        answer = online.decide([clock if name == "clock_seconds" else row[name] for name in names])
        told = [expected[name][place].as_py() for name in ("score", "probability", "decision", "expected_saving")]
        assert answer.values[:2] == pytest.approx(told[:2], abs=1e-6) and answer.values[2] == told[2], row
        assert answer.values[3] == pytest.approx(told[3], abs=1e-4)


def test_the_autoencoder_fills_what_is_missing_with_the_mean(payments: DeclaredPayments, model: FraudModel) -> None:
    fused = replace(model, fusion=model.fusion.model_copy(update={"autoencoder": 1.0, "uses_autoencoder": True}))
    definition = payments.rows.definition
    inputs = Inputs.of(definition)
    assert [NAMES[place] for place in inputs.columns] == ["distance_km", "attempts", "betrag", "per_attempt"]
    assert (inputs.amount, inputs.may_miss) == (2, True)
    train = payments.rows.plan.train.read(payments.rows.features, ["distance_km", definition.label])
    legitimate = train.filter(pa.compute.equal(train[definition.label], 0))
    mean = float(np.nanmean(legitimate["distance_km"].to_numpy()))
    missing, filled = (fused.log_errors(fused.encoding.matrix(_row(distance_km=value)))[0] for value in (None, mean))
    assert missing == pytest.approx(filled, abs=1e-4)
    assert missing != pytest.approx(fused.log_errors(fused.encoding.matrix(_row(distance_km=300.0)))[0], abs=0.01)


def test_scaling_ignores_missing_values_and_of_none_knows_zero() -> None:
    scaling = Scaling.fit(np.array([[1.0, np.nan], [np.nan, np.nan], [4.0, np.nan]]))
    assert scaling.mean.tolist() == [2.5, 0.0] and scaling.scale[0] == 1.5
    assert scaling.apply(np.array([[5.5, np.nan], [np.nan, 0.0]])).tolist() == [[2.0, 0.0], [0.0, 0.0]]


def test_an_autoencoder_needs_two_numbers_and_a_bottleneck() -> None:
    sizes = {k: Inputs(list(range(k)), None, may_miss=False).latent_sizes((2, 4)) for k in (0, 1, 2, 3, 9)}
    assert sizes == {0: (), 1: (), 2: (1,), 3: (2,), 9: (2, 4)}


def test_rows_without_amounts_have_none() -> None:
    rows = pa.table({"Amount": [3.0, None]})
    assert amounts(rows, FRAUD_FEATURES).tolist() == pytest.approx([3.0, np.nan], nan_ok=True)
    assert np.isnan(amounts(rows, replace(FRAUD_FEATURES, amount=None))).all()


@pytest.mark.full
def test_a_bundle_makes_features_by_own_sql_without_its_file(tmp_path: Path) -> None:
    declaration = write_payments(tmp_path / "source", 1_500)
    own = "sql: {rows: own.sql, features: {hour_km: distance after hours, strange: a strange trade}}\n"
    declaration.write_text(declaration.read_text(encoding="utf-8") + own, encoding="utf-8")
    sql = (
        "SELECT CAST(mcc = '6051' AS INT) + 0.25 AS strange, distance_km * (FLOOR(clock_seconds / 3600) % 24) AS hour_km FROM raw"
    )
    (tmp_path / "source" / "own.sql").write_text(sql, encoding="utf-8")
    trained = train_fraud(str(declaration), tmp_path)
    (tmp_path / "source" / "own.sql").unlink()
    opened = Bundle.open(trained.bundle.folder)
    family = family_of(opened)
    assert family.declared is not None and family.declared.sql == sql
    names = family.features.model_features
    assert names == (*NAMES[:6], "hour_km", "strange", *NAMES[6:])
    sent = {"booked at": "01.03.2024 03:10", "betrag": 8.0, "currency": "EUR", "rate": 0.5, "distance km": 2.5, "attempts": 0}
    values = RowReader(family.request_fields).one(sent | {"mcc": "6051", "country": "PT"}).values
    made = dict(zip(names, FeatureMaker(family.features).one(values), strict=True))
    assert (made["hour_km"], made["strange"], made["betrag"]) == (7.5, 1.25, 4.0)
    assert not {"hour_km", "strange"} & {field.name for field in family.request_fields.all}
    answer = load(opened).answer(pa.Table.from_pylist([sent | {"mcc": "6051", "country": "PT"}]), reasons=len(names))
    one = OnlineFraudModel(load(opened)).decide(values)
    assert answer["probability"][0].as_py() == pytest.approx(one.values[1], abs=1e-6)
    assert (family.features.words["strange"], "strange" in sent_features(family.features)) == ("a strange trade", False)
