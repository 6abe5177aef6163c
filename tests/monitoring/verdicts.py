"""Findings and reports of which all is known, for the rules that weigh them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.findings import Finding, Kind, Level
from fusionguard.monitoring.performance import LabelCoverage, PerformanceReport
from fusionguard.monitoring.recomputed import RecomputedFeatures

DAY = datetime(2026, 9, 22, tzinfo=UTC)


def finding(kind: Kind, subject: str, level: Level = "act", **others: Any) -> Finding:
    """A finding whose sentence is its subject and its kind; ``others`` are further fields, in place of these."""
    fields = {"effect": 1, "watch": 0.1, "act": 0.2, "chance": 1e-4, "sentence": f"{subject} {kind}"}
    return Finding.model_validate({"kind": kind, "subject": subject, "level": level} | fields | others)


def drift_of(
    *columns: Finding, segments: tuple[Finding, ...] = (), scores: tuple[Finding, ...] = (), remarks: tuple[str, ...] = ()
) -> DriftReport:
    """A report of a window of 1,000 rows, in which one column more was read and has not changed."""
    return DriftReport(
        rows=1_000,
        reference_rows=5_000,
        first=DAY,
        last=DAY,
        columns=(*columns, finding("psi", "V28", "none", chance=1)),
        segments=segments,
        scores=scores,
        unknown_categories={},
        remarks=remarks,
    )


def outcomes_of(*comparisons: Finding, labelled: int = 900, remarks: tuple[str, ...] = ()) -> PerformanceReport:
    """Outcomes of so many of 1,000 rows."""
    return PerformanceReport(
        coverage=LabelCoverage(rows=1_000, labelled=labelled, presumed_negative=0, positives=90, median_delay_days=3),
        metrics={},
        baseline={},
        deltas={},
        cohorts=(),
        calibration=None,
        fairness=None,
        comparisons=comparisons,
        remarks=remarks,
    )


def recomputed_of(level: Level) -> RecomputedFeatures:
    """Forty rows recomputed of ninety, with a finding of a level; ``none`` has no finding."""
    findings = () if level == "none" else (finding("skew", "card_count_1d", level),)
    differing = 13 if findings else 0
    return RecomputedFeatures(
        history="rows.csv", rows=90, compared=40, differing=differing, incomparable={"absent": 4}, findings=findings
    )


CALIBRATION, WORSE = finding("calibration", "probability"), finding("metric", "roc_auc")
FELL = WORSE.model_copy(update={"effect": 0.06})
"""By less than other rows may bring."""
MOVED, GONE = finding("psi", "V1", since=DAY), finding("missing", "V3", since=DAY)
