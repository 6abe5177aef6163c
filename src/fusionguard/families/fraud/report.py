"""The final reading of a fraud model: metrics with intervals beside the references, alerts, slices and curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation import metrics
from fusionguard.evaluation.bootstrap import Interval, paired_difference
from fusionguard.evaluation.readings import read_value
from fusionguard.evaluation.report import Report, ReportPart
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.curves import (
    Curves,
    cost_curve,
    precision_recall_curve,
    reliability_bins,
    score_histogram,
    threshold_curve,
)
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import metric_digits, metric_labels, read_metrics
from fusionguard.families.fraud.slices import SliceReading, read_slices

FRAUD_MODEL = "fraud model"


class Window(ReportPart):
    """The rows the reading was taken on; amounts and shares are weighted to the real prior."""

    first_second: int
    last_second: int
    days: float
    rows: int
    frauds: int
    transactions: float
    """How many real transactions the rows stand for."""
    fraud_rate: float
    fraud_amount: float
    """The loss of accepting everything, in the currency of the data."""


class OperatingPoint(ReportPart):
    """What the decision policy does on the test window, weighted to the real prior."""

    alerts_per_day: float
    alert_rate: float
    precision: Interval
    recall: Interval
    amount_recall: Interval
    """Share of the fraudulent amount that becomes an alert."""


class EvaluationReport(Report):
    """Everything read on the test window."""

    OWN: ClassVar[str] = FRAUD_MODEL

    test: Window
    policy: DecisionPolicy
    operating_point: OperatingPoint
    slices: tuple[SliceReading, ...]
    curves: Curves

    def _digits(self, metric: str) -> int:
        return metric_digits(metric)

    @property
    def test_rows(self) -> int:
        """How many transactions the reading was taken on."""
        return self.test.rows

    def _test_seconds(self) -> tuple[int, int]:
        """Return the first and the last second of the test window."""
        return self.test.first_second, self.test.last_second


def evaluate(
    model: ScoredRows,
    references: Mapping[str, ScoredRows],
    policy: DecisionPolicy,
    config: FraudEvaluationConfig,
    *,
    origin: Origin,
    seed: int,
) -> EvaluationReport:
    """Take the final reading.

    Parameters
    ----------
    model
        The test slice as the fraud model scores it.
    references
        The same rows as each reference model scores them, by its name.
    policy
        What turns probabilities into alerts; applied to the references' probabilities too.
    origin
        Where the rows come from: a reading on simulated rows says so wherever it is shown.
    seed
        Where the bootstrap starts; the same for every model, so that all see the same draws.

    Raises
    ------
    DataError
        The test slice holds no fraud or no legitimate row, or a reference was scored on other rows.
    """
    _check(model, references)
    everyone = {FRAUD_MODEL: model, **references}
    read = {name: read_metrics(rows, policy, config, seed=seed) for name, rows in everyone.items()}
    return EvaluationReport(
        origin=origin,
        test=_window(model),
        metric_labels=metric_labels(config),
        metrics=read.pop(FRAUD_MODEL),
        references=read,
        gains={
            name: paired_difference(
                model.label, model.weight, model.score, rows.score, samples=config.bootstrap_samples, seed=seed
            )
            for name, rows in references.items()
        },
        policy=policy,
        operating_point=_operating_point(model, policy),
        slices=read_slices(model, policy, config, seed=seed),
        curves=Curves(
            precision_recall={name: precision_recall_curve(rows) for name, rows in everyone.items()},
            reliability=reliability_bins(model),
            histogram=score_histogram(model),
            threshold=threshold_curve(model),
            cost={name: cost_curve(rows, policy) for name, rows in everyone.items()},
        ),
        bootstrap_samples=config.bootstrap_samples,
        seed=seed,
    )


def _check(model: ScoredRows, references: Mapping[str, ScoredRows]) -> None:
    remedy = "Give the test slice a larger share of the rows, or use data that spans more time."
    if model.positives == 0:
        raise DataError(f"The test slice of {model.rows} rows holds no fraud: nothing can be measured on it.", remedy)
    if model.positives == model.rows:
        raise DataError(f"The test slice of {model.rows} rows holds only frauds: nothing can be measured on it.", remedy)
    for name, rows in references.items():
        if not (np.array_equal(rows.label, model.label) and np.array_equal(rows.weight, model.weight)):
            raise DataError(f"The reference '{name}' was scored on other rows than the model.", "Score both on the test slice.")


def _window(rows: ScoredRows) -> Window:
    frauds, transactions = float(np.sum(rows.weight * rows.label)), float(rows.weight.sum())
    return Window(
        first_second=int(rows.time_seconds.min()),
        last_second=int(rows.time_seconds.max()),
        days=rows.days,
        rows=rows.rows,
        frauds=rows.positives,
        transactions=transactions,
        fraud_rate=frauds / transactions,
        fraud_amount=float(np.sum(rows.weight * rows.label * rows.amount)),
    )


def _operating_point(rows: ScoredRows, policy: DecisionPolicy) -> OperatingPoint:
    alert = policy.decide(rows.probability, rows.amount)
    return OperatingPoint(
        alerts_per_day=float(np.sum(rows.weight * alert)) / rows.days,
        alert_rate=metrics.alert_rate(rows.weight, alert),
        precision=read_value(lambda: metrics.precision(rows.label, rows.weight, alert)),
        recall=read_value(lambda: metrics.recall(rows.label, rows.weight, alert)),
        amount_recall=read_value(lambda: metrics.amount_recall(rows.label, rows.amount, rows.weight, alert)),
    )
