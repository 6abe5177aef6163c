"""Better hyperparameters, where the settings ask for a search."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.config import TuningConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.tuning.settings import TrainingSettings


@step
def tune_xgboost(
    features: Table, manifest: FeatureManifest, split: SplitPlan, xgboost: XGBoostConfig, tuning: TuningConfig, seed: int
) -> Annotated[TrainingSettings, "{pipeline}_booster_settings"]:
    """Search with Optuna for ``tuning.trials`` trials on the train slice; only runs that ask for it have this step."""
    from fusionguard.families.fraud.tuning import tune  # Optuna takes a second to import

    config = FraudConfig(seed=seed, xgboost=xgboost, tuning=tuning)
    weight, definition = manifest.negative_weight, manifest.definition
    tuned = tune(features, split, config, negative_weight=weight, studies=find_home().studies, definition=definition)
    return TrainingSettings.of(xgboost=tuned.settings, searched=(tuned.sentence,), tried=tuned.tried)
