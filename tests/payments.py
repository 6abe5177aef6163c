"""A small fraud model of the invented payments (``foreign.write_payments``) or of any table, made as the pipeline makes one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from fusionguard.config import SplitConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import SplitPlan, plan_split
from fusionguard.families.fraud.autoencoder import train_autoencoder
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.build import build_fraud_bundle
from fusionguard.families.fraud.config import AutoencoderConfig, FraudConfig, FraudEvaluationConfig, XGBoostConfig
from fusionguard.families.fraud.references import score_references
from fusionguard.families.of_kind import of_kind
from fusionguard.families.training_rows import TrainingRows
from fusionguard.features.store import build_features
from fusionguard.models.bundle import Bundle
from tests.foreign import owned_rows, write_payments

CONFIG = FraudConfig(
    split=SplitConfig(train=0.5, validation=0.15, calibration=0.15, test=0.2),
    xgboost=XGBoostConfig(rounds=25, num_parallel_tree=1, learning_rate=0.15),
    autoencoder=AutoencoderConfig(latent_sizes=(2,), epochs=2, batch_rows=256),
    evaluation=FraudEvaluationConfig(bootstrap_samples=20),
)

_SEED = 1
"""Of rows that are simulated."""


@dataclass(frozen=True)
class DeclaredPayments:
    """A small fraud model of a data set, with what it was made of; ``given`` are the rows as their owner has them."""

    given: Path
    bundle: Bundle
    rows: TrainingRows
    raw: Table
    provenance: Provenance
    config: FraudConfig
    folds: None = None

    @cached_property
    def scores(self) -> pa.Table:
        """What simpler models make of the test slice."""
        plan, weight = of_kind(SplitPlan, self.rows.plan), self.rows.manifest.negative_weight
        definition, seed = self.rows.definition, self.config.seed
        return pa.table(score_references(self.rows.features, plan, negative_weight=weight, seed=seed, definition=definition))


def train_payments(folder: Path) -> DeclaredPayments:
    """Train and bundle a model of the payments."""
    return train_fraud(str(write_payments(folder / "source")), folder)


def train_fraud(
    dataset: str, folder: Path, *, source: str = "auto", rows: int = 0, config: FraudConfig = CONFIG
) -> DeclaredPayments:
    """Train and bundle a model of any data set, by its name or its declaration."""
    declared, weight, seed = find_dataset(dataset), 1.0, config.seed
    fetched, described = read_described(declared, source, folder / "read", rows=rows, seed=_SEED, earliest=config.split.train)
    built = build_features(fetched.table, fetched.provenance, "duckdb", folder / "store", described)
    definition = built.manifest.definition
    plan = plan_split(planned_rows(built.table, definition), config.split)
    booster = train_booster(built.table, plan, config.xgboost, negative_weight=weight, seed=seed, definition=definition)
    autoencoder = train_autoencoder(
        built.table, plan, config.autoencoder, negative_weight=weight, seed=seed, definition=definition
    )
    bundle = build_fraud_bundle(
        folder / "bundle",
        built.table,
        plan,
        booster,
        autoencoder,
        provenance=fetched.provenance,
        features_sha256=built.manifest.features_sha256,
        config=config,
        described=described,
    )
    made = TrainingRows(built.table, built.manifest, plan)
    given = owned_rows(declared, source, fetched, folder, rows=rows, seed=_SEED)
    return DeclaredPayments(given, bundle, made, fetched.table, fetched.provenance, config)
