"""Better hyperparameters, where the settings ask for a search."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Literal

from zenml import step

from fusionguard.config import TuningConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.presets import settle_settings
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.tuning.settings import TrainingSettings

_log = logging.getLogger(__name__)


@step
def tune_models(
    features: Table,
    manifest: FeatureManifest,
    holdout: HoldoutPlan,
    lightgbm: dict[str, Any],
    catboost: dict[str, Any],
    tuning: TuningConfig,
    seed: int,
) -> Annotated[TrainingSettings, "{pipeline}_training_settings"]:
    """Search with Optuna for ``tuning.trials`` trials a model; with none, the settings are those given and presets."""
    given = LightGBMConfig.model_validate(lightgbm), CatBoostConfig.model_validate(catboost)
    settled = settle_settings(manifest, holdout.development_rows, *given)
    if settled.preset:
        _log.info("settings: %s", settled.preset)
    if tuning.trials == 0:
        return settled
    from fusionguard.families.churn.tuning import tune  # Optuna takes a second to import

    config = settled.settle(ChurnConfig(seed=seed)).model_copy(update={"tuning": tuning})
    kinds: dict[str, Literal["LightGBM", "CatBoost"]] = {"lightgbm": "LightGBM", "catboost": "CatBoost"}
    found = {
        part: tune(kind, features, manifest.definition, holdout, config, studies=find_home().studies)
        for part, kind in kinds.items()
        if settled.has(part)
    }
    return TrainingSettings.of(
        searched=[each.sentence for each in found.values()],
        tried=[trial for each in found.values() for trial in each.tried],
        **{part: each.settings for part, each in found.items()},
    )
