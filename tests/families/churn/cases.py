"""Scored customers to evaluate: a probability that is right on average, balances of which a third are zero, and three groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from fusionguard.config import EvaluationConfig, HoldoutConfig
from fusionguard.data.provenance import Provenance
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.simulated import simulate
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.cross_validation import cross_validation
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.report import ChurnReport, evaluate_customers
from fusionguard.families.churn.retention import fit_retention_policy
from fusionguard.families.churn.rows import CustomerColumns
from fusionguard.features.churn import AGE_BANDS, CHURN_FEATURES
from fusionguard.features.churn_told import told_of_customers
from fusionguard.features.store import FeatureSet, build_features

COLUMNS = CustomerColumns.of(CHURN_FEATURES)
"""The columns of the bank's customers as models read them."""
ATTRIBUTES = ("gender", "age_band", "geography")
ORDER = {"age_band": AGE_BANDS}
TOLD = told_of_customers(AGE_BANDS)
FACTS, RULES = TOLD.facts, TOLD.rules


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
            order=ORDER,
        )

    return make


@dataclass(frozen=True)
class ChurnCase:
    """A finished reading on simulated customers: what the card, the plots and the insights are written from."""

    features: FeatureSet
    provenance: Provenance
    plan: HoldoutPlan
    config: ChurnConfig
    customers: ScoredCustomers
    """The test slice."""
    report: ChurnReport


@pytest.fixture(scope="session")
def churn_case(tmp_path_factory: pytest.TempPathFactory) -> ChurnCase:
    """Three thousand simulated customers, scored by a law that was written down instead of learned."""
    folder = tmp_path_factory.mktemp("churn-case")
    raw = simulate(CHURN, 3_000, 5, folder / "raw.parquet")
    provenance = Provenance(dataset="churn", origin="simulated", description="seed 5", sha256="ab" * 32, rows=raw.rows)
    features = build_features(raw, provenance, "duckdb", folder / "store")
    config = ChurnConfig(holdout=HoldoutConfig(folds=3, repeats=2), evaluation=EvaluationConfig(bootstrap_samples=40), seed=3)
    rows = features.table.read()
    label = rows["Exited"].to_numpy().astype(np.int8)
    planned = planned_rows(features.table, CHURN_FEATURES)
    plan = plan_holdout(planned, features.manifest.features_sha256, config.holdout, seed=config.seed)
    column = {name: rows[name].to_numpy() for name in ("Age", "IsActiveMember", "NumOfProducts", "Balance", "row_number")}
    score = -2.0 + 0.08 * (column["Age"] - 38) + 1.0 * (column["IsActiveMember"] == 0) + 1.5 * (column["NumOfProducts"] > 2)
    noise = np.random.default_rng(0).normal(size=(3, label.size))

    def scored(score: Any, places: Any) -> ScoredCustomers:
        groups = {
            "gender": np.array(rows["Gender"].to_pylist()),
            "age_band": np.array(AGE_BANDS)[rows["age_band"].to_numpy()],
            "geography": np.array(rows["Geography"].to_pylist()),
        }
        probability = 1 / (1 + np.exp(-score))
        whole = ScoredCustomers(
            label, probability, score, column["Balance"], groups, column["row_number"].astype(np.int64), ORDER
        )
        return whole.take(places)

    development, test = plan.places(planned)
    seen = scored(score, development)
    names = ("LightGBM", "CatBoost", "logistic regression", "average of both")
    scores = {name: [(score + 0.3 * place * noise[0])[development]] * 2 for place, name in enumerate(names)}
    comparison = cross_validation(
        label[development],
        plan.fold_places(planned.take(development)),
        scores,
        {name: [1 / (1 + np.exp(-each)) for each in scores[name]] for name in names[:3]},
        folds_per_repeat=3,
        chosen="average of both",
        reason="It was written down.",
    )
    customers = scored(score, test)
    report = evaluate_customers(
        customers,
        {"logistic regression": scored(score + noise[1], test), "LightGBM defaults": scored(score + 0.3 * noise[2], test)},
        fit_retention_policy(seen, config.retention),
        comparison,
        config,
        seen=seen,
        origin="simulated",
        amount="balance",
        evened_by="gender",
    )
    return ChurnCase(features, provenance, plan, config, customers, report)
