"""The fraud model's trees."""

from __future__ import annotations

from typing import Annotated

import xgboost as xgb
from zenml import step

import materializers.boosters  # noqa: F401  (registers how the model is stored)
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.features.store import FeatureManifest
from steps.fraud.tune_xgboost import BoosterSettings


@step
def train_xgboost(
    features: Table, manifest: FeatureManifest, split: SplitPlan, settings: BoosterSettings, seed: int
) -> Annotated[xgb.Booster, "{pipeline}_booster"]:
    """Fit on the train slice, stop early on the validation slice."""
    return train_booster(features, split, settings.xgboost, negative_weight=manifest.negative_weight, seed=seed)
