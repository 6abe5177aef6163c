"""The fraud model's trees on the folds in time that the data set declares."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.prequential.plot import prequential_plots
from fusionguard.evaluation.prequential.report import PrequentialReport
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import PrequentialConfig, XGBoostConfig
from fusionguard.families.fraud.prequential import validate_forward as validate
from fusionguard.features.store import FeatureManifest
from fusionguard.models.tuning.settings import TrainingSettings
from materializers.figures import Figures


@step
def validate_forward(
    features: Table,
    manifest: FeatureManifest,
    split: SplitPlan,
    settings: TrainingSettings,
    config: PrequentialConfig,
    bootstrap_samples: int,
    seed: int,
) -> tuple[Annotated[PrequentialReport, "{pipeline}_prequential"], Annotated[Figures, "{pipeline}_prequential_plots"]]:
    """Train anew for each fold on what was known by then, and judge the days after, beside the references."""
    xgboost = settings.part("xgboost", XGBoostConfig)
    report = validate(features, manifest, split, xgboost, config, samples=bootstrap_samples, seed=seed)
    return report, Figures("Validation on folds in time", prequential_plots(report))
