"""The churn model's CatBoost."""

from __future__ import annotations

from typing import Annotated

import catboost as cb
from zenml import step

import materializers.catboost_models  # noqa: F401  (registers how the model is stored)
from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.catboost_model import train_catboost as train
from fusionguard.families.churn.config import CatBoostConfig
from fusionguard.families.churn.rows import read_customers
from fusionguard.features.store import FeatureManifest
from fusionguard.models.tuning.settings import TrainingSettings


@step
def train_catboost(
    features: Table, manifest: FeatureManifest, holdout: HoldoutPlan, settings: TrainingSettings, seed: int
) -> Annotated[cb.CatBoost | None, "{pipeline}_catboost"]:
    """Fit on the whole development part; nothing where it is no candidate."""
    if not settings.has("catboost"):
        return None
    customers, label = read_customers(features, manifest.definition)
    development, _ = holdout.places(holdout.planned(features))
    return train(customers.take(development), label[development], settings.part("catboost", CatBoostConfig), seed=seed)
