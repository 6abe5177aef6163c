"""Repeated cross-validation of every candidate and reference."""

from __future__ import annotations

import logging
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

_log = logging.getLogger(__name__)


@step
def cross_validate(
    features: Table, manifest: FeatureManifest, holdout: HoldoutPlan, settings: TrainingSettings, seed: int
) -> tuple[Annotated[Table, "{pipeline}_out_of_fold"], Annotated[CrossValidation, "{pipeline}_cross_validation"]]:
    """Score the development part out of fold, and choose between the models and their average."""
    lightgbm = settings.part("lightgbm", LightGBMConfig)
    catboost = settings.part("catboost", CatBoostConfig) if settings.has("catboost") else None
    if holdout.most_folded_rows is not None:
        _log.info("folds: of %s drawn rows of %s", f"{holdout.most_folded_rows:,}", f"{holdout.development_rows:,}")
    scored = score_out_of_fold(features, manifest.definition, holdout, lightgbm, catboost, seed=seed)
    file = work_folder() / "out_of_fold.parquet"
    pq.write_table(out_of_fold_table(scored), file)
    return Table(file), choose_model(scored, holdout)
