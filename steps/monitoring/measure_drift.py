"""Drift of the window against what the model was trained on."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from zenml import step

from fusionguard.data.table import Table
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.charts import drift_chart, score_chart
from fusionguard.monitoring.counting import progress_in_log
from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.earlier_spans import against_earlier_spans
from fusionguard.monitoring.multivariate import ClassifierTest, classifier_test
from fusionguard.monitoring.reference import PROBABILITY
from fusionguard.monitoring.reference_rows import kept_reference, scored_rows
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.window import WindowFacts
from materializers.figures import Figures
from steps.workspace import work_folder


@step
def measure_drift(
    bundle: Bundle, window: Table, facts: WindowFacts, config: MonitoringConfig
) -> tuple[
    Annotated[DriftReport, "{pipeline}_drift"],
    Annotated[ClassifierTest, "{pipeline}_classifier"],
    Annotated[Figures, "{pipeline}_drift_plots"],
]:
    """Compare every feature, segment and score with the reference, and let a classifier look for what they miss."""
    champion = Champion.of(find_home(), bundle)
    rows = champion.reference_rows
    scratch = work_folder()
    reference = kept_reference(bundle, rows, scratch=scratch, seed=config.seed)
    span = max(1, int(facts.span_seconds / config.window.spans))
    sketch = read_sketch(
        window,
        reference,
        scratch=scratch,
        span_seconds=span,
        seed=config.seed,
        engine=config.engine,
        progress=progress_in_log("rows counted"),
    )
    reference = against_earlier_spans(
        reference, rows, sketch.total.rows, scratch=scratch, thresholds=config.thresholds, seed=config.seed
    )
    drift = read_drift(sketch, reference, config.thresholds).approving(config.approved)
    classifier = classifier_test(sketch, reference, config.thresholds, seed=config.seed)
    images = {}
    if facts.rows:
        simulated = facts.is_simulated
        images["drift_of_features"] = drift_chart(drift, config.thresholds, simulated=simulated)
        known = np.empty(0) if rows is None else scored_rows(rows, [PROBABILITY])[PROBABILITY].to_numpy()
        images["scores"] = score_chart(sketch.sample[PROBABILITY].to_numpy(), known, simulated=simulated)
    return drift, classifier, Figures("Drift against the training data", images)
