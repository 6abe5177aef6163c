"""Challenger against champion, of churn models: quality, and fairness within its limits."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.reading import compared_test
from fusionguard.families.churn.report import ChurnReport
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.versions import RegisteredVersion
from steps.this_run import this_run


@step(enable_cache=False)
def gate_churn(
    version: RegisteredVersion,
    bundle: Bundle,
    evaluation: ChurnReport,
    features: Table,
    holdout: HoldoutPlan,
    config: ChurnConfig,
) -> Annotated[GateVerdict, "{pipeline}_verdict"]:
    """Compare the challenger with the champion on the same test rows; a broken limit of fairness is a refusal."""
    from fusionguard.registry.gate import pass_gate  # MLflow takes seconds to import

    return pass_gate(
        find_home(),
        version,
        bundle,
        evaluation.gate_facts(),
        lambda model: compared_test(model, features, holdout),
        config.gate,
        samples=evaluation.bootstrap_samples,
        seed=config.seed,
        run=this_run(),
    )
