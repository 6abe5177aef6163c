"""Repeated cross-validation of every candidate and reference."""

from __future__ import annotations

from typing import Annotated

import pyarrow.parquet as pq
from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import CatBoostConfig, LightGBMConfig
from fusionguard.families.churn.out_of_fold import choose_model, out_of_fold_table, score_out_of_fold
from fusionguard.features.store import FeatureManifest
from fusionguard.models.tuning.settings import TrainingSettings
from steps.workspace import work_folder


@step
def cross_validate(
    features: Table, manifest: FeatureManifest, holdout: HoldoutPlan, settings: TrainingSettings, seed: int
) -> tuple[Annotated[Table, "{pipeline}_out_of_fold"], Annotated[CrossValidation, "{pipeline}_cross_validation"]]:
    """Score the development part out of fold, and choose between the models and their average."""
    lightgbm, catboost = settings.part("lightgbm", LightGBMConfig), settings.part("catboost", CatBoostConfig)
    scored = score_out_of_fold(features, manifest.definition, holdout, lightgbm, catboost, seed=seed)
    file = work_folder() / "out_of_fold.parquet"
    pq.write_table(out_of_fold_table(scored), file)
    return Table(file), choose_model(scored, holdout)
