"""Every field of a verdict, and its one line, on findings of which all are known."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.monitoring.findings import Level
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.verdict import decide
from tests.monitoring.outcomes import estimate_rows
from tests.monitoring.verdicts import drift_of, finding, outcomes_of

EARLY, LATE = datetime(2026, 9, 20, 6, tzinfo=UTC), datetime(2026, 9, 22, 18, 30, tzinfo=UTC)
NOT_JUDGED, FEW = "the hours were not judged", "few outcomes are known"


def classifier_of(level: Level) -> ClassifierTest:
    found = finding("classifier", "all columns", level, chance=1e-3)
    return ClassifierTest(rows=900, reference_rows=900, auc=Interval(value=0.8), finding=found)


def test_a_quiet_window_is_healthy_and_keeps_its_remarks() -> None:
    estimate = estimate_rows(np.linspace(0, 1, 50), np.arange(50) > 30, samples=5)
    no_test = ClassifierTest(rows=9, reference_rows=0, auc=Interval(reason="no rows"))
    verdict = decide(
        drift_of(remarks=(NOT_JUDGED,)), classifier=no_test, performance=outcomes_of(remarks=(FEW,)), estimate=estimate
    )
    assert verdict.model_dump() == {
        "state": "healthy",
        "cause": "none",
        "action": "none",
        "since": None,
        "features": (),
        "segments": (),
        "sureness": None,
        "findings": (),
        "reasons": (f"without labels, {estimate.sentence()}",),
        "remarks": (
            NOT_JUDGED,
            "the classifier test was not made: no rows",
            FEW,
        ),
    }
    assert verdict.sentence() == "healthy"
    unread = drift_of().model_copy(update={"columns": ()})
    assert (decide(unread).state, decide(unread).sentence(), decide(unread).reasons) == ("not judged", "not judged", ())


def test_all_findings_are_weighed_the_gravest_first_and_those_of_all_rows_before_segments() -> None:
    drift = drift_of(
        finding("psi", "V9", "watch", since=EARLY, chance=1e-9),
        finding("psi", "V1", since=LATE, chance=1e-5),
        finding("ks", "V1", chance=2e-4),
        segments=(
            finding("psi", "V2", segment="country: DE", since=LATE.replace(hour=20)),
            finding("psi", "V1", "watch", segment="country: DE"),
            finding("psi", "V4", segment="country: FR"),
        ),
        scores=(finding("alert_rate", "decision"),),
        remarks=(NOT_JUDGED,),
    )
    outcomes = outcomes_of(finding("metric", "roc_auc", "watch"), remarks=(FEW,))
    estimate = estimate_rows(np.linspace(0, 1, 50), np.arange(50) > 30, samples=5)
    verdict = decide(drift, classifier=classifier_of("act"), performance=outcomes, estimate=estimate)
    assert [(each.kind, each.subject, each.segment, each.level) for each in verdict.findings] == [
        ("psi", "V1", "", "act"),
        ("ks", "V1", "", "act"),
        ("alert_rate", "decision", "", "act"),
        ("classifier", "all columns", "", "act"),
        ("psi", "V2", "country: DE", "act"),
        ("psi", "V4", "country: FR", "act"),
        ("psi", "V9", "", "watch"),
        ("metric", "roc_auc", "", "watch"),
        ("psi", "V1", "country: DE", "watch"),
    ]
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "population", "retrain")
    assert verdict.since == LATE, "the first of those that decide"
    assert verdict.features == ("V1", "V2", "V4", "V9")
    assert verdict.segments == ("country: DE", "country: FR")
    assert verdict.sureness == pytest.approx(1 - 1e-5, abs=1e-12), "that of the strongest of those that decide"
    assert verdict.reasons == (
        "V1 psi",
        "V1 ks",
        "decision alert_rate",
        "all columns classifier",
        "V2 psi (country: DE)",
        "the rows are not those the model learned from, and outcomes have suffered with them",
        "the model ranks worse than it did: train on recent labelled rows and let the gate decide",
        f"without labels, {estimate.sentence()}",
    )
    assert verdict.remarks == (NOT_JUDGED, FEW)
    assert verdict.sentence() == "act: V1, V2, V4 since 2026-09-22 18:30 UTC; likely cause: population; advice: retrain"


def test_what_is_to_be_watched_is_dated_and_named_and_a_calm_classifier_is_not() -> None:
    verdict = decide(
        drift_of(finding("psi", "V9", "watch", since=EARLY), remarks=(NOT_JUDGED,)), classifier=classifier_of("none")
    )
    assert [each.subject for each in verdict.findings] == ["V9"]
    assert verdict.sentence() == ("watch: V9 since 2026-09-20 06:00 UTC; likely cause: population; advice: keep watching")
    assert verdict.remarks == (NOT_JUDGED,)


def test_a_line_without_features_names_the_first_finding_and_no_date_where_none_is_known() -> None:
    scores = (finding("alert_rate", "decision"), finding("psi", "probability"))
    verdict = decide(drift_of(scores=scores))
    assert (verdict.features, verdict.since) == ((), None)
    assert verdict.sentence() == "act: decision; likely cause: unknown; advice: find out what changed"
    alone = decide(drift_of(), classifier=classifier_of("act"))
    assert (alone.cause, alone.features, alone.sureness) == ("population", (), pytest.approx(0.999))
    outcomes = outcomes_of(finding("metric", "roc_auc", since=LATE))
    assert decide(drift_of(), performance=outcomes, model_since=EARLY).action == "roll back"
    assert decide(drift_of(), performance=outcomes).action == "retrain"


def test_the_action_follows_from_the_cause_and_from_what_outcomes_show() -> None:
    moved, holds = finding("psi", "V1"), finding("metric", "average_precision", "none", effect=0.05)
    assert decide(drift_of(moved)).action == "retrain"
    assert decide(drift_of(moved), performance=outcomes_of(holds)).action == "find out what changed"
    assert decide(drift_of(moved, finding("missing", "V3"))).action == "fix data"
