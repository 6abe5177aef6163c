"""The final reading of a model on the test window, as one object that plots, card, gate and console share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.config import EvaluationConfig
from fusionguard.data.provenance import Origin
from fusionguard.errors import DataError
from fusionguard.evaluation import metrics
from fusionguard.evaluation.bootstrap import Interval, PairedDifference, paired_difference
from fusionguard.evaluation.gate import BAR_OF_THE_FIRST, GateFacts
from fusionguard.evaluation.readings import AVERAGE_PRECISION, read_value
from fusionguard.evaluation.scored import ScoredRows
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


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Window(_Part):
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


class OperatingPoint(_Part):
    """What the decision policy does on the test window, weighted to the real prior."""

    alerts_per_day: float
    alert_rate: float
    precision: Interval
    recall: Interval
    amount_recall: Interval
    """Share of the fraudulent amount that becomes an alert."""


@dataclass(frozen=True)
class TableRow:
    """One metric of the final table: its name for people and its reading by model, the fraud model first."""

    name: str
    label: str
    readings: dict[str, Interval]
    digits: int


class EvaluationReport(_Part):
    """Everything read on the test window."""

    origin: Origin
    test: Window
    metric_labels: dict[str, str]
    metrics: dict[str, Interval]
    """The fraud model's readings by metric, in the order of ``metric_labels``."""
    references: dict[str, dict[str, Interval]]
    """The same for each reference model."""
    gains: dict[str, PairedDifference]
    """The fraud model's average precision over each reference's, on the same draws."""
    policy: DecisionPolicy
    operating_point: OperatingPoint
    slices: tuple[SliceReading, ...]
    curves: Curves
    bootstrap_samples: int
    seed: int

    @property
    def simulated(self) -> bool:
        """Whether the rows were made by the simulator."""
        return self.origin == "simulated"

    def value(self, metric: str, model: str = FRAUD_MODEL) -> float:
        """Return one reading; raise :class:`DataError` where it has no value."""
        reading = self.readings()[model][metric]
        if reading.value is None:
            raise DataError(f"There is no {self.metric_labels[metric]} of the {model}: {reading.reason}.", "See the report.")
        return reading.value

    def readings(self) -> dict[str, dict[str, Interval]]:
        """Return the readings of every model by its name, the fraud model first."""
        return {FRAUD_MODEL: self.metrics, **self.references}

    def table_rows(self) -> list[TableRow]:
        """Return the final table: one row a metric, with value and interval for the fraud model and each reference."""
        return [
            TableRow(name, label, {model: read[name] for model, read in self.readings().items()}, metric_digits(name))
            for name, label in self.metric_labels.items()
        ]

    def flat_metrics(self) -> dict[str, float]:
        """Return what an experiment tracker stores: ``test_NAME``, its interval, and the references' values."""
        flat: dict[str, float] = {}
        for model, read in self.readings().items():
            prefix = "test_" if model == FRAUD_MODEL else f"{model.lower().replace(' ', '_')}_test_"
            for name, reading in read.items():
                for suffix, number in (("", reading.value), ("_low", reading.low), ("_high", reading.high)):
                    if number is not None:
                        flat[f"{prefix}{name}{suffix}"] = number
        return flat

    def flat_facts(self) -> dict[str, float]:
        """Return what runs are compared by: the model's own test metrics with their bounds, as in :meth:`flat_metrics`."""
        return {name: value for name, value in self.flat_metrics().items() if name.startswith("test_")}

    def gate_facts(self) -> GateFacts:
        """Return what the gate must know; raise :class:`DataError` where the average precision has no value."""
        return GateFacts(
            own=self.value(AVERAGE_PRECISION),
            bar=self.value(AVERAGE_PRECISION, BAR_OF_THE_FIRST) if BAR_OF_THE_FIRST in self.references else None,
            test_seconds=(self.test.first_second, self.test.last_second),
        )

    def to_json(self) -> str:
        """Return the report as JSON text, the same for the same readings."""
        return self.model_dump_json(indent=1) + "\n"


def evaluate(
    model: ScoredRows,
    references: Mapping[str, ScoredRows],
    policy: DecisionPolicy,
    config: EvaluationConfig,
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
    if model.frauds == 0:
        raise DataError(f"The test slice of {model.rows} rows holds no fraud: nothing can be measured on it.", remedy)
    if model.frauds == model.rows:
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
        frauds=rows.frauds,
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
