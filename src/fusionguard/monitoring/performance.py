"""What labels tell of a window, once they are there."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, JsonValue

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.monitoring.calibration import CalibrationReading
from fusionguard.monitoring.findings import Finding


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelCoverage(_Part):
    """How many of a window's rows have an outcome."""

    rows: int
    labelled: int
    """With a label, or taken as negative because none came in time."""
    presumed_negative: int
    positives: int
    median_delay_days: float | None
    """From the score to the label, among those that have one."""

    @property
    def share(self) -> float:
        """Of all rows, those with an outcome, in [0, 1]."""
        return self.labelled / self.rows if self.rows else 0.0


class CohortReading(_Part):
    """Rows whose labels took about as long as each other's."""

    name: str
    rows: int
    positives: int
    metrics: dict[str, Interval]


class PerformanceReport(_Part):
    """Everything that labels tell of a window."""

    coverage: LabelCoverage
    metrics: dict[str, Interval]
    """On all labelled rows; empty without any."""
    baseline: dict[str, Interval]
    """The same metrics when the champion was evaluated."""
    deltas: dict[str, Interval]
    """Window less baseline with 95 % intervals, where both have one."""
    cohorts: tuple[CohortReading, ...]
    calibration: CalibrationReading | None
    fairness: dict[str, JsonValue] | None
    """How groups of rows fare, in the family's own form."""
    comparisons: tuple[Finding, ...]
    """Metrics, calibration and fairness as one family, the gravest first; those of no level are readings."""
    remarks: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The comparisons with a level."""
        return tuple(finding for finding in self.comparisons if finding.level != "none")
