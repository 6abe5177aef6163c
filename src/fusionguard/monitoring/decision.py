"""The decision table: what findings and outcomes say together is a likely cause, one action, and a sentence for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fusionguard.evaluation.readings import BRIER, ROC_AUC
from fusionguard.monitoring.fault_ruling import (
    ASK_OWNER,
    FaultAction,
    FaultCause,
    MadeOf,
    broken_columns,
    fault_advice,
    fault_cause,
)
from fusionguard.monitoring.findings import OUTCOME, SKEW, Finding, worst
from fusionguard.monitoring.performance import PerformanceReport

State = Literal["healthy", "watch", "act", "not judged"]
Cause = Literal["none", "population", "concept", "unknown", "feature pipeline"] | FaultCause
Action = (
    Literal["none", "keep watching", "find out what changed", "recalibrate", "retrain", "roll back", "rebuild the state"]
    | FaultAction
)

ACTIONS: dict[tuple[State, Cause], frozenset[Action]] = {
    ("healthy", "none"): frozenset({"none"}),
    ("not judged", "none"): frozenset({"none"}),
    ("watch", "upstream data"): frozenset({"keep watching"}),
    ("watch", "feature pipeline"): frozenset({"keep watching"}),
    ("watch", "population"): frozenset({"keep watching"}),
    ("watch", "concept"): frozenset({"keep watching"}),
    ("watch", "unknown"): frozenset({"keep watching"}),
    ("watch", "burst"): frozenset({"keep watching"}),
    ("watch", "missing hours"): frozenset({"keep watching"}),
    ("act", "upstream data"): frozenset({"fix data", ASK_OWNER}),
    ("act", "feature pipeline"): frozenset({"rebuild the state"}),
    ("act", "burst"): frozenset({"look at the burst"}),
    ("act", "missing hours"): frozenset({"find the missing hours"}),
    ("act", "population"): frozenset({"retrain", "recalibrate", "find out what changed"}),
    ("act", "concept"): frozenset({"retrain", "recalibrate", "roll back", "find out what changed"}),
    ("act", "unknown"): frozenset({"find out what changed", "roll back"}),
}
"""Every verdict there is: which actions go with a state and a cause. To watch is to keep watching; to act is to do something."""

_REBUILD = (
    "stop the service, rebuild the state (fusionguard state build --model NAME@champion --history FILE --replace), judge the"
    " next window again; where it differs still, find which rows only one of service and history has"
)

KNOWN_SHARE = 0.8
"""From this share of rows with an outcome on, outcomes speak for the whole window, and not for its calm beginning alone."""

COLLAPSE = 0.1
"""A fall of the ROC AUC by so much is more than other rows of the same world bring, even where probabilities keep their level."""


@dataclass(frozen=True)
class Evidence:
    """What a window has shown.

    Parameters
    ----------
    findings
        At least one, all of a level.
    performance
        What outcomes show; None where none were read.
    model_since
        When the champion began to answer, where that is known to lie inside the window.
    made_of
        Features that are computed, with the columns that they are computed of.
    """

    findings: Sequence[Finding]
    performance: PerformanceReport | None = None
    model_since: datetime | None = None
    made_of: MadeOf = field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether the gravest finding asks to act."""
        return worst(self.findings) == "act"

    @property
    def upstream(self) -> list[Finding]:
        """Marks of broken data."""
        return [finding for finding in self.findings if finding.is_broken]

    @property
    def skewed(self) -> list[Finding]:
        """Features that are not what the history makes of them."""
        return [finding for finding in self.findings if finding.kind in SKEW]

    @property
    def rows(self) -> list[Finding]:
        """Findings about the rows themselves."""
        return [finding for finding in self.findings if finding.is_of_rows]

    @property
    def approved(self) -> list[Finding]:
        """The gravest findings, where their data's owner says that they are meant."""
        return [each for each in self.findings if each.approved is not None and each.level == worst(self.findings)]

    @property
    def outcomes(self) -> list[Finding]:
        """Findings that labels gave."""
        return [finding for finding in self.findings if finding.kind in OUTCOME]

    def has(self, kind: str, level: str | None = None) -> bool:
        """Tell whether there is a finding of a kind, and of a level where one is named."""
        return any(finding.kind == kind and level in (None, finding.level) for finding in self.findings)

    @property
    def ranks_worse(self) -> bool:
        """Whether a metric of ranking has fallen; the Brier score also rises with the share of positives and with calibration."""
        return any(finding.kind == "metric" and finding.subject != BRIER for finding in self.findings)

    @property
    def known_share(self) -> float:
        """Share of rows with an outcome; 0 where none were read."""
        return 0.0 if self.performance is None else self.performance.coverage.share

    @property
    def is_known(self) -> bool:
        """Whether most rows have an outcome."""
        return self.known_share >= KNOWN_SHARE

    @property
    def has_lost_its_ranking(self) -> bool:
        """Whether outcomes of most rows show a fall of the ROC AUC that other rows alone do not bring.

        Rows of another mix leave probabilities calibrated; where those are wrong, too, or the fall is large, outcomes follow from
        features otherwise than they did.
        """
        fallen = [each for each in self.outcomes if (each.kind, each.subject, each.level) == ("metric", ROC_AUC, "act")]
        return self.is_known and any(self.has("calibration") or each.effect >= COLLAPSE for each in fallen)

    @property
    def holds(self) -> bool:
        """Whether outcomes of most rows show that nothing has worsened: more than that they do not show that something has."""
        if self.performance is None or self.performance.findings or not self.is_known:
            return False
        metrics = [reading for reading in self.performance.comparisons if reading.kind == "metric"]
        return bool(metrics) and all(reading.effect < reading.watch for reading in metrics)

    @property
    def began_with_the_model(self) -> bool:
        """Whether the model took over inside the window, its rows are as ever, and nothing began before it."""
        if self.model_since is None or self.rows:
            return False
        return all(finding.since >= self.model_since for finding in self.findings if finding.since is not None)


def likely_cause(evidence: Evidence) -> tuple[Cause, str]:
    """Return the likely cause and why it is taken to be that; the first rule that fits counts."""
    if evidence.skewed and worst(evidence.skewed) == worst(evidence.findings):
        names = ", ".join([finding.title for finding in evidence.skewed][:5])
        what = "what rows before make of them: the service remembers something else than the history holds"
        return "feature pipeline", f"values of {names} are not {what}"
    fault = fault_cause(evidence.findings, evidence.made_of)
    if fault is not None:
        return fault
    if evidence.upstream and worst(evidence.upstream) == worst(evidence.findings):
        names = ", ".join(list(dict.fromkeys(finding.title for finding in evidence.upstream if not finding.is_fault))[:5])
        what = "exchanged codes of" if evidence.has("miscoded", "act") else "missing, new or impossible values in"
        return "upstream data", f"{what} {names} point to the data before the model"
    if evidence.outcomes and worst(evidence.rows) != "act":
        return "concept", "outcomes disagree with the model while the rows are about what they were"
    if evidence.has_lost_its_ranking:
        return "concept", "outcomes no longer follow from the features as they did, which is more than other rows explain"
    if evidence.rows:
        return "population", f"the rows are not those the model learned from, {_follows(evidence)}"
    return "unknown", "scores have changed and nothing else that was checked"


def advised_action(evidence: Evidence, cause: Cause) -> tuple[Action, str]:
    """Return what to do about a cause and why; one of :data:`ACTIONS`, and the first rule that fits.

    Where a model is to learn from recent rows, what is broken in some of them is named.
    """
    action, why = _advice(evidence, cause)
    broken = broken_columns(evidence.findings) if action in ("retrain", "recalibrate") else ""
    return action, f"{why}; not on rows whose data look broken ({broken})" if broken else why


def _advice(evidence: Evidence, cause: Cause) -> tuple[Action, str]:
    if not evidence.acts:
        return "keep watching", "the change is real and small: look again with the next window"
    if cause == "feature pipeline":
        return "rebuild the state", _REBUILD
    advice = fault_advice(evidence.findings, evidence.made_of)
    if advice is not None:
        return advice
    if cause == "upstream data":
        return "fix data", "correct the source of these values; until then take the scores of such rows with care"
    if evidence.began_with_the_model:
        return "roll back", "it began with the present model: go back to the one before and look for what changed"
    if evidence.ranks_worse:
        return "retrain", "the model ranks worse than it did: train on recent labelled rows and let the gate decide"
    if evidence.has("fairness", "act"):
        return (
            "retrain",
            "a gap between groups has passed the gate's limit: train on recent labelled rows; the gate keeps its limits",
        )
    if evidence.approved:
        return (
            "retrain",
            "the change is meant: train on recent labelled rows, for the model to know it, and let the gate decide",
        )
    if evidence.has("calibration"):
        return (
            "recalibrate",
            "no fall of ranking is shown, the level of the probabilities is off: fit the calibration on recent labels",
        )
    if evidence.holds:
        return "find out what changed", f"{_shown(evidence)}: leave it, find out what has changed, and whether it lasts"
    if cause == "population":
        return "retrain", "train on recent labelled rows and let the gate decide; where there are no labels yet, collect them"
    return (
        "find out what changed",
        "look at what is flagged and collect labels before the model is changed: nothing shows that it ranks worse",
    )


def _follows(evidence: Evidence) -> str:
    if evidence.approved:
        return f"by a change of {', '.join(list(dict.fromkeys(each.title for each in evidence.approved))[:5])} that is approved"
    if evidence.outcomes:
        return "and outcomes have suffered with them"
    return "and outcomes hold" if evidence.holds else "and no outcome contradicts the model so far"


def _shown(evidence: Evidence) -> str:
    return f"outcomes of {evidence.known_share:.0%} of the rows show that the model has not become worse"
