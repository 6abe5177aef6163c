"""How a model does on parts of the test window: those by which windows of logged rows are cut, too."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation import metrics
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import read_value
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.evaluation.segments import Segments
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import read_ranking


class SliceReading(BaseModel):
    """One slice of the test window and what the fraud model does on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: str
    """What the rows are cut by: ``amount``, ``time of day``."""
    name: str
    rows: int
    frauds: int
    average_precision: Interval
    recall: Interval
    """Share of the frauds that the decision policy alerts."""
    alert_rate: Interval
    """Share of all transactions that the decision policy alerts."""
    calibration_error: Interval


def read_slices(
    rows: ScoredRows, segments: Sequence[Segments], policy: DecisionPolicy, config: FraudEvaluationConfig, *, seed: int
) -> tuple[SliceReading, ...]:
    """Read every segment of every way to cut the rows; one without rows or without frauds says why it lacks what it lacks."""
    return tuple(
        _read(cut.name, name, rows.take(chosen), policy, config, seed) for cut in segments for name, chosen in cut.parts()
    )


def _read(
    segment: str, name: str, rows: ScoredRows, policy: DecisionPolicy, config: FraudEvaluationConfig, seed: int
) -> SliceReading:
    alert = policy.decide(rows.probability, rows.amount)
    return SliceReading(
        segment=segment,
        name=name,
        rows=rows.rows,
        frauds=rows.positives,
        average_precision=read_ranking(rows, config, seed=seed),
        recall=read_value(lambda: metrics.recall(rows.label, rows.weight, alert)),
        alert_rate=read_value(lambda: metrics.alert_rate(rows.weight, alert)),
        calibration_error=read_value(lambda: metrics.expected_calibration_error(rows.label, rows.probability, rows.weight)),
    )
