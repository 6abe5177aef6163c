"""The window's labelled rows, for a new training."""

from __future__ import annotations

from typing import Annotated

from zenml import get_step_context, step

from fusionguard.data.table import Table
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.fault_ruling import untrainable
from fusionguard.monitoring.retraining import LabelledFile, export_labelled
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts


@step(enable_cache=False)
def export_outcomes(
    verdict: Verdict, bundle: Bundle, window: Table, facts: WindowFacts, config: MonitoringConfig
) -> Annotated[LabelledFile, "{pipeline}_labelled"]:
    """Write the rows whose outcome is known as raw data, where the verdict advises to retrain; never those of broken data."""
    fault = untrainable(verdict.findings)
    if fault is not None:
        return LabelledFile(file=None, rows=facts.rows, positives=0, why=f"the advice is: {verdict.action}; {fault}")
    if verdict.action != "retrain":
        return LabelledFile(file=None, rows=facts.rows, positives=0, why=f"the advice is: {verdict.action}")
    folder = find_home().monitoring / facts.model / f"{get_step_context().pipeline_run.name}-outcomes"
    return export_labelled(window, facts, bundle, config, folder, approved=verdict.approved)
