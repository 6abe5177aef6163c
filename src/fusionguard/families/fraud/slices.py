"""How a model does on parts of the test window: bands of amount, hours of the day."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation import metrics
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import read_value
from fusionguard.evaluation.scored import Flags, ScoredRows
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import read_ranking
from fusionguard.features.fraud import AMOUNT_EDGES

HOUR_EDGES = (0, 4, 8, 12, 16, 20, 24)


class SliceReading(BaseModel):
    """One slice of the test window and what the fraud model does on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: str
    """What the rows are cut by: ``amount`` or ``hour of day``."""
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
    rows: ScoredRows, policy: DecisionPolicy, config: FraudEvaluationConfig, *, seed: int
) -> tuple[SliceReading, ...]:
    """Read every slice; one without rows or without frauds is there too, with the reason for what it lacks."""
    return tuple(_read(segment, name, rows.take(chosen), policy, config, seed) for segment, name, chosen in _cut(rows))


def _cut(rows: ScoredRows) -> Iterator[tuple[str, str, Flags]]:
    for low, high in pairwise((*AMOUNT_EDGES, np.inf)):
        name = f"{low:g} and more" if high == np.inf else f"{low:g} to under {high:g}"
        yield "amount", name, np.asarray((rows.amount >= low) & (rows.amount < high))
    for first, last in pairwise(HOUR_EDGES):
        yield (
            "hour of day",
            f"{first:02d}:00 to {last:02d}:00",
            np.asarray((rows.hour_of_day >= first) & (rows.hour_of_day < last)),
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
