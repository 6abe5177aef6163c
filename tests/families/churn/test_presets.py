"""Settings that nobody gave: presets for declared data sets, and none for the one that ships."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fusionguard.config import load_config
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.evaluation.planned_rows import PlannedRows
from fusionguard.families.churn import catboost_model
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.out_of_fold import LIGHTGBM, OutOfFold, choose_model, fit_folds
from fusionguard.families.churn.presets import CATBOOST, MOST_CATBOOST_ROWS, settle_settings
from fusionguard.families.churn.presets import LIGHTGBM as PRESET
from fusionguard.families.churn.rows import CustomerColumns, CustomerRows


def _manifest(name: str | None) -> Any:
    declaration = SimpleNamespace(name=name)
    return SimpleNamespace(described=None if name is None else SimpleNamespace(declaration=declaration))


DECLARED = _manifest("telco")


@pytest.mark.parametrize("name", [None, "bank_churn"])
def test_the_data_set_that_ships_keeps_its_settings_on_any_number_of_rows(name: str | None) -> None:
    settled = settle_settings(_manifest(name), 10 * MOST_CATBOOST_ROWS, LightGBMConfig(), CatBoostConfig())
    assert settled.part("lightgbm", LightGBMConfig) == LightGBMConfig()
    assert settled.part("catboost", CatBoostConfig) == CatBoostConfig()
    assert settled.preset == ""


def test_what_nobody_set_is_the_preset_and_what_was_set_stays_even_at_its_default() -> None:
    config = load_config(ChurnConfig, assignments=["lightgbm.rounds=150", "catboost.depth=3"])
    settled = settle_settings(DECLARED, 8_000, config.lightgbm, config.catboost)
    assert settled.parts["lightgbm"] == dict(PRESET) | {"rounds": 150}
    assert settled.parts["catboost"] == CATBOOST | {"depth": 3}
    assert "preset" in settled.preset
    assert settled.settle(config).catboost.rounds == 1000


def test_many_rows_have_fewer_rounds_and_then_lightgbm_alone_unless_catboost_is_asked_for() -> None:
    many = settle_settings(DECLARED, 20_001, LightGBMConfig(), CatBoostConfig())
    assert many.part("catboost", CatBoostConfig).rounds == 500
    alone = settle_settings(DECLARED, MOST_CATBOOST_ROWS + 1, LightGBMConfig(), CatBoostConfig())
    assert not alone.has("catboost") and alone.part("lightgbm", LightGBMConfig).rounds == 300
    assert "100,001" in alone.preset
    assert settle_settings(DECLARED, MOST_CATBOOST_ROWS + 1, LightGBMConfig(), CatBoostConfig(depth=4)).has("catboost")


def test_the_preset_is_catboost_as_it_comes() -> None:
    generator = np.random.default_rng(3)
    columns = CustomerColumns(("a", "b"), {}, frozenset())
    rows = CustomerRows(columns, generator.normal(size=(400, 2)), np.empty((400, 0), dtype=np.int32))
    label = (rows.numeric[:, 0] + generator.normal(size=400) > 1).astype(np.int8)
    preset = catboost_model.train_catboost(rows, label, CatBoostConfig(**(CATBOOST | {"rounds": 20})), seed=5)
    plain = catboost_model.fit(rows, label, {"iterations": 20}, seed=5)
    assert np.array_equal(catboost_model.margins(preset, rows), catboost_model.margins(plain, rows))


def test_a_single_candidate_is_chosen_and_the_reason_says_why() -> None:
    label = np.tile(np.array([0, 0, 1], dtype=np.int8), 60)
    rows = PlannedRows(label)
    plan: Any = SimpleNamespace(folds=3)
    folds = [
        (np.flatnonzero(np.arange(180) % 9 // 3 != part), np.flatnonzero(np.arange(180) % 9 // 3 == part)) for part in range(3)
    ]
    columns = CustomerColumns(("a",), {}, frozenset())
    customers = CustomerRows(columns, label[:, None] + np.linspace(0, 2, 180)[:, None], np.empty((180, 0), dtype=np.int32))
    scored: OutOfFold = fit_folds(customers, rows, folds, 1, {LIGHTGBM: lambda _, __, unseen: unseen.numeric[:, 0]})
    comparison = choose_model(scored, plan)
    assert comparison.chosen == LIGHTGBM and comparison.reason.startswith("LightGBM was the only candidate")


@pytest.mark.parametrize("grouped", [False, True])
def test_folds_of_many_rows_are_of_a_sample_with_the_shares_of_the_whole(grouped: bool) -> None:
    label = (np.arange(5_000) % 10 < 2).astype(np.int8)
    rows = PlannedRows(label, group=np.arange(5_000) // 5 if grouped else None)
    plan = _plan(rows, most=1_000)
    development, test = plan.places(rows)
    folded = plan.folded_places(rows)
    assert folded.size == 1_000 and np.all(np.diff(folded) > 0)
    assert np.isin(folded, development).all() and not np.isin(folded, test).any()
    assert label[folded].sum() == pytest.approx(200, abs=5)
    if grouped:
        assert folded.size == 5 * np.unique(folded // 5).size
    assert np.array_equal(_plan(rows, most=None).folded_places(rows), development)


def _plan(rows: PlannedRows, most: int | None) -> HoldoutPlan:
    return HoldoutPlan(
        columns=rows.columns,
        features_sha256="f",
        rows=rows.count,
        positives=rows.positives,
        test_rows=1_000,
        test_positives=200,
        test_share=0.2,
        folds=3,
        repeats=1,
        most_folded_rows=most,
        seed=4,
    )
