"""A verdict's numbers as a run keeps them, and what the verdict would have been with other limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fusionguard.errors import StorageError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.home import Home
from fusionguard.monitoring.decision import State
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.findings import Finding, Level, worst
from fusionguard.monitoring.history import VerdictRecord
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.recomputed import RecomputedFeatures
from fusionguard.monitoring.thresholds import MonitoringThresholds, limit_name

FILE = "verdict.json"

_LARGEST_CHANCE = 0.5
"""No limit may be larger: what is likelier by chance has no level whatever the limits, and of segments is not kept."""


class VerdictDetail(BaseModel):
    """What was read of a window, so that it can be looked at, and judged again, without the window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: VerdictRecord
    limits: MonitoringThresholds
    drift: DriftReport
    classifier: Finding | None
    outcomes: tuple[Finding, ...]
    """Metrics, calibration and fairness."""
    recomputed: tuple[Finding, ...] = ()
    """Features that are not what the history makes of them."""
    metrics: dict[str, Interval]
    baseline: dict[str, Interval]
    deltas: dict[str, Interval]
    metric_labels: dict[str, str]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every comparison, also those of no level."""
        drift = self.drift
        found = (*self.recomputed, *drift.columns, *drift.scores, *drift.segments, *self.outcomes)
        return found if self.classifier is None else (*found, self.classifier)

    def with_limits(self, limits: MonitoringThresholds) -> VerdictDetail:
        """Return the same readings, each judged by other limits.

        Effects and chances stay what they were; what the limits decided before anything was read (``minimum_rows``,
        ``minimum_positives``) stays decided.
        """
        drift = self.drift.model_copy(
            update={
                name: tuple(judged(finding, limits) for finding in getattr(self.drift, name))
                for name in ("columns", "scores", "segments")
            }
        )
        return self.model_copy(
            update={
                "limits": limits,
                "drift": drift,
                "classifier": None if self.classifier is None else judged(self.classifier, limits),
                "outcomes": tuple(judged(finding, limits) for finding in self.outcomes),
                "recomputed": tuple(judged(finding, limits) for finding in self.recomputed),
            }
        )

    def state(self) -> State:
        """Return the state that the findings amount to, as :func:`~.verdict.decide` does."""
        level = worst(self.findings)
        if level == "none":
            return "healthy" if self.drift.columns else "not judged"
        return level


def verdict_detail(
    record: VerdictRecord,
    limits: MonitoringThresholds,
    drift: DriftReport,
    classifier: ClassifierTest | None,
    outcomes: PerformanceReport,
    metric_labels: Mapping[str, str],
    recomputed: RecomputedFeatures | None = None,
) -> VerdictDetail:
    """Gather what a run keeps of its verdict."""
    telling = tuple(finding for finding in drift.segments if finding.chance < _LARGEST_CHANCE)
    return VerdictDetail(
        record=record,
        limits=limits,
        drift=drift.model_copy(update={"segments": telling}),
        classifier=None if classifier is None else classifier.finding,
        outcomes=outcomes.comparisons,
        metrics=outcomes.metrics,
        baseline=outcomes.baseline,
        deltas=outcomes.deltas,
        metric_labels=dict(metric_labels),
        recomputed=() if recomputed is None else recomputed.findings,
    )


def judged(finding: Finding, limits: MonitoringThresholds) -> Finding:
    """Return a finding judged by other limits; kinds that have none there keep their own."""
    watch, act = _limits(finding, limits)
    level: Level = "none"
    if finding.chance <= limits.chance:
        level = "act" if finding.effect >= act else "watch" if finding.effect >= watch else "none"
    return finding.model_copy(update={"level": level, "watch": watch, "act": act})


def read_detail(home: Home, model: str, run: str) -> VerdictDetail | None:
    """Return what a run kept; None where it kept no numbers.

    Raises
    ------
    StorageError
        Its file is damaged.
    """
    file: Path = home.monitoring / model / run / FILE
    try:
        return VerdictDetail.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StorageError(f"'{file}' is damaged or of another version.", "Run monitoring again.") from error


def states(details: Iterable[VerdictDetail], limits: MonitoringThresholds) -> list[State]:
    """Return the state of each verdict with other limits."""
    return [detail.with_limits(limits).state() for detail in details]


def _limits(finding: Finding, limits: MonitoringThresholds) -> tuple[float, float]:
    if finding.kind in ("metric", "fairness"):  # their limits are the one of a KPI, and what their interval adds to it
        added = finding.act - finding.watch
        return limits.kpi_delta, finding.act if finding.kind == "fairness" and added else limits.kpi_delta + added
    name = limit_name(finding.kind)
    return getattr(limits, f"{name}_watch", finding.watch), getattr(limits, f"{name}_act", finding.act)
