"""The verdict on a window: healthy, watch or act; what, where, since when, how sure, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from fusionguard.monitoring.decision import Action, Cause, Evidence, State, advised_action, likely_cause
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.estimate import PerformanceEstimate
from fusionguard.monitoring.fault_ruling import MadeOf
from fusionguard.monitoring.findings import SKEW, Finding, worst
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.recomputed import RecomputedFeatures


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
    """What people call the columns with findings, the gravest first."""
    segments: tuple[str, ...]
    sureness: float | None
    """1 less the corrected chance that a window without drift shows the strongest of the deciding findings; null without any."""
    findings: tuple[Finding, ...]
    """All that have a level, the gravest first."""
    reasons: tuple[str, ...]
    """Why this state, this cause and this action, in sentences."""
    remarks: tuple[str, ...]
    """What could not be judged, and why."""

    @property
    def approved(self) -> tuple[str, ...]:
        """What was found and is meant, and who says so."""
        meant = [finding for finding in self.findings if finding.approved is not None]
        return _distinct([f"{finding.kind} of {finding.title} ({finding.approved})" for finding in meant])

    def flat_facts(self) -> dict[str, float | str]:
        """Return what runs are compared by: state, cause, action, and the columns and sureness where there are findings."""
        facts: dict[str, float | str] = {"verdict": self.state, "cause": self.cause, "action": self.action}
        if self.features:
            facts["features"] = ", ".join(self.features)
        if self.sureness is not None:
            facts["sureness"] = self.sureness
        return facts

    def sentence(self) -> str:
        """Say the verdict in one line."""
        if self.state in ("healthy", "not judged"):
            return self.state
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        subjects = ", ".join(self.features[:3]) or self.findings[0].title
        return f"{self.state}: {subjects}{since}; likely cause: {self.cause}; advice: {self.action}"


def decide(
    drift: DriftReport,
    *,
    classifier: ClassifierTest | None = None,
    performance: PerformanceReport | None = None,
    estimate: PerformanceEstimate | None = None,
    recomputed: RecomputedFeatures | None = None,
    model_since: datetime | None = None,
    made_of: MadeOf | None = None,
) -> Verdict:
    """Weigh all findings of a window.

    The state is that of the gravest finding. The likely cause follows from which kinds are found together, the first that fits:

    * the feature pipeline, where features of the gravest findings are not what the history makes of them;
    * a recognised fault (:mod:`~.fault_ruling`), where nothing is graver but what follows from it;
    * upstream data, where the gravest findings are values that are missing, new, out of range (many of them), or of another
      unit: what other checks find follows from that;
    * concept, where outcomes disagree with the model (metrics, calibration, fairness) and the rows are what they were, or have
      only moved to be watched; and where outcomes of most rows show that ranking has been lost, whatever the rows;
    * population, where the rows have changed, and outcomes, if known, follow or still agree; a change that its owner approved is
      one of these, and asks to retrain even where outcomes hold;
    * unknown, where only scores or alert rates have.

    The action agrees with the state (:data:`~.decision.ACTIONS`): what is to be watched is watched, and what asks to act gets
    something to do. That is to rebuild the state for the first cause and to fix the data for the next. Where the model is younger
    than the window, which then holds its own answers alone, nothing began before it, and the rows are what they were, it is to
    roll back. Else it is to retrain where ranking has suffered or a gap between groups has passed the gate's limit, to
    recalibrate where calibration is all that is wrong, to find out what changed where outcomes show that the model holds on rows
    that have moved or where scores alone have, and to retrain where they do not show it. It holds where at least
    :data:`~.decision.KNOWN_SHARE` of the rows have an outcome, there are enough of both classes to judge metrics, none of those
    is worse by its limit (proven or not), and calibration and fairness have no finding.

    Parameters
    ----------
    drift, classifier, performance, estimate, recomputed
        What was read; None for what was not. The estimate only adds reasons: it raises no alert.
    model_since
        When the champion began to answer, where that is known to lie inside the window.
    made_of
        Features that are computed, with the columns that they are computed of: a fault of a column explains those, too.
    """
    findings = _by_gravity(drift, classifier, performance, recomputed)
    remarks = [*drift.remarks]
    if classifier is not None and classifier.auc.reason:
        remarks.append(f"the classifier test was not made: {classifier.auc.reason}")
    if performance is not None:
        remarks += performance.remarks
    if recomputed is not None:
        remarks += recomputed.remarks
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
    state: State = "act" if worst(findings) == "act" else "watch"
    evidence = Evidence(findings, performance, model_since, made_of or {})
    cause, why = likely_cause(evidence)
    action, advice = advised_action(evidence, cause)
    deciding = [finding for finding in findings if finding.level == worst(findings)]
    since = [finding.since for finding in deciding if finding.since is not None]
    return Verdict(
        state=state,
        cause=cause,
        action=action,
        since=min(since, default=None),
        features=_distinct([finding.title for finding in findings if _names_a_feature(finding)]),
        segments=_distinct([finding.segment for finding in findings if finding.segment]),
        sureness=1 - min(finding.chance for finding in deciding),
        findings=findings,
        reasons=(*(finding.told for finding in deciding[:5]), why, advice, *_estimate_reasons(estimate)),
        remarks=tuple(remarks),
    )


def _by_gravity(
    drift: DriftReport,
    classifier: ClassifierTest | None,
    performance: PerformanceReport | None,
    recomputed: RecomputedFeatures | None,
) -> tuple[Finding, ...]:
    found = [] if recomputed is None else [finding for finding in recomputed.findings if finding.level != "none"]
    found += drift.findings
    if classifier is not None and classifier.finding is not None and classifier.finding.level != "none":
        found.append(classifier.finding)
    if performance is not None:
        found += performance.findings
    return tuple(sorted(found, key=lambda finding: (finding.level != "act", bool(finding.segment))))


def _names_a_feature(finding: Finding) -> bool:
    return (finding.is_of_rows or finding.kind in SKEW) and finding.kind != "classifier"


def _estimate_reasons(estimate: PerformanceEstimate | None) -> tuple[str, ...]:
    return () if estimate is None else (f"without labels, {estimate.sentence()}",)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
