"""Settings of the trees that nobody gave: a preset for declared data sets, and none for the one that ships."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fusionguard.config import load_config
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.presets import XGBOOST, settle_settings


def _declared(name: str) -> Any:
    return SimpleNamespace(name=name)


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
