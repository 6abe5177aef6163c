"""Logged customers whose outcome is known, read as the churn model's evaluation reads the test slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from fusionguard.config import EvaluationConfig
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, ROC_AUC
from fusionguard.evaluation.report import Report
from fusionguard.evaluation.scored import Flags
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.fairness import METRIC_NAMES, FairnessReport, read_fairness
from fusionguard.families.churn.fairness_config import ALWAYS_SAID, FairnessConfig
from fusionguard.families.churn.groups import asked_attributes, column_of, group_names
from fusionguard.families.churn.model import ChurnModel
from fusionguard.families.churn.readings import EMPC, metric_digits, read_customers_metrics
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.rows import amounts
from fusionguard.families.family import LABEL
from fusionguard.families.of_kind import of_kind
from fusionguard.families.outcomes import BOOTSTRAP_SAMPLES, NOT_SAID, TRAIN_AGAIN, Gap, OutcomeReading, Outcomes
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.definition import FeatureDefinition
from fusionguard.models.bundle import Bundle
from fusionguard.models.said_settings import said_settings

_MINIMUM_FAIRNESS_ROWS = 200


@dataclass(frozen=True)
class ChurnOutcomes(Outcomes):
    """What outcomes show of a churn model of the data set whose features these are."""

    features: FeatureDefinition
    judged: ClassVar[Mapping[str, int]] = {AVERAGE_PRECISION: 1, ROC_AUC: 1, BRIER: -1}

    @property
    def columns(self) -> tuple[str, ...]:
        """The amount, and what groups are told by."""
        amount = () if self.features.amount is None else (self.features.amount,)
        groups = (column_of(cut) for cut in asked_attributes(self.features, self.features.model_features))
        return tuple(dict.fromkeys((*amount, *groups)))

    def digits(self, metric: str) -> int:
        """Return how many decimals a metric is worth printing with."""
        return metric_digits(metric)

    def read(self, rows: pa.Table, model: ScoringModel, *, seed: int) -> OutcomeReading:
        """Read labelled customers, and how groups of them fare where there are enough of both outcomes."""
        model = of_kind(ChurnModel, model)
        customers, draws = scored_customers(rows, model.features), EvaluationConfig(bootstrap_samples=BOOTSTRAP_SAMPLES)
        retention = retention_settings(model.bundle)

        def metrics(chosen: Flags) -> dict[str, Interval]:
            worth = retention or RetentionConfig()
            found = read_customers_metrics(customers.take(chosen), model.policy, worth, draws, seed=seed)
            return found if retention is not None else found | {EMPC: NOT_SAID}

        fairness = _fairness(customers, model, seed)
        return OutcomeReading(
            metrics,
            gaps=() if fairness is None else gaps_of(fairness),
            fairness=None if fairness is None else fairness.model_dump(mode="json"),
            unjudged=tuple(_unjudged(model.bundle)),
        )

    def reliability(self, report: Report) -> list[tuple[float, float, float]]:
        """Return the bins."""
        found = of_kind(ChurnReport, report).reliability
        return [(each.predicted, float(each.rows), each.rows * each.observed) for each in found]

    def gaps(self, report: Report) -> tuple[Gap, ...]:
        """Return the gaps between groups of customers."""
        return gaps_of(of_kind(ChurnReport, report).fairness)


def scored_customers(rows: pa.Table, definition: FeatureDefinition) -> ScoredCustomers:
    """Return labelled rows of the churn log as the churn model's evaluation reads them, numbered in their order.

    Groups that no logged column tells are not among them.
    """
    cuts = asked_attributes(definition, rows.column_names)
    return ScoredCustomers(
        label=rows[LABEL].to_numpy().astype(np.int8),
        probability=rows["probability"].to_numpy(),
        score=rows["score"].to_numpy(),
        balance=amounts(rows, definition),
        groups={cut.name: group_names(rows, cut) for cut in cuts},
        row_number=np.arange(rows.num_rows, dtype=np.int64),
        order={cut.name: tuple(cut.names.values()) for cut in cuts},
    )


def gaps_of(fairness: FairnessReport) -> tuple[Gap, ...]:
    """Return the gaps of a reading of fairness as every family tells them."""
    return tuple(
        Gap(gap.attribute, gap.metric, METRIC_NAMES[gap.metric], gap.value, gap.verdict == "broken") for gap in fairness.gaps
    )


def retention_settings(bundle: Bundle) -> RetentionConfig | None:
    """Return what keeping a customer is worth, or None where the bundle does not say all of it."""
    return said_settings(bundle, "retention", RetentionConfig)


def fairness_settings(bundle: Bundle) -> FairnessConfig | None:
    """Return the limits of the gaps between groups, or None where the bundle does not say all of them.

    A limit of null is said, too: that gap is reported and breaks nothing.
    """
    return said_settings(bundle, "fairness", FairnessConfig, needed=ALWAYS_SAID)


def _fairness(customers: ScoredCustomers, model: ChurnModel, seed: int) -> FairnessReport | None:
    limits = fairness_settings(model.bundle)
    if limits is None or customers.rows < _MINIMUM_FAIRNESS_ROWS or not 0 < customers.churners < customers.rows:
        return None
    offered = model.policy.decide(customers.probability, customers.balance, customers.groups)
    return read_fairness(customers, offered, limits, samples=BOOTSTRAP_SAMPLES, seed=seed)


def _unjudged(bundle: Bundle) -> Iterator[str]:
    if retention_settings(bundle) is None:
        yield f"the expected maximum profit is not read: {TRAIN_AGAIN}"
    if fairness_settings(bundle) is None:
        yield f"fairness is not judged: {TRAIN_AGAIN}"
