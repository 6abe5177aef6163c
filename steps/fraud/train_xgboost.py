"""The fraud model's trees."""

from __future__ import annotations

from typing import Annotated

import xgboost as xgb
from zenml import step

import materializers.boosters  # noqa: F401  (registers how the model is stored)
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.config import XGBoostConfig
from fusionguard.features.store import FeatureManifest
from fusionguard.models.tuning.settings import TrainingSettings


@step
def train_xgboost(
    features: Table, manifest: FeatureManifest, split: SplitPlan, settings: TrainingSettings, seed: int
) -> Annotated[xgb.Booster, "{pipeline}_booster"]:
    """Fit on the train slice, stop early on the validation slice."""
    xgboost = settings.part("xgboost", XGBoostConfig)
    weight, definition = manifest.negative_weight, manifest.definition
    return train_booster(features, split, xgboost, negative_weight=weight, seed=seed, definition=definition)
