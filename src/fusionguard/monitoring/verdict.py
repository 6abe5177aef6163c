"""The verdict on a window: healthy, watch or act; what, where, since when, how sure, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.estimate import PerformanceEstimate
from fusionguard.monitoring.findings import OUTCOME, UPSTREAM, Finding, worst
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.performance import PerformanceReport

State = Literal["healthy", "watch", "act", "not judged"]
Cause = Literal["none", "upstream data", "population", "concept", "unknown"]
Action = Literal["none", "keep watching", "fix data", "recalibrate", "retrain", "roll back"]

KNOWN_SHARE = 0.8
"""From this share of rows with an outcome on, outcomes speak for the whole window, and not for its calm beginning alone."""


class Verdict(BaseModel):
    """What a window means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    cause: Cause
    """The likely one; see :func:`decide`."""
    action: Action
    since: datetime | None
    """The beginning of the first span in which one of the findings was beyond its limit by itself."""
    features: tuple[str, ...]
    """Columns with findings, the gravest first."""
    segments: tuple[str, ...]
    sureness: float | None
    """1 less the corrected chance that a window without drift shows the strongest of the deciding findings; null without any."""
    findings: tuple[Finding, ...]
    """All that have a level, the gravest first."""
    reasons: tuple[str, ...]
    """Why this state, this cause and this action, in sentences."""
    remarks: tuple[str, ...]
    """What could not be judged, and why."""

    def sentence(self) -> str:
        """Say the verdict in one line."""
        if self.state in ("healthy", "not judged"):
            return self.state
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        subjects = ", ".join(self.features[:3]) or (self.findings[0].subject if self.findings else "")
        return f"{self.state}: {subjects}{since}; likely cause: {self.cause}; advice: {self.action}"


def decide(
    drift: DriftReport,
    *,
    classifier: ClassifierTest | None = None,
    performance: PerformanceReport | None = None,
    estimate: PerformanceEstimate | None = None,
    model_since: datetime | None = None,
) -> Verdict:
    """Weigh all findings of a window.

    The state is that of the gravest finding. The likely cause follows from which kinds are found together:

    * upstream data, where the gravest findings are values that are missing, new, out of range (many of them), or of another
      unit: what other checks find follows from that;
    * concept, where outcomes disagree with the model (metrics, calibration, fairness) and the rows are what they were, or have
      only moved to be watched;
    * population, where the rows have changed, and outcomes, if known, follow or still agree;
    * unknown, where only scores or alert rates have.

    The action is to fix the data for the first. Else a model is left alone that nothing but a watch speaks against. Else it is to
    retrain where ranking has suffered or a gap between groups has passed the gate's limit, to recalibrate where calibration is
    all that is wrong, and to retrain where the rows ask to act and outcomes do not show that the model holds on them. It holds
    where at least :data:`KNOWN_SHARE` of the rows have an outcome, there are enough of both classes to judge metrics, none of
    those is worse by its limit (proven or not), and calibration and fairness have no finding. Where the model is younger than the
    window, which then holds its own answers alone, nothing began before it, and the rows are what they were, the advice is to
    roll back.

    Parameters
    ----------
    drift, classifier, performance, estimate
        What was read; None for what was not. The estimate only adds reasons: it raises no alert.
    model_since
        When the champion began to answer, where that is known to lie inside the window.
    """
    findings = _by_gravity(drift, classifier, performance)
    remarks = [*drift.remarks]
    if classifier is not None and classifier.auc.reason:
        remarks.append(f"the classifier test was not made: {classifier.auc.reason}")
    if performance is not None:
        remarks += performance.remarks
    state: State = {"none": "healthy", "watch": "watch", "act": "act"}[worst(findings)]  # type: ignore[assignment]
    if not findings:
        return Verdict(
            # Outcomes of a few rows may raise an alarm; that nothing has changed, they do not show.
            state="healthy" if drift.columns else "not judged",
            cause="none",
            action="none",
            since=None,
            features=(),
            segments=(),
            sureness=None,
            findings=(),
            reasons=_estimate_reasons(estimate),
            remarks=tuple(remarks),
        )
    cause, why = _cause(findings)
    action, advice = _action(findings, cause, model_since, performance)
    deciding = [finding for finding in findings if finding.level == worst(findings)]
    since = [finding.since for finding in deciding if finding.since is not None]
    return Verdict(
        state=state,
        cause=cause,
        action=action,
        since=min(since, default=None),
        features=_distinct([finding.subject for finding in findings if _names_a_feature(finding)]),
        segments=_distinct([finding.segment for finding in findings if finding.segment]),
        sureness=1 - min(finding.chance for finding in deciding),
        findings=findings,
        reasons=(*(finding.told for finding in deciding[:5]), why, advice, *_estimate_reasons(estimate)),
        remarks=tuple(remarks),
    )


def _by_gravity(
    drift: DriftReport, classifier: ClassifierTest | None, performance: PerformanceReport | None
) -> tuple[Finding, ...]:
    found = list(drift.findings)
    if classifier is not None and classifier.finding is not None and classifier.finding.level != "none":
        found.append(classifier.finding)
    if performance is not None:
        found += performance.findings
    return tuple(sorted(found, key=lambda finding: (finding.level != "act", bool(finding.segment))))


def _cause(findings: Sequence[Finding]) -> tuple[Cause, str]:
    upstream = [finding for finding in findings if _is_upstream(finding)]
    if upstream and worst(upstream) == worst(findings):
        names = ", ".join(_distinct([finding.subject for finding in upstream])[:5])
        return "upstream data", f"missing, new or impossible values in {names} point to the data before the model"
    rows = [finding for finding in findings if finding.is_of_rows]
    outcomes = [finding for finding in findings if finding.kind in OUTCOME]
    if outcomes and worst(rows) != "act":
        return "concept", "outcomes disagree with the model while the rows are about what they were"
    if rows:
        follows = "and outcomes have suffered with them" if outcomes else "and no outcome contradicts the model so far"
        return "population", f"the rows are not those the model learned from, {follows}"
    return "unknown", "scores have changed and nothing else that was checked"


def _action(
    findings: Sequence[Finding], cause: Cause, model_since: datetime | None, performance: PerformanceReport | None
) -> tuple[Action, str]:
    if cause == "upstream data":
        return "fix data", "correct the source of these values; until then take the scores of such rows with care"
    if worst(findings) != "act":
        return "keep watching", "the change is real and small: look again with the next window"
    kinds = {finding.kind for finding in findings}
    if cause in ("concept", "unknown") and model_since is not None and not any(finding.is_of_rows for finding in findings):
        dates = [finding.since for finding in findings if finding.since is not None]
        if all(date >= model_since for date in dates):
            return (
                "roll back",
                "it began with the present model: go back to the one before and look for what changed",
            )
    if "metric" in kinds:
        return "retrain", "the model ranks worse than it did: train on recent labelled rows and let the gate decide"
    if any(finding.kind == "fairness" and finding.level == "act" for finding in findings):
        return (
            "retrain",
            "a gap between groups has passed the gate's limit: train on recent labelled rows; the gate keeps its limits",
        )
    if "calibration" in kinds:
        return "recalibrate", "ranking holds and only the level of the probabilities is off: fit the calibration on recent labels"
    if performance is not None and _holds(performance):
        return (
            "keep watching",
            f"outcomes of {performance.coverage.share:.0%} of the rows show that the model has not become worse: "
            "find out what has changed, and retrain when outcomes ask for it",
        )
    if cause == "population":
        return "retrain", "train on recent labelled rows and let the gate decide; where there are no labels yet, collect them"
    return "keep watching", "wait for labels before the model is changed: nothing shows that it has become worse"


def _holds(performance: PerformanceReport) -> bool:
    """Tell whether outcomes of most rows show that nothing has worsened, which is more than that they do not show that it has."""
    metrics = [reading for reading in performance.comparisons if reading.kind == "metric"]
    known = performance.coverage.share >= KNOWN_SHARE
    return bool(metrics) and known and not performance.findings and all(reading.effect < reading.watch for reading in metrics)


def _is_upstream(finding: Finding) -> bool:
    """A few values out of range are a wider tail; that many are broken data."""
    return finding.kind in UPSTREAM and (finding.kind != "out_of_range" or finding.level == "act")


def _names_a_feature(finding: Finding) -> bool:
    return finding.is_of_rows and finding.kind != "classifier"


def _estimate_reasons(estimate: PerformanceEstimate | None) -> tuple[str, ...]:
    return () if estimate is None else (f"without labels, {estimate.sentence()}",)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
