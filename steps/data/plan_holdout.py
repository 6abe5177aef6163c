"""The test slice and the folds, in order of time where rows have one."""

from __future__ import annotations

from typing import Annotated, Any

from zenml import step

from fusionguard.config import HoldoutConfig
from fusionguard.data.contract_report import ContractReport
from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.evaluation.holdout import plan_holdout as plan
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.features.store import FeatureManifest


@step
def plan_holdout(
    features: Table, manifest: FeatureManifest, contract: ContractReport, config: dict[str, Any], seed: int
) -> Annotated[HoldoutPlan, "{pipeline}_holdout"]:
    """Plan the test slice and the folds; a broken contract on the features ends the run here."""
    contract.raise_if_broken()
    settings = HoldoutConfig.model_validate(config)
    return plan(planned_rows(features, manifest.definition), manifest.features_sha256, settings, seed=seed)
