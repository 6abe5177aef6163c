"""Scored customers to evaluate: a probability that is right on average, balances of which a third are zero, and three groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fusionguard.evaluation.churn.customers import ScoredCustomers
from fusionguard.features.churn import AGE_BANDS


@pytest.fixture(scope="session")
def make_customers() -> Any:
    """A function of ``rows`` and ``seed`` that returns that many customers; the same seed, the same customers."""

    def make(rows: int = 2_000, seed: int = 1) -> ScoredCustomers:
        generator = np.random.default_rng(seed)
        score = generator.normal(-1.8, 1.4, rows)
        probability = 1 / (1 + np.exp(-score))
        return ScoredCustomers(
            label=(generator.random(rows) < probability).astype(np.int8),
            probability=probability,
            score=score,
            balance=np.where(generator.random(rows) < 1 / 3, 0.0, generator.normal(120_000, 30_000, rows).clip(0)),
            groups={
                "gender": generator.choice(np.array(["Female", "Male"]), rows),
                "age_band": generator.choice(np.array(AGE_BANDS), rows),
                "geography": generator.choice(np.array(["France", "Germany", "Spain"]), rows),
            },
            row_number=np.arange(1, rows + 1),
        )

    return make
