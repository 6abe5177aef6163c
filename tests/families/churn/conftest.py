"""A small churn model on simulated customers, trained once for all tests, and the way to train another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import catboost as cb
import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from fusionguard.config import HoldoutConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn.build import build_churn_bundle
from fusionguard.families.churn.catboost_model import train_catboost
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig, RetentionConfig
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.churn.lightgbm_model import train_lightgbm
from fusionguard.families.churn.model import ChurnModel
from fusionguard.families.churn.out_of_fold import OutOfFold, choose_model, score_out_of_fold
from fusionguard.families.churn.rows import read_customers
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.models.bundle import Bundle
from tests.families.churn.cases import churn_case as churn_case
from tests.families.churn.cases import make_customers as make_customers

CONFIG = ChurnConfig(
    holdout=HoldoutConfig(folds=3, repeats=2),
    lightgbm=LightGBMConfig(rounds=40, learning_rate=0.1),
    catboost=CatBoostConfig(rounds=30, learning_rate=0.15),
    retention=RetentionConfig(contacts=300),
    fairness=FairnessConfig(mitigation="group_thresholds", mitigated_attribute="gender"),
)
"""With a limit of contacts and a bar for each gender, so that there is something to learn in the policy."""
PROVENANCE = Provenance(dataset="churn", origin="simulated", description="drawn by a test", sha256="0" * 64, rows=2_000)


@dataclass(frozen=True)
class Trained:
    """A trained model with what it was made from."""

    features: Table
    plan: HoldoutPlan
    lightgbm: lgb.Booster
    catboost: cb.CatBoost
    scored: OutOfFold
    comparison: CrossValidation
    bundle: Bundle

    @property
    def label(self) -> NDArray[np.int8]:
        return read_customers(self.features, CHURN_FEATURES)[1]

    @property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of the development part and of the test slice."""
        return self.plan.places(self.plan.planned(self.features))


def make_plan(features: Table, config: ChurnConfig = CONFIG) -> HoldoutPlan:
    """Plan as the pipeline does, as if every table had the same content hash."""
    return plan_holdout(planned_rows(features, CHURN_FEATURES), "f" * 64, config.holdout, seed=config.seed)


def train(folder: Path, features: Table, *, config: ChurnConfig = CONFIG, plan: HoldoutPlan | None = None) -> Trained:
    """Train and bundle a small model as the pipeline does."""
    plan = plan or make_plan(features, config)
    customers, label = read_customers(features, CHURN_FEATURES)
    development, _ = plan.places(plan.planned(features))
    customers, label = customers.take(development), label[development]
    scored = score_out_of_fold(features, CHURN_FEATURES, plan, config.lightgbm, config.catboost, seed=config.seed)
    lightgbm = train_lightgbm(customers, label, config.lightgbm, seed=config.seed)
    catboost = train_catboost(customers, label, config.catboost, seed=config.seed)
    comparison = choose_model(scored, plan)
    bundle = build_churn_bundle(
        folder / "bundle",
        features,
        CHURN_FEATURES,
        plan,
        lightgbm,
        catboost,
        scored,
        comparison,
        provenance=PROVENANCE,
        config=config,
    )
    return Trained(features, plan, lightgbm, catboost, scored, comparison, bundle)


def write_features(file: Path, table: pa.Table, **columns: NDArray[np.generic]) -> Table:
    """Write a feature table with other values in some columns."""
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pa.array(values.tolist(), table.schema.field(place).type))
    pq.write_table(table, file)
    return Table(file)


@pytest.fixture(scope="session")
def trained(simulated_customers: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One small trained model; tests must not change its files."""
    folder = tmp_path_factory.mktemp("trained")
    return train(folder, DuckDBEngine(CHURN_FEATURES).build(Table(simulated_customers), folder / "features"))


@pytest.fixture(scope="session")
def model(trained: Trained) -> ChurnModel:
    loaded = CHURN_FAMILY.load(trained.bundle)
    assert isinstance(loaded, ChurnModel)
    return loaded
