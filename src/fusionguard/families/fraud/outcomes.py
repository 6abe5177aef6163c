"""Logged transactions whose outcome is known, read as the fraud model's evaluation reads the test window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, ROC_AUC
from fusionguard.evaluation.report import Report
from fusionguard.evaluation.scored import Flags, ScoredRows
from fusionguard.families.family import LABEL, TIME
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.model import FraudModel
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import RECALL_AT_RATE, TOP_PRECISION, metric_digits, read_metrics
from fusionguard.families.fraud.report import EvaluationReport
from fusionguard.families.fraud.rows import amounts
from fusionguard.families.of_kind import of_kind
from fusionguard.families.outcomes import (
    BOOTSTRAP_SAMPLES,
    NOT_SAID,
    TRAIN_AGAIN,
    OutcomeReading,
    Outcomes,
    logged_owners,
)
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.definition import FeatureDefinition
from fusionguard.models.bundle import Bundle
from fusionguard.models.said_settings import said_settings

MOST_NEGATIVES = 200_000
_DEFINE_METRICS = frozenset({"top_alerts_per_day", "false_positive_rate"})
"""Others of ``evaluation`` say how many draws are taken, which changes no metric."""
_DAY_MICROS = 86_400_000_000


class FraudOutcomes(Outcomes):
    """What outcomes show of a fraud model."""

    judged: ClassVar[Mapping[str, int]] = {AVERAGE_PRECISION: 1, ROC_AUC: 1, RECALL_AT_RATE: 1, BRIER: -1}

    def __init__(self, definition: FeatureDefinition) -> None:
        self._definition = definition

    @property
    def columns(self) -> tuple[str, ...]:
        """The amount, where there is one."""
        return () if self._definition.amount is None else (self._definition.amount,)

    def digits(self, metric: str) -> int:
        """Return how many decimals a metric is worth printing with."""
        return metric_digits(metric)

    def read(self, rows: pa.Table, model: ScoringModel, *, seed: int) -> OutcomeReading:
        """Read labelled transactions; windows of millions are thinned, and precision in a day's alerts needs a whole day."""
        policy = of_kind(FraudModel, model).policy
        scored, said = scored_transactions(rows, self._definition, policy), evaluation_settings(model.bundle)
        settings = (said or FraudEvaluationConfig()).model_copy(update={"bootstrap_samples": BOOTSTRAP_SAMPLES})
        undefined = {} if said is not None else dict.fromkeys((RECALL_AT_RATE, TOP_PRECISION), NOT_SAID)
        times = rows[TIME].cast(pa.int64())
        whole_days = len(times) > 0 and pc.max(times).as_py() - pc.min(times).as_py() >= _DAY_MICROS

        def metrics(chosen: Flags) -> dict[str, Interval]:
            found = read_metrics(_thinned(scored.take(chosen), seed), policy, settings, seed=seed)
            if not whole_days:
                found[TOP_PRECISION] = Interval(reason="the outcomes span less than a day")
            return found | undefined

        lacking = "recall at a fixed false-positive rate and precision in the top alerts are not judged"
        return OutcomeReading(metrics, unjudged=() if said is not None else (f"{lacking}: {TRAIN_AGAIN}",))

    def reliability(self, report: Report) -> list[tuple[float, float, float]]:
        """Return the bins; legitimate rows may have been sampled, and each stands for as many as its weight says."""
        reading = of_kind(EvaluationReport, report)
        test = reading.test
        weight = (test.transactions - test.frauds) / max(test.rows - test.frauds, 1)
        found = reading.curves.reliability
        return [(each.predicted, each.frauds + (each.rows - each.frauds) * weight, float(each.frauds)) for each in found]


def scored_transactions(rows: pa.Table, definition: FeatureDefinition, policy: DecisionPolicy) -> ScoredRows:
    """Return labelled rows of the fraud log as the fraud model's evaluation reads them, each with weight 1."""
    time = pc.cast(rows[TIME], pa.int64()).to_numpy() // 1_000_000
    return ScoredRows(
        label=rows[LABEL].to_numpy().astype(np.int8),
        probability=rows["probability"].to_numpy(),
        amount=policy.loss(amounts(rows, definition)),
        time_seconds=time - (time.min() if time.size else 0),
        weight=np.ones(rows.num_rows),
        score=rows["score"].to_numpy(),
        owner=logged_owners(rows),
    )


def evaluation_settings(bundle: Bundle) -> FraudEvaluationConfig | None:
    """Return what defines the metrics of a fraud model, or None where its bundle does not say all of it."""
    return said_settings(bundle, "evaluation", FraudEvaluationConfig, needed=_DEFINE_METRICS)


def _thinned(rows: ScoredRows, seed: int) -> ScoredRows:
    """Keep every positive and at most ``MOST_NEGATIVES`` others, which then weigh more: metrics stay, and take seconds."""
    negatives = np.flatnonzero(rows.label == 0)
    if negatives.size <= MOST_NEGATIVES:
        return rows
    kept = rows.label == 1
    kept[np.random.default_rng(seed).choice(negatives, MOST_NEGATIVES, replace=False)] = True
    thinned = rows.take(kept)
    return replace(thinned, weight=np.where(thinned.label == 0, negatives.size / MOST_NEGATIVES, 1.0))
