"""Better hyperparameters, where the settings ask for a search."""

from __future__ import annotations

from typing import Annotated, Literal

from zenml import step

from fusionguard.config import TuningConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.tuning.settings import TrainingSettings


@step
def tune_models(
    features: Table,
    manifest: FeatureManifest,
    holdout: HoldoutPlan,
    lightgbm: LightGBMConfig,
    catboost: CatBoostConfig,
    tuning: TuningConfig,
    seed: int,
) -> Annotated[TrainingSettings, "{pipeline}_training_settings"]:
    """Search with Optuna for ``tuning.trials`` trials a model; with none, the settings stay as they are."""
    if tuning.trials == 0:
        return TrainingSettings.of(lightgbm=lightgbm, catboost=catboost)
    from fusionguard.families.churn.tuning import tune  # Optuna takes a second to import

    config = ChurnConfig(seed=seed, lightgbm=lightgbm, catboost=catboost, tuning=tuning)
    kinds: tuple[Literal["LightGBM", "CatBoost"], ...] = ("LightGBM", "CatBoost")
    first, second = (tune(kind, features, manifest.definition, holdout, config, studies=find_home().studies) for kind in kinds)
    return TrainingSettings.of(
        lightgbm=first.settings,
        catboost=second.settings,
        searched=(first.sentence, second.sentence),
        tried=(*first.tried, *second.tried),
    )
