"""One model's metrics on scored rows, each with its interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fusionguard.evaluation import metrics
from fusionguard.evaluation.bootstrap import Interval, Reader, intervals
from fusionguard.evaluation.metrics import CALIBRATION_BINS
from fusionguard.evaluation.ranked import CalibrationBins, Ranking, TopAlerts
from fusionguard.evaluation.readings import (
    AVERAGE_PRECISION,
    BRIER,
    CALIBRATION_ERROR,
    COMMON_LABELS,
    ROC_AUC,
    mean_reader,
    read_value,
)
from fusionguard.evaluation.scored import Flags, Floats, ScoredRows
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.policy import DecisionPolicy

RECALL_AT_RATE = "recall_at_false_positive_rate"
TOP_PRECISION = "precision_in_top_alerts_per_day"
SAVINGS = "savings"

_NEARLY_ALL = 0.9
"""Where a day's alerts are a larger share of its rows, their precision is the share of frauds, whatever the model says."""


def metric_labels(config: FraudEvaluationConfig, *, timed: bool = True) -> dict[str, str]:
    """Return every metric's name for people, in reading order, with the settings that define it; some need times."""
    labels = {
        AVERAGE_PRECISION: COMMON_LABELS[AVERAGE_PRECISION],
        ROC_AUC: COMMON_LABELS[ROC_AUC],
        RECALL_AT_RATE: f"recall at {100 * config.false_positive_rate:g} % false-positive rate",
        TOP_PRECISION: f"precision in the top {config.top_alerts_per_day} alerts a day",
        CALIBRATION_ERROR: COMMON_LABELS[CALIBRATION_ERROR],
        BRIER: COMMON_LABELS[BRIER],
        SAVINGS: "savings against accept-all",
    }
    return labels if timed else {name: label for name, label in labels.items() if name != TOP_PRECISION}


def metric_digits(name: str) -> int:
    """Return how many decimals a metric is worth printing with."""
    return 5 if name in (CALIBRATION_ERROR, BRIER) else 3


def read_metrics(rows: ScoredRows, policy: DecisionPolicy, config: FraudEvaluationConfig, *, seed: int) -> dict[str, Interval]:
    """Read all metrics of one model, with intervals; a metric without a value on these rows says why."""
    label, score, probability, weight = rows.label, rows.score, rows.probability, rows.weight
    rate, alerts = config.false_positive_rate, config.top_alerts_per_day
    alert = policy.decide(probability, rows.amount)
    seconds, labels = rows.time_seconds, metric_labels(config, timed=rows.time_seconds is not None)
    reads: dict[str, Callable[[], float]] = {
        AVERAGE_PRECISION: lambda: metrics.average_precision(label, score, weight),
        ROC_AUC: lambda: metrics.roc_auc(label, score, weight),
        RECALL_AT_RATE: lambda: metrics.recall_at_false_positive_rate(label, score, weight, rate),
        CALIBRATION_ERROR: lambda: metrics.expected_calibration_error(label, probability, weight),
        BRIER: lambda: metrics.brier(label, probability, weight),
        SAVINGS: lambda: metrics.savings(label, rows.amount, weight, alert, policy.review_cost),
    }
    if seconds is not None:
        reads[TOP_PRECISION] = lambda: metrics.precision_in_top_alerts_per_day(label, score, weight, seconds, alerts)
    values, missing = _values(reads)
    if rows.rows == 0:
        return missing
    ranking = Ranking(label, score)
    readers: dict[str, Reader] = {
        AVERAGE_PRECISION: ranking.average_precision,
        ROC_AUC: ranking.roc_auc,
        RECALL_AT_RATE: lambda weight: ranking.recall_at_false_positive_rate(weight, rate),
        CALIBRATION_ERROR: CalibrationBins(label, probability, CALIBRATION_BINS).error,
        BRIER: mean_reader((probability - label) ** 2),
        SAVINGS: _savings_reader(rows, alert, policy.review_cost),
    }
    if seconds is not None:
        top = TopAlerts(label, score, seconds, alerts)
        readers[TOP_PRECISION] = top.precision
        if TOP_PRECISION in values and top.share(weight) > _NEARLY_ALL:
            del values[TOP_PRECISION], readers[TOP_PRECISION]
            missing[TOP_PRECISION] = Interval(
                reason=f"with {alerts} alerts a day nearly every row would be looked at; set evaluation.top_alerts_per_day lower"
            )
    read = intervals(label, weight, values, readers, samples=config.bootstrap_samples, seed=seed, owner=rows.owner) | missing
    return {name: read[name] for name in labels}


def read_ranking(rows: ScoredRows, config: FraudEvaluationConfig, *, seed: int) -> Interval:
    """Read the average precision alone, with its interval."""
    values, missing = _values({AVERAGE_PRECISION: lambda: metrics.average_precision(rows.label, rows.score, rows.weight)})
    if missing:
        return missing[AVERAGE_PRECISION]
    readers = {AVERAGE_PRECISION: Ranking(rows.label, rows.score).average_precision}
    samples = config.bootstrap_samples
    found = intervals(rows.label, rows.weight, values, readers, samples=samples, seed=seed, owner=rows.owner)
    return found[AVERAGE_PRECISION]


def _values(reads: dict[str, Callable[[], float]]) -> tuple[dict[str, float], dict[str, Interval]]:
    read = {name: read_value(function) for name, function in reads.items()}
    values = {name: interval.value for name, interval in read.items() if interval.value is not None}
    return values, {name: interval for name, interval in read.items() if interval.value is None}


def _savings_reader(rows: ScoredRows, alert: Flags, review_cost: float) -> Reader:
    at_stake = rows.label * rows.amount
    costs = np.where(alert, review_cost, at_stake)

    def read(weight: Floats) -> float:
        accept_all = float(np.sum(weight * at_stake))
        return 1 - float(np.sum(weight * costs)) / accept_all if accept_all > 0 else float("nan")

    return read
