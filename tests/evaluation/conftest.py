"""Scored rows to evaluate: separable but not trivially, sampled like the real file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.evaluation.scored import ScoredRows
from fusionguard.evaluation.segments import Segments, cut_rows
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.report import EvaluationReport, evaluate
from fusionguard.features.fraud import FRAUD_FEATURES

MakeRows = Callable[..., ScoredRows]


def scored_rows(
    rows: int = 6_000,
    *,
    seed: int = 0,
    fraud_share: float = 0.02,
    legitimate_weight: float = 12.2,
    separation: float = 4.0,
    ties: bool = False,
) -> ScoredRows:
    generator = np.random.default_rng(seed)
    label = (generator.random(rows) < fraud_share).astype(np.int8)
    score = generator.normal(size=rows) + separation * label * (generator.random(rows) < 0.85)
    if ties:
        score = np.round(score)
    probability = 1 / (1 + np.exp(-(2.2 * score - 8.5)))
    time_seconds = np.sort(generator.integers(140_000, 172_792, rows))
    return ScoredRows(
        label=label,
        probability=probability,
        amount=np.round(generator.lognormal(3.1, 1.6, rows), 2),
        time_seconds=time_seconds,
        weight=np.where(label == 1, 1.0, legitimate_weight),
        score=score,
    )


def transaction_segments(rows: ScoredRows) -> tuple[Segments, ...]:
    """Cut rows as transactions are cut: by amount, and by the time of day."""
    assert rows.time_seconds is not None
    hour = pa.array(rows.time_seconds // 3600 % 24, pa.int32())
    return cut_rows(pa.table({"Amount": rows.amount, "hour_of_day": hour}), FRAUD_FEATURES.log_segmentations)


@pytest.fixture
def make_rows() -> MakeRows:
    return scored_rows


def small_report(origin: str = "simulated", **options: object) -> EvaluationReport:
    rows = scored_rows(**options)  # type: ignore[arg-type]
    noise = np.random.default_rng(1).normal(size=rows.rows)
    references = {
        "logistic regression": rows.scored_by(1 / (1 + np.exp(-(rows.score + noise - 6)))),
        "XGBoost defaults": rows.scored_by(1 / (1 + np.exp(-(2 * rows.score + noise - 8)))),
    }
    config = FraudEvaluationConfig(bootstrap_samples=40)
    policy, segments = DecisionPolicy(review_cost=3.0), transaction_segments(rows)
    return evaluate(rows, references, policy, config, origin=origin, seed=7, segments=segments)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def report() -> EvaluationReport:
    return small_report()


@pytest.fixture(scope="session")
def make_report() -> Callable[..., EvaluationReport]:
    return small_report
