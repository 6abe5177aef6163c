"""Better hyperparameters, where the settings ask for a search."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.config import TuningConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.tuning.trial import Trial


class BoosterSettings(BaseModel):
    """What the trees are trained with, and what the search for it found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    xgboost: XGBoostConfig
    searched: tuple[str, ...] = ()
    """One sentence where there was a search."""
    tried: tuple[Trial, ...] = ()
    """The trials of that search."""

    def settle(self, config: FraudConfig) -> FraudConfig:
        """Return ``config`` with these settings in place of those that a search began with: what trains the same model again."""
        return config.model_copy(update={"xgboost": self.xgboost, "tuning": TuningConfig()})


@step
def tune_xgboost(
    features: Table, manifest: FeatureManifest, split: SplitPlan, xgboost: XGBoostConfig, tuning: TuningConfig, seed: int
) -> Annotated[BoosterSettings, "{pipeline}_booster_settings"]:
    """Search with Optuna for ``tuning.trials`` trials on the train slice; only runs that ask for it have this step."""
    from fusionguard.families.fraud.tuning import tune  # Optuna takes a second to import

    config = FraudConfig(seed=seed, xgboost=xgboost, tuning=tuning)
    tuned = tune(features, split, config, negative_weight=manifest.negative_weight, studies=find_home().studies)
    return BoosterSettings(xgboost=tuned.settings, searched=(tuned.sentence,), tried=tuned.tried)
