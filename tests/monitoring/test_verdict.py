"""One verdict from all findings: state, cause, action, since, how sure."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.monitoring.decision import ACTIONS
from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.findings import OUTCOME, Finding, Level, worst
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.verdict import Verdict, decide
from tests.monitoring.outcomes import estimate_rows
from tests.monitoring.verdicts import CALIBRATION, DAY, FELL, GONE, MOVED, WORSE, drift_of, finding, outcomes_of, recomputed_of
from tests.monitoring.windows import fraud_window


@pytest.mark.parametrize(
    "drift, outcomes, state, cause, action",
    [
        (drift_of(), None, "healthy", "none", "none"),
        (drift_of(GONE), None, "act", "upstream data", "fix data"),
        (drift_of(GONE, MOVED), (WORSE, CALIBRATION), "act", "upstream data", "fix data"),
        (drift_of(finding("out_of_range", "V1", "watch")), None, "watch", "population", "keep watching"),
        (drift_of(MOVED, finding("missing", "V3", "watch")), None, "act", "population", "retrain"),
        (drift_of(MOVED), None, "act", "population", "retrain"),
        (drift_of(finding("tail", "Amount", "watch")), None, "watch", "population", "keep watching"),
        (drift_of(MOVED), (WORSE,), "act", "concept", "retrain"),
        (drift_of(MOVED), (FELL,), "act", "population", "retrain"),
        (drift_of(MOVED), (WORSE, finding("miscoded", "Gender")), "act", "upstream data", "fix data"),
        (drift_of(MOVED), (FELL, CALIBRATION), "act", "concept", "retrain"),
        (drift_of(MOVED), (finding("metric", "brier"),), "act", "population", "retrain"),
        (drift_of(), (finding("metric", "brier"), CALIBRATION), "act", "concept", "recalibrate"),
        (drift_of(finding("missing", "V3", "watch")), None, "watch", "upstream data", "keep watching"),
        (drift_of(), (CALIBRATION,), "act", "concept", "recalibrate"),
        (drift_of(), (WORSE, CALIBRATION), "act", "concept", "retrain"),
        (drift_of(finding("psi", "V1", "watch")), (WORSE,), "act", "concept", "retrain"),
        (drift_of(), (finding("fairness", "recall by gender"),), "act", "concept", "retrain"),
        (drift_of(), (CALIBRATION, finding("fairness", "recall by gender", "watch")), "act", "concept", "recalibrate"),
        (drift_of(), (finding("metric", "roc_auc", "watch"),), "watch", "concept", "keep watching"),
        (drift_of(), (finding("calibration", "probability", "watch"),), "watch", "concept", "keep watching"),
        (drift_of(MOVED), (finding("metric", "roc_auc", "watch"),), "act", "population", "retrain"),
        (drift_of(scores=(finding("alert_rate", "decision"),)), None, "act", "unknown", "find out what changed"),
        (
            drift_of(scores=(finding("alert_rate", "decision"),)),
            (finding("fairness", "recall by gender", "watch"),),
            *("act", "concept", "find out what changed"),
        ),
    ],
)
def test_findings_lead_to_cause_and_action(
    drift: DriftReport, outcomes: tuple[Finding, ...] | None, state: str, cause: str, action: str
) -> None:
    verdict = decide(drift, performance=None if outcomes is None else outcomes_of(*outcomes))
    assert (verdict.state, verdict.cause, verdict.action) == (state, cause, action)
    assert (verdict.sureness is None) == (state == "healthy")


HOLDS = finding("metric", "average_precision", "none", effect=-0.15, watch=0.02, chance=1.0)
UNPROVEN = HOLDS.model_copy(update={"effect": 0.05, "chance": 0.2})
UNFAIR = finding("fairness", "recall by gender")


@pytest.mark.parametrize(
    ("comparisons", "labelled", "action"),
    [
        ((HOLDS,), 900, "find out what changed"),
        ((HOLDS,), 800, "find out what changed"),
        ((HOLDS,), 799, "retrain"),
        ((HOLDS,), 500, "retrain"),  # outcomes may be those of the calm beginning
        ((HOLDS, UNPROVEN), 900, "retrain"),  # worse beyond the limit, though chance may explain it
        ((HOLDS, UNFAIR), 900, "retrain"),
        ((HOLDS, CALIBRATION), 900, "recalibrate"),
        ((HOLDS, FELL), 900, "retrain"),
        ((CALIBRATION.model_copy(update={"level": "none"}),), 900, "retrain"),  # too few positives to judge metrics
        ((), 900, "retrain"),
    ],
)
def test_rows_that_moved_ask_to_retrain_unless_outcomes_show_that_the_model_holds(
    comparisons: tuple[Finding, ...], labelled: int, action: str
) -> None:
    verdict = decide(drift_of(MOVED), performance=outcomes_of(*comparisons, labelled=labelled))
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "population", action)
    shown = f"outcomes of {labelled / 10:.0f}% of the rows show"
    assert any(shown in reason for reason in verdict.reasons) == (action == "find out what changed")
    assert any(reason.endswith("and outcomes hold") for reason in verdict.reasons) == (action == "find out what changed")


@pytest.mark.parametrize(("labelled", "cause"), [(900, "concept"), (800, "concept"), (799, "population")])
def test_ranking_that_collapsed_is_concept_where_most_outcomes_are_known(labelled: int, cause: str) -> None:
    """Where few are known, they may be those that somebody looked at, among which every model ranks worse."""
    verdict = decide(drift_of(MOVED), performance=outcomes_of(WORSE, labelled=labelled))
    assert (verdict.cause, verdict.action) == (cause, "retrain")
    assert any("more than other rows explain" in reason for reason in verdict.reasons) == (cause == "concept")


def test_a_drift_of_scores_alone_asks_for_labels_or_says_what_they_show() -> None:
    drift = drift_of(scores=(finding("alert_rate", "decision"),))
    waiting, told = decide(drift), decide(drift, performance=outcomes_of(HOLDS))
    assert waiting.action == told.action == "find out what changed"
    assert any("collect labels" in reason for reason in waiting.reasons)
    assert not any("collect labels" in reason for reason in told.reasons)


LEVELS: tuple[Level, ...] = ("none", "watch", "act")
OF_ROWS = [
    (),
    *(
        (finding(kind, subject, level),)
        for kind, subject in (("psi", "V1"), ("out_of_range", "V2"), ("missing", "V3"))
        for level in LEVELS[1:]
    ),
    (finding("psi", "V1"), finding("missing", "V3", "watch")),
    *(
        (finding("psi", "V1"), finding(kind, subject))
        for kind, subject in (("spike", "V3"), ("burst", "rows"), ("absent_hours", "rows"))
    ),
    *((finding(kind, subject, "watch"),) for kind, subject in (("spike", "V3"), ("burst", "rows"), ("absent_hours", "rows"))),
    (finding("psi", "V1"), finding("spike", "V3", "watch")),
    (finding("psi", "V1"), finding("spike", "V3", certain=False)),
    (finding("psi", "V1"), finding("spike", "V3", approved="the desk")),
    (finding("spike", "V3", approved="the desk"), finding("missing", "V4", "watch")),
]
OF_SCORES = [(), *((finding("alert_rate", "decision", level),) for level in LEVELS[1:])]
OF_OUTCOMES: list[tuple[Finding, ...] | None] = [
    None,
    *(
        tuple(
            finding(kind, subject, level)
            for (kind, subject), level in zip(
                (("metric", "roc_auc"), ("metric", "brier"), ("calibration", "probability"), ("fairness", "recall by age")),
                levels,
                strict=True,
            )
        )
        for levels in itertools.product(LEVELS, repeat=4)
    ),
    (HOLDS,),
    (FELL,),
    (WORSE, finding("miscoded", "Gender")),
]
CONTRADICTIONS: dict[str, tuple[str, ...]] = {
    "none": ("look again", "train on", "fit the calibration", "go back", "correct the source", "find out"),
    "keep watching": ("train on", "fit the calibration", "go back", "correct the source", "find out"),
    "fix data": ("look again", "train on", "fit the calibration", "go back", "outcomes hold"),
    "ask the data's owner": ("look again", "train on", "fit the calibration", "go back", "find out what", "outcomes hold"),
    "look at the burst": ("look again", "train on", "fit the calibration", "go back", "correct the source", "outcomes hold"),
    "find the missing hours": ("look again", "train on", "fit the calibration", "go back", "correct the source", "find out"),
    "find out what changed": ("look again", "train on", "fit the calibration", "go back", "correct the source"),
    "recalibrate": ("look again", "train on", "go back", "correct the source", "find out", "outcomes hold", "ranks worse"),
    "rebuild the state": ("look again", "train on", "fit the calibration", "go back", "correct the source", "outcomes hold"),
    "retrain": ("look again", "fit the calibration", "go back", "correct the source", "find out", "outcomes hold"),
    "roll back": ("look again", "train on", "fit the calibration", "correct the source", "find out", "outcomes hold"),
}


def test_every_verdict_agrees_with_itself() -> None:
    """All combinations of findings, of how many outcomes are known, and of when the model took over."""
    seen = set()
    alike = itertools.product(OF_ROWS, OF_SCORES, OF_OUTCOMES, (300, 900), (None, DAY), (None,))
    skewed = itertools.product(OF_ROWS, OF_SCORES, [None, *OF_OUTCOMES[-3:]], (900,), (None, DAY), LEVELS)
    for rows, scores, comparisons, labelled, since, level in itertools.chain(alike, skewed):
        outcomes = None if comparisons is None else outcomes_of(*comparisons, labelled=labelled)
        recomputed = None if level is None else recomputed_of(level)
        verdict = decide(drift_of(*rows, scores=scores), performance=outcomes, recomputed=recomputed, model_since=since)
        case = (
            f"{verdict.sentence()} of {[(each.kind, each.subject, each.level) for each in verdict.findings]}, {labelled}, {since}"
        )
        assert verdict.action in ACTIONS[verdict.state, verdict.cause], case
        assert verdict.state == ("healthy" if not verdict.findings else worst(verdict.findings)), case
        assert (verdict.action == "keep watching") == (verdict.state == "watch"), case
        said = " / ".join(verdict.reasons)
        assert not [words for words in CONTRADICTIONS[verdict.action] if words in said], f"{case}: {said}"
        assert (verdict.action == "roll back") <= (since is not None and verdict.cause in ("concept", "unknown")), case
        outcomes_found = [each for each in verdict.findings if each.kind in OUTCOME]
        assert (verdict.cause == "concept") <= bool(outcomes_found), case
        assert ("no outcome contradicts" in said) <= (not outcomes_found), f"{case}: {said}"
        seen.add((verdict.state, verdict.cause, verdict.action))
    wanted = {
        (state, cause, action) for (state, cause), actions in ACTIONS.items() for action in actions if state != "not judged"
    }
    assert seen == wanted


def test_features_that_differ_from_the_history_are_the_cause_of_what_is_no_graver() -> None:
    verdict = decide(drift_of(MOVED, GONE), performance=outcomes_of(WORSE), recomputed=recomputed_of("act"))
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "feature pipeline", "rebuild the state")
    assert verdict.features[0] == "card_count_1d" and "fusionguard state build" in " ".join(verdict.reasons)
    assert verdict.remarks == ("40 of 90 rows were recomputed from rows.csv: 13 differ; not compared: 4 are not in the history",)
    small = decide(drift_of(MOVED), recomputed=recomputed_of("watch"))
    assert (small.cause, small.action) == ("population", "retrain") and "look broken (card_count_1d)" in " ".join(small.reasons)
    assert decide(drift_of(), recomputed=recomputed_of("none")).state == "healthy"


def test_a_young_model_with_unchanged_rows_is_rolled_back() -> None:
    outcomes = outcomes_of(WORSE)
    assert decide(drift_of(), performance=outcomes, model_since=DAY).action == "roll back"
    assert decide(drift_of(MOVED), performance=outcomes, model_since=DAY).action == "retrain"
    small = outcomes_of(finding("metric", "roc_auc", "watch"))
    assert decide(drift_of(), performance=small, model_since=DAY).action == "keep watching"
    older = drift_of(scores=(finding("alert_rate", "decision", since=DAY.replace(day=1)),))
    assert decide(older, performance=outcomes, model_since=DAY).action == "retrain", "it began before the model"


def test_the_verdict_names_features_dates_and_sureness() -> None:
    verdict = decide(drift_of(finding("psi", "V9", "watch", since=DAY.replace(day=2)), GONE, MOVED))
    assert verdict.features == ("V3", "V1", "V9")
    assert verdict.since == DAY, "of what decides, not of what is only watched"
    assert verdict.sureness == pytest.approx(1 - 1e-4)
    assert verdict.sentence() == "act: V3, V1, V9 since 2026-09-22 00:00 UTC; likely cause: upstream data; advice: fix data"
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_scores_are_not_called_features_and_the_classifier_counts() -> None:
    classifier = ClassifierTest(
        rows=900, reference_rows=900, auc=Interval(value=0.8), finding=finding("classifier", "all columns")
    )
    verdict = decide(drift_of(scores=(finding("psi", "probability"),)), classifier=classifier)
    assert (verdict.cause, verdict.features) == ("population", ())
    refused = ClassifierTest(rows=9, reference_rows=0, auc=Interval(reason="no rows"))
    assert decide(drift_of(), classifier=refused).remarks == ("the classifier test was not made: no rows",)


def test_a_window_that_is_too_small_is_not_called_healthy(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    sketch = read_sketch(fraud_window(20, 61), counted_fraud_reference, scratch=tmp_path)
    verdict = decide(read_drift(sketch, counted_fraud_reference))
    assert (verdict.state, verdict.sentence()) == ("not judged", "not judged")
    assert "has 20 rows" in verdict.remarks[0]
    drift = read_drift(sketch, counted_fraud_reference)
    assert decide(drift, performance=outcomes_of(HOLDS)).state == "not judged", "outcomes of few rows clear nothing"
    assert decide(drift, performance=outcomes_of(WORSE)).state == "act"


def test_from_rows_to_verdict(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    def unit(columns: dict[str, Any], rng: np.random.Generator) -> None:
        columns["V5"] = 100 * columns["V5"]

    rows = fraud_window(2_000, 62, change=unit)
    drift = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
    flagged = np.array(rows["decision"].to_pylist()) == "review"
    estimate = estimate_rows(rows["probability"].to_numpy(), flagged, drift=drift.findings)
    verdict = decide(drift, estimate=estimate)
    assert (verdict.state, verdict.cause, verdict.action, verdict.features[0]) == ("act", "upstream data", "fix data", "V5")
    assert estimate.trust == "no"
    assert any("the data of V5 look broken" in reason for reason in verdict.reasons)
