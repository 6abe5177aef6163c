"""Settings of the trees that nobody gave: a preset for declared data sets, and none for the one that ships."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fusionguard.config import load_config
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.presets import XGBOOST, settle_settings
from fusionguard.families.fraud.rows import Encoding, ModelRows


def _declared(name: str) -> Any:
    return SimpleNamespace(name=name, windows={})


def test_trees_start_from_an_even_chance_where_windows_tell_what_happened_before() -> None:
    declared = SimpleNamespace(name="payments", windows={"card": object()})
    assert settle_settings(declared, XGBoostConfig()).part("xgboost", XGBoostConfig).base_score == 0.5
    assert settle_settings(_declared("payments"), XGBoostConfig()).part("xgboost", XGBoostConfig).base_score is None
    kept = settle_settings(declared, XGBoostConfig(base_score=0.2)).part("xgboost", XGBoostConfig)
    assert kept.base_score == 0.2


def test_trees_start_from_what_is_set() -> None:
    x, label = np.zeros((40, 1), dtype=np.float32), np.zeros(40, dtype=np.int8)
    label[:4] = 1
    rows = ModelRows(x, label, np.ones(40), Encoding(("amount",), {}))
    margins = {}
    for start in (None, 0.5):
        config = XGBoostConfig(rounds=1, learning_rate=1e-6, base_score=start)
        (margins[start], *_) = fit_booster(rows, rows, config, seed=3, threads=1).inplace_predict(x, predict_type="margin")
    assert margins[0.5] == pytest.approx(0, abs=1e-4)
    assert margins[None] == pytest.approx(np.log(0.1 / 0.9), abs=1e-4)


def test_the_data_set_that_ships_keeps_its_settings() -> None:
    settled = settle_settings(_declared("creditcard"), XGBoostConfig())
    assert settled.part("xgboost", XGBoostConfig) == XGBoostConfig()
    assert settled.preset == ""


@pytest.mark.parametrize("learning_rate", [0.06, 0.2])
def test_what_nobody_set_is_the_preset_and_what_was_set_stays_even_at_its_default(learning_rate: float) -> None:
    config = load_config(FraudConfig, assignments=[f"xgboost.learning_rate={learning_rate}", "xgboost.rounds=120"])
    settled = settle_settings(_declared("payments"), config.xgboost)
    given = {"rounds": 120, "learning_rate": learning_rate}
    assert settled.parts["xgboost"] == XGBoostConfig().model_dump() | dict(XGBOOST) | given
    assert settled.settle(config).xgboost.max_depth is None, "the number of frauds says how deep trees are"
    assert settled.settle(config).xgboost.max_bin is None, "their share says how many bins a number has"
    assert "preset" in settled.preset
