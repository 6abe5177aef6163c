"""A small fraud model of the invented payments (``foreign.write_payments``), made as the pipeline makes one, without ZenML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fusionguard.config import SplitConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import plan_split
from fusionguard.families.fraud.autoencoder import train_autoencoder
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.build import build_fraud_bundle
from fusionguard.families.fraud.config import AutoencoderConfig, FraudConfig, XGBoostConfig
from fusionguard.families.training_rows import TrainingRows
from fusionguard.features.store import build_features
from fusionguard.models.bundle import Bundle
from tests.foreign import write_payments

CONFIG = FraudConfig(
    split=SplitConfig(train=0.5, validation=0.15, calibration=0.15, test=0.2),
    xgboost=XGBoostConfig(rounds=25, num_parallel_tree=1, learning_rate=0.15),
    autoencoder=AutoencoderConfig(latent_sizes=(2,), epochs=2, batch_rows=256),
)


@dataclass(frozen=True)
class DeclaredPayments:
    """A small fraud model of a declared data set, with what it was made of."""

    bundle: Bundle
    rows: TrainingRows
    raw: Table
    provenance: Provenance


def train_payments(folder: Path) -> DeclaredPayments:
    """Train and bundle it."""
    declaration = write_payments(folder / "source")
    given = str(declaration.with_name("rows.csv"))
    fetched, described = read_described(find_dataset(str(declaration)), given, folder / "read", rows=0, seed=1, earliest=0.5)
    built = build_features(fetched.table, fetched.provenance, "duckdb", folder / "store", described)
    definition = built.manifest.definition
    plan = plan_split(planned_rows(built.table, definition), CONFIG.split)
    booster = train_booster(built.table, plan, CONFIG.xgboost, negative_weight=1.0, seed=7, definition=definition)
    autoencoder = train_autoencoder(built.table, plan, CONFIG.autoencoder, negative_weight=1.0, seed=7, definition=definition)
    bundle = build_fraud_bundle(
        folder / "bundle",
        built.table,
        plan,
        booster,
        autoencoder,
        provenance=fetched.provenance,
        features_sha256=built.manifest.features_sha256,
        config=CONFIG,
        described=described,
    )
    return DeclaredPayments(bundle, TrainingRows(built.table, built.manifest, plan), fetched.table, fetched.provenance)
