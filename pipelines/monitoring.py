"""The monitoring pipeline: from the prediction log to a verdict, its page, alerts, and where asked for a new training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenml import pipeline

from fusionguard.monitoring.settings import MonitoringConfig
from pipelines.monitoring_report import MonitoringReport
from steps.monitoring.export_outcomes import export_outcomes
from steps.monitoring.find_model import find_model
from steps.monitoring.judge_window import judge_window
from steps.monitoring.measure_drift import measure_drift
from steps.monitoring.measure_outcomes import measure_outcomes
from steps.monitoring.read_log import read_log
from steps.monitoring.recompute_sample import recompute_sample
from steps.monitoring.record_verdict import record_verdict
from steps.monitoring.report_evidently import report_evidently
from steps.monitoring.send_alerts import send_alerts
from steps.monitoring.write_verdict import write_verdict
from steps.pipeline_options import pipeline_options
from steps.release.update_index import update_index

if TYPE_CHECKING:
    from pipelines.runner import RunOutputs


@pipeline(**pipeline_options("monitoring"))
def monitoring(config: MonitoringConfig) -> None:
    """Compose the steps; ZenML runs them in the order their inputs allow."""
    bundle = find_model(config)
    window, scores, facts = read_log(bundle, config)
    drift, classifier, drift_plots = measure_drift(bundle, window, facts, config)
    outcomes = measure_outcomes(bundle, window, scores, facts, drift, config)
    found = {} if config.history.file is None else {"recomputed": recompute_sample(bundle, window, config)}
    verdict = judge_window(bundle, facts, drift, classifier, outcomes, **found)
    if config.evidently.rows:
        report_evidently(bundle, window, config.evidently)
    _, _, kept = write_verdict(bundle, verdict, facts, drift, classifier, outcomes, drift_plots, config, **found)
    told = send_alerts(verdict, facts, kept, config.alerts)
    record_verdict(verdict, facts, told)
    if config.on_drift == "retrain":
        export_outcomes(verdict, bundle, window, facts, config)
    update_index(after="write_verdict")


PIPELINE = monitoring


def report(outputs: RunOutputs) -> MonitoringReport:
    """Return what the end of a run tells."""
    outcomes = outputs.load("measure_outcomes", "monitoring_outcomes")
    return MonitoringReport(
        facts=outputs.load("read_log", "monitoring_facts"),
        verdict=outputs.load("judge_window", "monitoring_verdict"),
        measured=outcomes.measured,
        estimated=outcomes.estimated,
        told=outputs.load("send_alerts", "monitoring_told").outcomes,
        page=outputs.load("write_verdict", "monitoring_kept").page,
        labelled=outputs.load("export_outcomes", "monitoring_labelled") if outputs.ran("export_outcomes") else None,
    )
