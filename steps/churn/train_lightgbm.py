"""The churn model's LightGBM."""

from __future__ import annotations

from typing import Annotated

import lightgbm as lgb
from zenml import step

import materializers.lightgbm_models  # noqa: F401  (registers how the model is stored)
from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import LightGBMConfig
from fusionguard.families.churn.lightgbm_model import train_lightgbm as train
from fusionguard.families.churn.rows import read_customers
from fusionguard.features.store import FeatureManifest
from fusionguard.models.tuning.settings import TrainingSettings


@step
def train_lightgbm(
    features: Table, manifest: FeatureManifest, holdout: HoldoutPlan, settings: TrainingSettings, seed: int
) -> Annotated[lgb.Booster, "{pipeline}_lightgbm"]:
    """Fit on the whole development part."""
    customers, label = read_customers(features, manifest.definition)
    development, _ = holdout.places(holdout.planned(features))
    return train(customers.take(development), label[development], settings.part("lightgbm", LightGBMConfig), seed=seed)
