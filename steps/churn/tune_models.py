"""Better hyperparameters, where the settings ask for a search."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.config import TuningConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.home import find_home
from fusionguard.models.tuning.trial import Trial


class TrainingSettings(BaseModel):
    """What both models are trained with, and what the search for it found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lightgbm: LightGBMConfig
    catboost: CatBoostConfig
    searched: tuple[str, ...] = ()
    """One sentence for each model that was tuned."""
    tried: tuple[Trial, ...] = ()
    """The trials of both searches, one search after the other."""

    def settle(self, config: ChurnConfig) -> ChurnConfig:
        """Return ``config`` with these settings in place of those that a search began with: what trains the same model again."""
        return config.model_copy(update={"lightgbm": self.lightgbm, "catboost": self.catboost, "tuning": TuningConfig()})


@step
def tune_models(
    features: Table,
    holdout: HoldoutPlan,
    lightgbm: LightGBMConfig,
    catboost: CatBoostConfig,
    tuning: TuningConfig,
    seed: int,
) -> Annotated[TrainingSettings, "{pipeline}_training_settings"]:
    """Search with Optuna for ``tuning.trials`` trials a model; with none, the settings stay as they are."""
    if tuning.trials == 0:
        return TrainingSettings(lightgbm=lightgbm, catboost=catboost)
    from fusionguard.families.churn.tuning import tune  # Optuna takes a second to import

    config = ChurnConfig(seed=seed, lightgbm=lightgbm, catboost=catboost, tuning=tuning)
    kinds: tuple[Literal["LightGBM", "CatBoost"], ...] = ("LightGBM", "CatBoost")
    first, second = (tune(kind, features, holdout, config, studies=find_home().studies) for kind in kinds)
    return TrainingSettings(
        lightgbm=first.settings,
        catboost=second.settings,
        searched=(first.sentence, second.sentence),
        tried=(*first.tried, *second.tried),
    )
