"""The churn bundle and what it answers: native files, the same scores after loading, offers by the policy, reasons in words."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.errors import BundleError, DataError
from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.families.churn import catboost_model, lightgbm_model
from fusionguard.families.churn.bands import band_of
from fusionguard.families.churn.calibration import Platt
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.churn.mitigation import price_of
from fusionguard.families.churn.model import ChurnModel, Combination
from fusionguard.families.churn.reading import read_development
from fusionguard.families.churn.retention import RetentionPolicy
from fusionguard.families.churn.rows import customer_rows, read_customers
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.features.churn import CHURN_FEATURES, MODEL_FEATURES
from fusionguard.models.bundle import MANIFEST, Bundle
from tests.families.churn.cases import COLUMNS

from .conftest import CONFIG, Trained

FIRST_BYTES = {
    "lightgbm.txt": b"tree\n",
    "catboost.cbm": b"CBM1",
    "calibration.json": b"{",
    "policy.json": b"{",
    "features.json": b"{",
    "profile.parquet": b"PAR1",
    MANIFEST: b"{",
}
REASON = re.compile(
    r"age \d+|has \d products?|(not an )?active member|(has a|no) credit card|balance [\d,]+|no balance|customer for \d+ years?"
    r"|credit score \d+|estimated salary [\d,]+|lives in (France|Germany|Spain)"
)


@pytest.fixture(scope="module")
def rows(trained: Trained) -> pa.Table:
    return trained.features.read()


@pytest.fixture
def copy(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.bundle.folder, tmp_path / "copy"))


def test_the_bundle_holds_native_files_and_no_pickle(trained: Trained) -> None:
    contents = {file.name: file.read_bytes() for file in trained.bundle.folder.iterdir()}
    assert set(contents) == set(FIRST_BYTES)
    assert all(contents[name].startswith(first) for name, first in FIRST_BYTES.items())
    places = [str(trained.bundle.folder.parent).encode(), str(Path.home()).encode() + b"/", b"/tmp/"]
    assert not any(place in content for content in contents.values() for place in places)


def test_the_manifest_says_what_the_model_was_made_from(trained: Trained) -> None:
    manifest = trained.bundle.manifest
    assert (manifest.model, manifest.origin, manifest.seed) == ("churn", "simulated", CONFIG.seed)
    assert (manifest.features_sha256, manifest.holdout_sha256) == (trained.plan.features_sha256, trained.plan.sha256)
    assert set(manifest.config) == {"holdout", "lightgbm", "catboost", "retention", "fairness"}
    assert manifest.config["fairness"] == CONFIG.fairness.model_dump(mode="json"), "a window is judged by the limits"
    assert manifest.train_range_seconds is None


def test_a_loaded_model_scores_as_the_fitted_ones_did(trained: Trained, model: ChurnModel) -> None:
    customers, _ = read_customers(trained.features, CHURN_FEATURES)
    pair = [lightgbm_model.margins(trained.lightgbm, customers), catboost_model.margins(trained.catboost, customers)]
    assert np.array_equal(lightgbm_model.margins(model.lightgbm or trained.lightgbm, customers), pair[0])
    assert np.array_equal(catboost_model.margins(model.catboost or trained.catboost, customers), pair[1])
    line, weights = model.combination.calibration, (model.combination.lightgbm, model.combination.catboost)
    expected = line.intercept + line.slope * (weights[0] * pair[0] + weights[1] * pair[1])
    scores = model.score_customers(customers)
    assert scores.score == pytest.approx(expected, abs=1e-12)
    assert np.array_equal(scores.probability, sigmoid(scores.score))


@pytest.mark.parametrize(("lightgbm", "catboost"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_each_combination_loads_what_it_uses_and_no_more(
    trained: Trained, model: ChurnModel, rows: pa.Table, copy: Path, lightgbm: float, catboost: float
) -> None:
    combination = model.combination.model_copy(update={"lightgbm": lightgbm, "catboost": catboost})
    loaded = CHURN_FAMILY.load(_reseal(copy, "calibration.json", combination.model_dump(mode="json")))
    assert isinstance(loaded, ChurnModel)
    assert (loaded.lightgbm is not None, loaded.catboost is not None) == (lightgbm > 0, catboost > 0)
    customers = customer_rows(rows, COLUMNS)
    margins = lightgbm * lightgbm_model.margins(trained.lightgbm, customers)
    margins = margins + catboost * catboost_model.margins(trained.catboost, customers)
    assert loaded.score(rows).score == pytest.approx(combination.calibration.logit(margins), abs=1e-12)
    assert _sum_error(loaded, rows) < 1e-9


def _sum_error(model: ChurnModel, rows: pa.Table) -> float:
    customers = customer_rows(rows, COLUMNS)
    return float(np.abs(model.contributions(customers).sum(axis=1) - model.score_customers(customers).score).max())


def test_contributions_add_up_to_the_score_of_every_customer(model: ChurnModel, rows: pa.Table) -> None:
    assert model.contributions(customer_rows(rows, COLUMNS)).shape == (
        rows.num_rows,
        len(MODEL_FEATURES) + 1,
    )
    assert _sum_error(model, rows) < 1e-9


def test_an_answer_is_score_decision_profit_band_and_reasons(model: ChurnModel, rows: pa.Table) -> None:
    answer, scores = model.answer_features(rows, reasons=2), model.score(rows)
    assert answer.schema.equals(CHURN_FAMILY.answer_columns)
    assert np.array_equal(answer["score"].to_numpy(), scores.score)
    assert np.array_equal(answer["probability"].to_numpy(), scores.probability)
    assert answer["risk_band"].to_pylist() == band_of(scores.probability).tolist()
    balance, p = rows["Balance"].to_numpy(), scores.probability
    value = CONFIG.retention.base_value + CONFIG.retention.balance_margin * balance
    profit = p * 0.3 * (value - 10) - (1 - p) * 10 - 1
    assert answer["expected_profit"].to_numpy() == pytest.approx(profit)
    policy = model.policy
    women = np.array(rows["Gender"].to_pylist()) == "Female"
    bar = policy.minimum_expected_profit + np.where(women, policy.group_margins["Female"], policy.group_margins["Male"])
    offered = profit > bar
    assert answer["decision"].to_pylist() == ["offer" if offer else "none" for offer in offered]
    assert offered.any() and not offered.all()
    assert CHURN_FAMILY.flagged in answer["decision"].to_pylist()


def test_reasons_are_told_for_offers_only_and_name_nobody(model: ChurnModel, rows: pa.Table) -> None:
    named = rows.append_column("Surname", pa.array(["Ostquubzen"] * rows.num_rows))
    named = named.append_column("CustomerId", pa.array(range(15_600_000, 15_600_000 + rows.num_rows)))
    answer = model.answer_features(named, reasons=3)
    told = list(zip(answer["reasons"].to_pylist(), answer["decision"].to_pylist(), strict=True))
    assert {text for text, decision in told if decision == "none"} == {""}
    offers = [text.split("; ") for text, decision in told if decision == "offer"]
    assert all(1 <= len(words) <= 3 and all(REASON.fullmatch(word) for word in words) for words in offers)
    assert max(len(words) for words in offers) == 3
    assert set(model.answer_features(rows)["reasons"].to_pylist()) == {""}
    longest = model.answer_features(rows, reasons=1)["reasons"].to_pylist()
    assert [text.split("; ")[0] for text, _ in told] == longest


def _without_margins(policy: RetentionPolicy) -> RetentionPolicy:
    return policy.model_copy(update={"group_attribute": None, "group_margins": {}})


def test_margins_of_groups_decide_in_an_answer(model: ChurnModel, rows: pa.Table) -> None:
    assert model.policy.group_attribute == "gender"
    assert set(model.policy.group_margins) == {"Female", "Male"}
    plain = replace(model, policy=_without_margins(model.policy))
    offers = plain.answer_features(rows)["decision"].to_pylist()
    for attribute, group, column, member in (
        ("gender", "Female", "Gender", "Female"),
        ("geography", "Germany", "Geography", "Germany"),
        ("age_band", "40 to 49", "age_band", 2),
    ):
        policy = plain.policy.model_copy(update={"group_attribute": attribute, "group_margins": {group: 1e9}})
        found = replace(model, policy=policy).answer_features(rows.drop_columns(["age_band"]))["decision"].to_pylist()
        inside = [value == member for value in rows[column].to_pylist()]
        assert found == ["none" if there else offer for offer, there in zip(offers, inside, strict=True)]
        assert any(there and offer == "offer" for there, offer in zip(inside, offers, strict=True))


def test_mitigation_brought_the_groups_together(trained: Trained, model: ChurnModel) -> None:
    customers = read_development(model, trained.features, trained.plan, trained.scored)
    price = price_of(customers, _without_margins(model.policy), model.policy)
    assert price.before is not None and price.after is not None
    assert price.after < 0.02 < price.before
    assert price.offers_after <= 300


def test_no_rows_give_no_answers(model: ChurnModel, rows: pa.Table) -> None:
    answer = model.answer_features(rows.slice(0, 0), reasons=3)
    assert answer.num_rows == 0
    assert answer.schema.equals(CHURN_FAMILY.answer_columns)


def test_the_familys_example_can_be_scored(model: ChurnModel) -> None:
    assert set(CHURN_FAMILY.example) == set(CHURN_FAMILY.features.model_columns)
    answer = model.answer(pa.table({name: [value] for name, value in CHURN_FAMILY.example.items()}), reasons=3)
    assert 0 < answer["probability"][0].as_py() < 1


def test_a_country_that_no_model_has_seen(model: ChurnModel, rows: pa.Table) -> None:
    place = rows.schema.get_field_index("Geography")
    moved = rows.set_column(place, "Geography", pa.array(["Italy"] * rows.num_rows))
    with pytest.raises(DataError, match="not one of France, Germany, Spain"):
        model.answer_features(moved)


def _reseal(folder: Path, file: str, content: object, **facts: object) -> Bundle:
    """Put other content into a bundle and make its manifest fit."""
    (folder / file).write_text(json.dumps(content))
    manifest = Bundle(folder).manifest.model_dump(exclude={"files"}) | facts
    (folder / MANIFEST).unlink()
    return Bundle.seal(folder, **manifest)


def _leave_out(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["files"]["catboost.cbm"]
    (folder / "catboost.cbm").unlink()
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "lightgbm.txt").unlink(), "lacks lightgbm.txt"),
        (lambda folder: (folder / "policy.json").write_text("{}"), "policy.json in the bundle 'copy' is not the file"),
        (lambda folder: (folder / "extra.pkl").write_bytes(b"\x80\x04"), "does not list: extra.pkl"),
        (_leave_out, "has no catboost.cbm"),
    ],
)
def test_a_damaged_bundle_is_refused(copy: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(copy)
    with pytest.raises(BundleError, match=message):
        CHURN_FAMILY.load(Bundle(copy))


def _policy(folder: Path, **changes: object) -> dict[str, object]:
    return json.loads((folder / "policy.json").read_text()) | changes


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("features.json", lambda _: {"columns": ["Age"], "schema_version": 1}, "made for other features"),
        ("features.json", lambda _: {"columns": list(MODEL_FEATURES), "schema_version": 0}, "made for other features"),
        ("policy.json", lambda folder: _policy(folder, unknown=1), "does not know"),
        ("policy.json", lambda folder: _policy(folder, group_attribute=None), "does not know"),
        ("calibration.json", lambda _: {"intercept": 0, "slope": 1}, "does not know"),
        (
            "calibration.json",
            lambda folder: json.loads((folder / "calibration.json").read_text()) | {"lightgbm": 0.0, "catboost": 0.0},
            "does not know",
        ),
    ],
    ids=["other columns", "another schema", "an unknown key", "margins of nobody", "no weights", "weights of nothing"],
)
def test_files_of_another_version_are_refused(copy: Path, file: str, content: Callable[[Path], object], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        CHURN_FAMILY.load(_reseal(copy, file, content(copy)))


def test_another_familys_bundle_is_refused(trained: Trained, copy: Path) -> None:
    with pytest.raises(BundleError, match="holds a churn model, not a fraud model"):
        FRAUD_FAMILY.load(trained.bundle)
    fraud = _reseal(copy, "features.json", {}, model="fraud")
    with pytest.raises(BundleError, match="holds a fraud model, not a churn model"):
        CHURN_FAMILY.load(fraud)


def test_weights_that_are_none_are_refused() -> None:
    line = Platt(intercept=0, slope=1)
    for weights in ((0.5, 0.4), (-0.5, 1.5), (0, 0)):
        with pytest.raises(ValueError, match="must add up to 1"):
            Combination(lightgbm=weights[0], catboost=weights[1], calibration=line, chosen="", reason="")
