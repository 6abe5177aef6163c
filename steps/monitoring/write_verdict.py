"""The verdict's page, and its line in the history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from zenml import get_step_context, step
from zenml.types import HTMLString, MarkdownString

from fusionguard.evaluation.card import card_html
from fusionguard.families.of_bundle import family_of
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.charts import history_chart
from fusionguard.monitoring.detail import verdict_detail
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.history import append_verdict, history_file, read_history, record_verdict
from fusionguard.monitoring.keep import PLOTS, KeptVerdict, keep_verdict
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.page import verdict_page
from fusionguard.monitoring.recomputed import RecomputedFeatures
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts
from materializers.figures import Figures
from steps.monitoring.measure_outcomes import Outcomes


@step(enable_cache=False)
def write_verdict(
    bundle: Bundle,
    verdict: Verdict,
    facts: WindowFacts,
    drift: DriftReport,
    classifier: ClassifierTest,
    outcomes: Outcomes,
    drift_plots: Figures,
    config: MonitoringConfig,
    recomputed: RecomputedFeatures | None = None,
) -> tuple[
    Annotated[HTMLString, "{pipeline}_verdict_page"],
    Annotated[MarkdownString, "{pipeline}_verdict_text"],
    Annotated[KeptVerdict, "{pipeline}_kept"],
]:
    """Write the page beside those of earlier runs, and add the verdict to the timeline."""
    home, run = find_home(), get_step_context().pipeline_run.name
    record = record_verdict(verdict, facts, drift, outcomes.measured, run=run, at=datetime.now(UTC))
    file = history_file(home, facts.model)
    history = (*read_history(file), record)
    timeline = history_chart(history, config.thresholds, simulated=any(each.simulated for each in history))
    images = {**drift_plots.images, "verdicts": timeline}
    text = verdict_page(
        verdict,
        facts,
        drift,
        classifier,
        outcomes.measured,
        outcomes.estimated,
        config.thresholds,
        [f"{PLOTS}/{name}.png" for name in images],
        outcomes.metric_labels,
        family_of(bundle).outcomes.digits,
        recomputed,
    )
    page = card_html(text, images)
    detail = verdict_detail(record, config.thresholds, drift, classifier, outcomes.measured, outcomes.metric_labels, recomputed)
    kept = keep_verdict(home, facts.model, run, page=page, text=text, images=images, detail=detail)
    append_verdict(file, record)
    return HTMLString(page), MarkdownString(text), kept
