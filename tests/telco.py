"""A small churn model of the invented telco table (``foreign.write_telco``), made as the pipeline makes one, without ZenML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fusionguard.config import EvaluationConfig, HoldoutConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.described import read_described
from fusionguard.datasets.reading import read_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn.build import build_churn_bundle
from fusionguard.families.churn.catboost_model import train_catboost
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.lightgbm_model import train_lightgbm
from fusionguard.families.churn.out_of_fold import OutOfFold, choose_model, score_out_of_fold
from fusionguard.families.churn.rows import read_customers
from fusionguard.families.training_rows import TrainingRows
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.store import FeatureSet, build_features
from fusionguard.models.bundle import Bundle
from tests.foreign import write_telco

CONFIG = ChurnConfig(
    holdout=HoldoutConfig(folds=2, repeats=1),
    lightgbm=LightGBMConfig(rounds=25, learning_rate=0.1),
    catboost=CatBoostConfig(rounds=20, learning_rate=0.15),
    evaluation=EvaluationConfig(bootstrap_samples=20),
)


@dataclass(frozen=True)
class DeclaredModel:
    """A trained model of a declared data set with what it was made from."""

    declaration: Path
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


def train_declared(declaration: Path, folder: Path, config: ChurnConfig = CONFIG) -> DeclaredModel:
    """Train and bundle a churn model of any declared data set."""
    declared = read_declaration(declaration)
    found, described = read_described(declared, "auto", folder / "raw", rows=0, seed=1, earliest=1 - config.holdout.test)
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
    return DeclaredModel(declaration, described, found.table, found.provenance, built, plan, scored, comparison, bundle, config)


def train_telco(folder: Path, rows: int = 600, config: ChurnConfig = CONFIG) -> DeclaredModel:
    """Train a small model of the telco table."""
    return train_declared(write_telco(folder / "data", rows, timed=False), folder, config)
