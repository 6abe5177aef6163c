"""A monitoring history as runs leave it, of simulated windows without and with drift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.home import Home
from fusionguard.monitoring.charts import drift_chart, score_chart
from fusionguard.monitoring.counted import as_reference
from fusionguard.monitoring.detail import VerdictDetail, verdict_detail
from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.history import append_verdict, history_file, record_verdict
from fusionguard.monitoring.keep import keep_verdict
from fusionguard.monitoring.performance import LabelCoverage, PerformanceReport
from fusionguard.monitoring.reference import PROBABILITY, Reference
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.monitoring.verdict import decide
from fusionguard.monitoring.window import WindowFacts
from tests.monitoring.windows import REFERENCE_ROWS, fraud_window

FIRST = datetime(2026, 9, 20, 6, tzinfo=UTC)
SHIFTS = (0.0, 0.0, 0.2, 0.5, 1.1)
"""By how much V14 has moved in each run, in its unit."""


def write_history(home: Home, reference: Reference, scratch: Path) -> list[VerdictDetail]:
    """Judge a window a day, each drifted further than the last, and keep what monitoring runs keep."""
    counted = as_reference(reference, read_sketch(fraud_window(REFERENCE_ROWS, 1), reference, scratch=scratch))
    return [_keep(home, counted, scratch, day, shift) for day, shift in enumerate(SHIFTS)]


def _keep(home: Home, reference: Reference, scratch: Path, day: int, shift: float) -> VerdictDetail:
    def change(columns: dict[str, Any], rng: np.random.Generator) -> None:
        columns["V14"] = columns["V14"] + shift
        columns["V1"] = columns["V1"] + shift / 3

    rows, limits = fraud_window(6_000, 20 + day, change=change), MonitoringThresholds()
    sketch = read_sketch(rows, reference, scratch=scratch)
    drift = read_drift(sketch, reference, limits)
    facts = WindowFacts(
        model="fraud",
        model_version="0123456789ab",
        first=sketch.first,
        last=sketch.last,
        rows=rows.num_rows,
        labelled=5_900,
        simulated=rows.num_rows,
        origin="simulated",
    )
    worse = 0.03 * day
    reading = Interval(value=0.83 - worse, low=0.76 - worse, high=0.89 - worse)
    outcomes = PerformanceReport(
        coverage=LabelCoverage(rows=6_000, labelled=5_900, presumed_negative=0, positives=90, median_delay_days=3),
        metrics={"average_precision": reading},
        baseline={"average_precision": Interval(value=0.83, low=0.74, high=0.91)},
        deltas={"average_precision": Interval(value=-worse, low=-worse - 0.09, high=-worse + 0.09)},
        cohorts=(),
        calibration=None,
        fairness=None,
        comparisons=(),
        remarks=(),
    )
    verdict, at = decide(drift, performance=outcomes), FIRST + timedelta(days=day)
    run = f"monitoring-{at:%Y_%m_%d}"
    record = record_verdict(verdict, facts, drift, outcomes, run=run, at=at)
    detail = verdict_detail(record, limits, drift, None, outcomes, {"average_precision": "average precision"})
    scores = score_chart(rows[PROBABILITY].to_numpy(), fraud_window(REFERENCE_ROWS, 1)[PROBABILITY].to_numpy(), simulated=True)
    images = {"drift_of_features": drift_chart(drift, limits, simulated=True), "scores": scores}
    keep_verdict(home, "fraud", run, page="<p>The page.</p>", text="The page.", images=images, detail=detail)
    append_verdict(history_file(home, "fraud"), record)
    return detail
