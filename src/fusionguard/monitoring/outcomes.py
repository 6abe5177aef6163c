"""A window's outcomes against the champion's evaluation, and what is expected of the rows that have none yet."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from fusionguard.data.table import Table
from fusionguard.families.family import LABEL, TIME
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.monitoring.approval import approve, not_found
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.estimate import PerformanceEstimate, estimate_performance
from fusionguard.monitoring.findings import Finding, judge
from fusionguard.monitoring.labelled import labelled_rows
from fusionguard.monitoring.miscoding import coded_features, miscoding_checks
from fusionguard.monitoring.performance import PerformanceReport, read_performance
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.serving.prediction_log.schema import OBSERVED_AT


def read_outcomes(
    window: Table, model: ScoringModel, champion: Champion, config: MonitoringConfig, *, until: datetime
) -> PerformanceReport:
    """Read the training metrics on the rows whose outcome is known, with intervals, and compare them with the test slice's.

    Metrics and limits are those of the settings that the model's bundle holds. What it does not say is not judged, and a remark
    says so. Features that outcomes show to be coded the wrong way round are a family of findings of their own.
    """
    family = family_of(model.bundle)
    outcomes, features = family.outcomes, family.features.model_features if coded_features(family) else ()
    columns = dict.fromkeys([TIME, LABEL, OBSERVED_AT, "probability", "score", *outcomes.columns, *features])
    rows = labelled_rows(
        window.read(list(columns)),
        negative_after_days=config.labels.negative_after_days,
        until_micros=int(until.timestamp() * 1e6),
    )
    reading = outcomes.read(rows.table, model, seed=config.seed)
    report = read_performance(
        rows, reading, champion.baseline(), judged=outcomes.judged, gaps=champion.gaps(), thresholds=config.thresholds
    )
    if not rows.table.num_rows:
        return report
    miscoded = judge(list(miscoding_checks(rows.table, model, config.thresholds, seed=config.seed)), config.thresholds.chance)
    codes = [each for each in approve(miscoded, config.approved) if each.level != "none"]
    unmet = not_found([each for each in config.approved if each.kind == "miscoded"], codes)
    remarks = (*report.remarks, *reading.unjudged, *unmet)
    return report.model_copy(update={"comparisons": (*codes, *report.comparisons), "remarks": remarks})


def estimate_outcomes(
    window: Table,
    model: ScoringModel,
    champion: Champion,
    outcomes: PerformanceReport,
    drift: tuple[Finding, ...],
    config: MonitoringConfig,
) -> PerformanceEstimate:
    """Estimate the metrics of all rows of the window from their probabilities, and from what outcomes have shown of those."""
    rows = window.read(["probability", "score", "decision"])
    flagged = np.asarray(rows["decision"].to_pylist()) == family_of(model.bundle).flagged
    return estimate_performance(
        rows["probability"].to_numpy(),
        flagged,
        score=rows["score"].to_numpy(),
        calibration=outcomes.calibration,
        evaluated=champion.calibration(),
        drift=drift,
        thresholds=config.thresholds,
        seed=config.seed,
    )
