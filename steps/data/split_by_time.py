"""The chronological split."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.config import SplitConfig
from fusionguard.data.contract_report import ContractReport
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan, plan_split


@step
def split_by_time(features: Table, contract: ContractReport, config: SplitConfig) -> Annotated[SplitPlan, "{pipeline}_split"]:
    """Plan train, validation, calibration and test in order of time; a broken contract on the features ends the run here."""
    contract.raise_if_broken()
    return plan_split(features, config)
