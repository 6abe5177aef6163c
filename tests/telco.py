"""A small churn model of the invented telco table (``foreign.write_telco``) or of any, made as the pipeline makes one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fusionguard.config import EvaluationConfig, HoldoutConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn.build import build_churn_bundle
from fusionguard.families.churn.catboost_model import train_catboost
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.lightgbm_model import train_lightgbm
from fusionguard.families.churn.out_of_fold import OutOfFold, choose_model, out_of_fold_table, score_out_of_fold
from fusionguard.families.churn.rows import read_customers
from fusionguard.families.training_rows import TrainingRows
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.store import FeatureSet, build_features
from fusionguard.models.bundle import Bundle
from tests.foreign import owned_rows, write_telco

CONFIG = ChurnConfig(
    holdout=HoldoutConfig(folds=2, repeats=1),
    lightgbm=LightGBMConfig(rounds=25, learning_rate=0.1),
    catboost=CatBoostConfig(rounds=20, learning_rate=0.15),
    evaluation=EvaluationConfig(bootstrap_samples=20),
)


@dataclass(frozen=True)
class DeclaredModel:
    """A trained model of a data set with what it was made from; ``given`` are the rows as their owner has them."""

    declaration: Path
    given: Path
    described: ResolvedDataset
    raw: Table
    provenance: Provenance
    features: FeatureSet
    plan: HoldoutPlan
    scored: OutOfFold
    comparison: CrossValidation
    bundle: Bundle
    config: ChurnConfig

    @property
    def definition(self) -> FeatureDefinition:
        return self.features.manifest.definition

    @property
    def rows(self) -> TrainingRows:
        return TrainingRows(self.features.table, self.features.manifest, self.plan)

    @property
    def folds(self) -> CrossValidation:
        return self.comparison

    @property
    def scores(self) -> pa.Table:
        return out_of_fold_table(self.scored)


def train_declared(
    declaration: Path, folder: Path, config: ChurnConfig = CONFIG, *, source: str = "auto", rows: int = 0
) -> DeclaredModel:
    """Train and bundle a churn model of any data set: of a declaration, or of the name of one that ships."""
    declared = find_dataset(str(declaration))
    found, described = read_described(declared, source, folder / "raw", rows=rows, seed=1, earliest=1 - config.holdout.test)
    built = build_features(found.table, found.provenance, "duckdb", folder / "store", described)
    table, definition = built.table, built.manifest.definition
    customers, label = read_customers(table, definition)
    planned = planned_rows(table, definition)
    plan = plan_holdout(planned, built.manifest.features_sha256, config.holdout, seed=config.seed)
    development, _ = plan.places(planned)
    scored = score_out_of_fold(table, definition, plan, config.lightgbm, config.catboost, seed=config.seed)
    comparison = choose_model(scored, plan)
    bundle = build_churn_bundle(
        folder / "bundle",
        table,
        definition,
        plan,
        train_lightgbm(customers.take(development), label[development], config.lightgbm, seed=config.seed),
        train_catboost(customers.take(development), label[development], config.catboost, seed=config.seed),
        scored,
        comparison,
        provenance=found.provenance,
        config=config,
        described=described,
    )
    given = owned_rows(declared, source, found, folder, rows=rows, seed=1)
    return DeclaredModel(
        declaration, given, described, found.table, found.provenance, built, plan, scored, comparison, bundle, config
    )


def train_telco(folder: Path, rows: int = 600, config: ChurnConfig = CONFIG) -> DeclaredModel:
    """Train a small model of the telco table."""
    return train_declared(write_telco(folder / "data", rows, timed=False), folder, config)
