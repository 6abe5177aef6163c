"""Challenger against champion."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.config import GateConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.report import Report
from fusionguard.families.training_rows import Plan, TrainingRows
from fusionguard.features.store import FeatureManifest
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.versions import RegisteredVersion
from steps.this_run import this_run


@step(enable_cache=False)
def gate(
    version: RegisteredVersion,
    bundle: Bundle,
    evaluation: Report,
    features: Table,
    manifest: FeatureManifest,
    plan: Plan,
    config: GateConfig,
    seed: int,
) -> Annotated[GateVerdict, "{pipeline}_verdict"]:
    """Compare the challenger with the champion on the same test rows, and move the alias if it wins and nothing forbids it."""
    from fusionguard.registry.gate import pass_gate  # MLflow takes seconds to import

    rows = TrainingRows(features, manifest, plan)
    return pass_gate(
        find_home(),
        version,
        bundle,
        evaluation.gate_facts(),
        rows.compared,
        config,
        samples=evaluation.bootstrap_samples,
        seed=seed,
        run=this_run(),
    )
