"""What a search ends with: better settings beyond a tie, else the configured ones."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from pydantic import BaseModel

from fusionguard.config import TuningConfig
from fusionguard.evaluation.ties import corrected_error
from fusionguard.models.tuning.tuned import TunedModel, tune_settings

BASE = np.array([0.50, 0.58, 0.53, 0.61])


class Strength(BaseModel):
    """One setting: how much of the gains below a model has."""

    share: float = 0.0


def _tune(folder: Path, gains: list[float]) -> TunedModel[Strength]:
    def judge(settings: Strength) -> Generator[float, None, None]:
        yield from BASE + settings.share * np.array(gains)

    space = {"share": FloatDistribution(0.0, 1.0)}
    return tune_settings(
        TunedModel[Strength],
        "Model",
        "study",
        Strength(),
        space,
        judge,
        tuning=TuningConfig(trials=6),
        folds=4,
        repeats=2,
        seed=3,
        studies=folder,
        unpruned_folds=4,
    )


def test_settings_that_are_better_beyond_a_tie_are_used(tmp_path: Path) -> None:
    gains = np.array([0.02, 0.05, 0.03, 0.04])
    tuned = _tune(tmp_path, gains.tolist())
    assert tuned.settings.share > 0.5
    assert tuned.value == pytest.approx((BASE + tuned.settings.share * gains).mean())
    assert tuned.error == pytest.approx(corrected_error(tuned.settings.share * gains, 2))
    assert tuned.error == pytest.approx(tuned.settings.share * np.sqrt((1 / 4 + 1) * gains.var(ddof=1)))
    assert not tuned.is_tie
    assert f"from {BASE.mean():.4f} to {tuned.value:.4f}, by more than one standard error" in tuned.sentence


def test_a_gain_of_less_than_one_standard_error_is_a_tie_and_the_configured_settings_stay(tmp_path: Path) -> None:
    gains = np.array([0.06, -0.03, 0.02, 0.01])
    tuned = _tune(tmp_path, gains.tolist())
    assert tuned.settings == Strength()
    assert tuned.value_of_start == pytest.approx(BASE.mean())
    assert 0 < tuned.value - tuned.value_of_start < tuned.error
    assert tuned.sentence.endswith("a tie, so the configured settings stay.")


def test_where_nothing_is_better_the_configured_settings_stay(tmp_path: Path) -> None:
    tuned = _tune(tmp_path, [-0.02, -0.05, -0.01, -0.03])
    assert (tuned.settings, tuned.value, tuned.error) == (Strength(), tuned.value_of_start, 0.0)
    assert "found nothing above the configured settings' 0.5550" in tuned.sentence
