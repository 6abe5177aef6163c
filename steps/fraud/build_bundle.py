"""The fraud model as one folder."""

from __future__ import annotations

from typing import Annotated

import onnx
import xgboost as xgb
from zenml import step

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.build import build_fraud_bundle
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from fusionguard.models.tuning.settings import TrainingSettings
from steps.workspace import work_folder


@step
def build_bundle(
    features: Table,
    manifest: FeatureManifest,
    split: SplitPlan,
    booster: xgb.Booster,
    autoencoder: onnx.ModelProto,
    settings: TrainingSettings,
    provenance: Provenance,
    config: FraudConfig,
) -> Annotated[Bundle, "{pipeline}_bundle"]:
    """Fuse and calibrate on the calibration slice, learn the policy there, and write the bundle."""
    return build_fraud_bundle(
        work_folder() / "bundle",
        features,
        split,
        booster,
        autoencoder if autoencoder.graph.node else None,
        provenance=provenance,
        features_sha256=manifest.features_sha256,
        config=settings.settle(config),
        described=manifest.described,
    )
