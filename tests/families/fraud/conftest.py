"""A small feature table, drawn here, and a model trained on it once for all tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost as xgb

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import SplitPlan, plan_split
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.build import build_fraud_bundle
from fusionguard.families.fraud.config import AutoencoderConfig, FraudConfig, XGBoostConfig
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.models.bundle import Bundle
from tests.evaluation.conftest import make_report as make_report
from tests.evaluation.conftest import make_rows as make_rows
from tests.evaluation.conftest import report as report

ROWS = 4_000
CONFIG = FraudConfig(
    xgboost=XGBoostConfig(rounds=60, num_parallel_tree=1, early_stopping_rounds=30, learning_rate=0.1),
    autoencoder=AutoencoderConfig(latent_sizes=(2, 4), epochs=4, batch_rows=256),
)
PROVENANCE = Provenance(dataset="fraud", origin="simulated", description="drawn by a test", sha256="0" * 64, rows=ROWS)


def draw_features(path: Path, *, rows: int = ROWS, seed: int = 0, shuffle_labels: bool = False) -> Table:
    """Write a time-ordered feature table in which fraud moves V1 to V4, overlapping with the legitimate rows."""
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < 0.04).astype(np.int32)
    v = rng.normal(size=(rows, 28))
    v[:, :4] += 1.6 * label[:, None]
    if shuffle_labels:
        rng.shuffle(label)
    seconds = np.sort(rng.integers(0, 172_800, rows))
    cents = np.round(np.exp(rng.normal(3, 1.2, rows)) * 100).astype(np.int64)
    columns = {
        "time_seconds": seconds,
        **{f"V{number}": v[:, number - 1] for number in range(1, 29)},
        "Amount": cents / 100,
        "amount_cents": cents,
        "hour_of_day": (seconds // 3600 % 24).astype(np.int32),
        "amount_fraction_cents": (cents % 100).astype(np.int32),
        "Class": label,
    }
    pq.write_table(pa.table(columns), path, row_group_size=1000)
    return Table(path)


@dataclass(frozen=True)
class Trained:
    """A trained model with what it was made from."""

    features: Table
    plan: SplitPlan
    booster: xgb.Booster
    autoencoder: onnx.ModelProto
    bundle: Bundle


def train(folder: Path, features: Table, negative_weight: float = 1.0) -> Trained:
    """Train and bundle a small model as the pipeline does."""
    from fusionguard.families.fraud.autoencoder import train_autoencoder  # PyTorch: what needs no such model runs without it

    plan = plan_split(planned_rows(features, FRAUD_FEATURES), CONFIG.split)
    booster = train_booster(features, plan, CONFIG.xgboost, negative_weight=negative_weight, seed=CONFIG.seed)
    autoencoder = train_autoencoder(features, plan, CONFIG.autoencoder, negative_weight=negative_weight, seed=CONFIG.seed)
    provenance = PROVENANCE.model_copy(update={"negative_sampling_rate": 1 / negative_weight})
    bundle = build_fraud_bundle(
        folder / "bundle", features, plan, booster, autoencoder, provenance=provenance, features_sha256="1" * 64, config=CONFIG
    )
    return Trained(features, plan, booster, autoencoder, bundle)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One small trained model; tests must not change its files."""
    folder = tmp_path_factory.mktemp("trained")
    return train(folder, draw_features(folder / "features.parquet"))
