"""Better hyperparameters, where the settings ask for a search."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.churn.holdout import HoldoutPlan
from fusionguard.home import find_home


class TrainingSettings(BaseModel):
    """What both models are trained with, and what the search for it found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lightgbm: LightGBMConfig
    catboost: CatBoostConfig
    searched: tuple[str, ...] = ()
    """One sentence for each model that was tuned."""


@step
def tune_models(features: Table, holdout: HoldoutPlan, config: ChurnConfig) -> Annotated[TrainingSettings, "training_settings"]:
    """Search with Optuna for ``config.tuning.trials`` trials a model; with none, the settings stay as they are."""
    if config.tuning.trials == 0:
        return TrainingSettings(lightgbm=config.lightgbm, catboost=config.catboost)
    from fusionguard.models.churn.tuning import tune  # Optuna takes a second to import

    lightgbm, catboost = (tune(kind, features, holdout, config, studies=find_home().studies) for kind in ("LightGBM", "CatBoost"))
    return TrainingSettings(
        lightgbm=lightgbm.settings,
        catboost=catboost.settings,
        searched=tuple(
            f"{found.kind}: {found.trials} trials ({found.pruned} pruned) raised the mean average precision over the tuning"
            f" folds from {found.value_of_start:.4f} to {found.value:.4f}."
            for found in (lightgbm, catboost)
        ),
    )
