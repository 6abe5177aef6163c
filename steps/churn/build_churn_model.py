"""The churn model as one folder."""

from __future__ import annotations

from typing import Annotated

import catboost as cb
import lightgbm as lgb
from zenml import step

import materializers.catboost_models
import materializers.lightgbm_models  # noqa: F401  (registers how the model is stored)
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.build import build_churn_bundle
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.out_of_fold import read_out_of_fold
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from fusionguard.models.tuning.settings import TrainingSettings
from steps.workspace import work_folder


@step
def build_churn_model(
    features: Table,
    manifest: FeatureManifest,
    holdout: HoldoutPlan,
    lightgbm: lgb.Booster,
    catboost: cb.CatBoost | None,
    out_of_fold: Table,
    cross_validation: CrossValidation,
    settings: TrainingSettings,
    provenance: Provenance,
    config: ChurnConfig,
) -> Annotated[Bundle, "{pipeline}_bundle"]:
    """Calibrate and learn the retention policy on out-of-fold scores, and write the bundle."""
    return build_churn_bundle(
        work_folder() / "bundle",
        features,
        manifest.definition,
        holdout,
        lightgbm,
        catboost,
        read_out_of_fold(out_of_fold.read(), holdout),
        cross_validation,
        provenance=provenance,
        config=settings.settle(config),
        described=manifest.described,
    )
