"""The final reading of a fraud model: metrics with intervals beside the references, alerts, slices and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation import metrics
from fusionguard.evaluation.bootstrap import Interval, paired_difference
from fusionguard.evaluation.group_rates import GroupReport, read_groups
from fusionguard.evaluation.readings import read_value
from fusionguard.evaluation.report import Report, ReportPart
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.evaluation.segments import Segments
from fusionguard.families.fraud.config import FraudEvaluationConfig, FraudFairnessConfig
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

    first_second: int | None
    last_second: int | None
    days: float | None
    """Null, as the seconds are, where rows have no time."""
    rows: int
    frauds: int
    transactions: float
    """How many real transactions the rows stand for."""
    fraud_rate: float
    fraud_amount: float
    """The loss of accepting everything, in the currency of the data, or of ``policy.loss_without_amount`` a fraud."""
    has_amounts: bool = True
    """Whether rows have amounts; without, each fraud costs what the policy says."""


class OperatingPoint(ReportPart):
    """What the decision policy does on the test window, weighted to the real prior."""

    alerts_per_day: float | None
    """Null where rows have no time."""
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
    fairness: GroupReport | None = None
    """By the data set's protected attributes; null where it has none."""

    def _digits(self, metric: str) -> int:
        return metric_digits(metric)

    @property
    def test_rows(self) -> int:
        """How many transactions the reading was taken on."""
        return self.test.rows

    @property
    def test_positives(self) -> int:
        """How many of them are frauds."""
        return self.test.frauds

    def _refusals(self) -> tuple[str, ...]:
        """Return the gaps between groups that are beyond their limits."""
        return () if self.fairness is None else tuple(gap.sentence() for gap in self.fairness.broken)

    def _test_seconds(self) -> tuple[int, int] | None:
        """Return the first and the last second of the test window."""
        first, last = self.test.first_second, self.test.last_second
        return None if first is None or last is None else (first, last)


def evaluate(
    model: ScoredRows,
    references: Mapping[str, ScoredRows],
    policy: DecisionPolicy,
    config: FraudEvaluationConfig,
    *,
    origin: Origin,
    seed: int,
    segments: Sequence[Segments] = (),
    has_amounts: bool = True,
    attributes: Sequence[Segments] = (),
    fairness: FraudFairnessConfig | None = None,
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
    segments
        The ways in which the rows are cut, for readings of parts of them.
    has_amounts
        Whether what a fraud costs is its amount.
    attributes, fairness
        The ways in which fairness groups the rows, and the limits of the gaps between groups; without any, none.

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
        test=_window(model, has_amounts=has_amounts),
        metric_labels=metric_labels(config, timed=model.time_seconds is not None),
        metrics=read.pop(FRAUD_MODEL),
        references=read,
        gains={
            name: paired_difference(
                model.label,
                model.weight,
                model.score,
                rows.score,
                samples=config.bootstrap_samples,
                seed=seed,
                owner=model.owner,
            )
            for name, rows in references.items()
        },
        policy=policy,
        operating_point=_operating_point(model, policy, has_amounts=has_amounts),
        slices=read_slices(model, segments, policy, config, seed=seed),
        curves=Curves(
            precision_recall={name: precision_recall_curve(rows) for name, rows in everyone.items()},
            reliability=reliability_bins(model),
            histogram=score_histogram(model),
            threshold=threshold_curve(model),
            cost={name: cost_curve(rows, policy) for name, rows in everyone.items()},
        ),
        fairness=_fairness(model, policy, attributes, fairness or FraudFairnessConfig()),
        bootstrap_samples=config.bootstrap_samples,
        seed=seed,
    )


def _fairness(
    rows: ScoredRows, policy: DecisionPolicy, attributes: Sequence[Segments], config: FraudFairnessConfig
) -> GroupReport | None:
    if not attributes:
        return None
    flagged = policy.decide(rows.probability, rows.amount)
    return read_groups(rows, flagged, attributes, config.limits, minimum_rows=config.minimum_group_rows)


def _check(model: ScoredRows, references: Mapping[str, ScoredRows]) -> None:
    remedy = "Give the test slice a larger share of the rows, or use data that spans more time."
    if model.positives == 0:
        raise DataError(f"The test slice of {model.rows} rows holds no fraud: nothing can be measured on it.", remedy)
    if model.positives == model.rows:
        raise DataError(f"The test slice of {model.rows} rows holds only frauds: nothing can be measured on it.", remedy)
    for name, rows in references.items():
        if not (np.array_equal(rows.label, model.label) and np.array_equal(rows.weight, model.weight)):
            raise DataError(f"The reference '{name}' was scored on other rows than the model.", "Score both on the test slice.")


def _window(rows: ScoredRows, *, has_amounts: bool) -> Window:
    frauds, transactions, seconds = float(np.sum(rows.weight * rows.label)), float(rows.weight.sum()), rows.time_seconds
    return Window(
        first_second=None if seconds is None else int(seconds.min()),
        last_second=None if seconds is None else int(seconds.max()),
        days=rows.days,
        rows=rows.rows,
        frauds=rows.positives,
        transactions=transactions,
        fraud_rate=frauds / transactions,
        fraud_amount=float(np.sum(rows.weight * rows.label * rows.amount)),
        has_amounts=has_amounts,
    )


def _operating_point(rows: ScoredRows, policy: DecisionPolicy, *, has_amounts: bool) -> OperatingPoint:
    alert, days = policy.decide(rows.probability, rows.amount), rows.days
    caught = Interval(reason="the data has no amounts")
    if has_amounts:
        caught = read_value(lambda: metrics.amount_recall(rows.label, rows.amount, rows.weight, alert))
    return OperatingPoint(
        alerts_per_day=None if days is None else float(np.sum(rows.weight * alert)) / days,
        alert_rate=metrics.alert_rate(rows.weight, alert),
        precision=read_value(lambda: metrics.precision(rows.label, rows.weight, alert)),
        recall=read_value(lambda: metrics.recall(rows.label, rows.weight, alert)),
        amount_recall=caught,
    )
