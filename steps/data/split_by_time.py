"""The four slices, in order of time where rows have one."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.config import SplitConfig
from fusionguard.data.contract_report import ContractReport
from fusionguard.data.table import Table
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import SplitPlan, plan_split
from fusionguard.features.store import FeatureManifest


@step
def split_by_time(
    features: Table, manifest: FeatureManifest, contract: ContractReport, config: SplitConfig
) -> Annotated[SplitPlan, "{pipeline}_split"]:
    """Plan train, validation, calibration and test; a broken contract on the features ends the run here."""
    contract.raise_if_broken()
    return plan_split(planned_rows(features, manifest.definition), config)
