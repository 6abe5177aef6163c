"""The delivered churn model knows every customer, and the evaluated one stays beside it to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score

from fusionguard.families.churn import catboost_model, lightgbm_model, refit
from fusionguard.families.churn.build import build_churn_bundle
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.churn.model import load
from fusionguard.families.churn.out_of_fold import AVERAGE, CATBOOST, LIGHTGBM
from fusionguard.families.churn.refit import refit_churn_bundle
from fusionguard.families.churn.rows import read_customers
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.models.bundle import Bundle

from .conftest import CONFIG, PROVENANCE, Trained, write_features

FILES = {LIGHTGBM: {"lightgbm.txt"}, CATBOOST: {"catboost.cbm"}, AVERAGE: {"lightgbm.txt", "catboost.cbm"}}


@pytest.fixture(scope="module", params=[AVERAGE, CATBOOST, LIGHTGBM])
def pair(
    request: pytest.FixtureRequest, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Bundle, Bundle]:
    """What is chosen, the evaluated bundle and the refitted one."""
    folder = tmp_path_factory.mktemp("refit")
    chosen = trained.comparison.model_copy(update={"chosen": request.param})
    parts = (trained.features, CHURN_FEATURES, trained.plan, trained.lightgbm, trained.catboost, trained.scored, chosen)
    evaluated = build_churn_bundle(folder / "evaluated", *parts, provenance=PROVENANCE, config=CONFIG)
    return request.param, evaluated, refit_churn_bundle(folder / "refitted", evaluated, trained.features, CONFIG)


def test_what_is_used_is_fitted_on_every_customer(pair: tuple[str, Bundle, Bundle], trained: Trained) -> None:
    chosen, _, refitted = pair
    customers, label = read_customers(trained.features, CHURN_FEATURES)
    model = load(refitted)
    if chosen in (LIGHTGBM, AVERAGE):
        own = lightgbm_model.train_lightgbm(customers, label, CONFIG.lightgbm, seed=CONFIG.seed)
        assert np.array_equal(lightgbm_model.margins(model.lightgbm, customers), lightgbm_model.margins(own, customers))
        assert not np.array_equal(lightgbm_model.margins(own, customers), lightgbm_model.margins(trained.lightgbm, customers))
    if chosen in (CATBOOST, AVERAGE):
        trees = catboost_model.train_catboost(customers, label, CONFIG.catboost, seed=CONFIG.seed)
        assert np.array_equal(catboost_model.margins(model.catboost, customers), catboost_model.margins(trees, customers))
        assert not np.array_equal(catboost_model.margins(trees, customers), catboost_model.margins(trained.catboost, customers))
    assert refitted.manifest.refitted_rows == label.size == trained.plan.rows


def test_all_else_is_as_it_was_evaluated_and_what_was_replaced_is_kept(pair: tuple[str, Bundle, Bundle]) -> None:
    chosen, evaluated, refitted = pair
    before, after = evaluated.manifest, refitted.manifest
    assert set(after.files) - set(before.files) == {f"evaluated_{name}" for name in FILES[chosen]}
    for name, sha256 in before.files.items():
        if name in FILES[chosen]:
            assert after.files[name] != sha256
            assert after.files[f"evaluated_{name}"] == sha256
        else:
            assert after.files[name] == sha256
    facts = {"files", "refitted_rows"}
    assert after.model_dump(exclude=facts) == before.model_dump(exclude=facts)
    assert before.refitted_rows is None


def test_the_evaluated_model_is_found_again_in_the_refitted_bundle(pair: tuple[str, Bundle, Bundle], trained: Trained) -> None:
    _, evaluated, refitted = pair
    _, test = trained.places
    rows, label = trained.features.read().take(test), trained.label[test]
    score, delivered = load(evaluated).score(rows).score, load(refitted).score(rows).score
    again = CHURN_FAMILY.load(refitted, evaluated=True).answer_features(rows)["score"].to_numpy()
    assert np.array_equal(again, score)
    assert np.array_equal(CHURN_FAMILY.load(evaluated, evaluated=True).answer_features(rows)["score"].to_numpy(), score)
    assert np.array_equal(CHURN_FAMILY.load(refitted).answer_features(rows)["score"].to_numpy(), delivered)
    # The delivered model was fitted on these customers: its reading on them would be too good to be true.
    assert average_precision_score(label, delivered) > average_precision_score(label, score) + 0.02


def test_a_refit_repeats_itself_to_the_bit(pair: tuple[str, Bundle, Bundle], trained: Trained, tmp_path: Path) -> None:
    _, evaluated, refitted = pair
    again = refit_churn_bundle(tmp_path / "again", evaluated, trained.features, CONFIG)
    assert again.sha256 == refitted.sha256 != evaluated.sha256


def test_a_customer_whose_outcome_is_not_known_yet_teaches_the_delivered_model_nothing(
    pair: tuple[str, Bundle, Bundle], trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, evaluated, _ = pair
    # Of 2,000 customers, one a minute, outcomes come an hour later; of the earliest three, two days later.
    rows = trained.features.rows
    second = 60 * np.arange(rows)
    known = second + 3_600
    known[:3] = second[-1] + np.array([0, 1, 172_800])
    known = pa.array(known, mask=known > second[-1])
    timed = trained.features.read().append_column("second", pa.array(second)).append_column("known", known)
    columns = {"time_column": "second", "known_column": "known"}
    used = SimpleNamespace(features=replace(CHURN_FEATURES, **columns), combination=load(evaluated).combination)
    monkeypatch.setattr(refit, "load", lambda _: used)

    def refitted(name: str, *turned: int) -> Bundle:
        label = timed[CHURN_FEATURES.label].to_numpy().copy()
        label[list(turned)] = 1 - label[list(turned)]
        features = write_features(tmp_path / f"{name}.parquet", timed, **{CHURN_FEATURES.label: label})
        return refit_churn_bundle(tmp_path / name, evaluated, features, CONFIG)

    whole = refitted("whole")
    assert whole.manifest.refitted_rows == rows - 60 - 2
    assert refitted("unknown", 1, 2, *range(rows - 60, rows)).sha256 == whole.sha256
    assert refitted("known", 0, rows - 61).sha256 != whole.sha256
