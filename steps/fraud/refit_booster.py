"""The fraud model, its trees fitted anew on all rows."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.refit import refit_fraud_bundle
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from steps.fraud.tune_xgboost import BoosterSettings
from steps.workspace import work_folder


@step
def refit_booster(
    evaluated: Bundle,
    features: Table,
    manifest: FeatureManifest,
    split: SplitPlan,
    settings: BoosterSettings,
    config: FraudConfig,
) -> Annotated[Bundle, "{pipeline}_refitted"]:
    """Fit the trees on the test slice, too; the model that was read stays in the bundle, for comparisons."""
    settled = settings.settle(config)
    folder = work_folder() / "bundle"
    return refit_fraud_bundle(folder, evaluated, features, split, settled, negative_weight=manifest.negative_weight)
