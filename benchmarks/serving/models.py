"""The models that are served: made of simulated rows, in a process of its own, so that the one that measures stays small.

python -m benchmarks.serving.models FOLDER TREES
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xgboost as xgb

from benchmarks.serving.material import Material
from fusionguard.config import HoldoutConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.simulated import SimulatedSource
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import plan_split
from fusionguard.families.catalog import model_family
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.fraud.autoencoder import train_autoencoder
from fusionguard.families.fraud.build import build_fraud_bundle
from fusionguard.families.fraud.config import AutoencoderConfig, FraudConfig
from fusionguard.families.fraud.rows import read_slice
from fusionguard.families.fraud.sizes import settled
from fusionguard.features.fraud import MODEL_FEATURES
from fusionguard.features.store import FeatureSet, build_features
from fusionguard.files import write_json
from fusionguard.models.bundle import Bundle
from fusionguard.serving.release import ReleasedModel, write_release
from fusionguard.threads import wait_politely

FRAUD_ROWS, CUSTOMER_ROWS = 100_000, 2_000
ROWS_SENT = 10_000

_SEED = 7


def main(arguments: list[str]) -> None:
    """Make everything; see the module."""
    material, trees = Material(Path(arguments[0])), int(arguments[1])
    logging.getLogger("fusionguard").setLevel(logging.ERROR)
    fraud, churn = _fraud(material, trees), _churn(material)
    write_release(material.release, [(_champion("fraud", fraud), fraud), (_champion("churn", churn), churn)])


def _champion(model: str, bundle: Bundle) -> ReleasedModel:
    return ReleasedModel(model=model, role="champion", bundle_sha256=bundle.sha256, origin=bundle.manifest.origin)


def _fraud(material: Material, trees: int) -> Bundle:
    """The pipeline's settings, but so many trees, counted over its rounds."""
    folder = material.folder / "fraud"
    built, provenance = _features(FRAUD, FRAUD_ROWS, folder)
    config = FraudConfig(autoencoder=AutoencoderConfig(latent_sizes=(4,), epochs=2))
    plan = plan_split(planned_rows(built.table, built.manifest.definition), config.split)
    train = read_slice(built.table, plan.train, 1.0)
    chosen = settled(config.xgboost, *train.x.shape, frauds=train.frauds)
    settings = chosen.model_dump(exclude={"rounds", "early_stopping_rounds"})
    matrix = xgb.QuantileDMatrix(train.x, train.label, feature_names=list(MODEL_FEATURES))
    booster = xgb.train(
        {"objective": "binary:logistic", "seed": _SEED, **settings}, matrix, trees // settings["num_parallel_tree"]
    )
    autoencoder = train_autoencoder(built.table, plan, config.autoencoder, negative_weight=1.0, seed=_SEED)
    raw = pq.read_table(folder / "raw.parquet")
    _write_rows(material.transactions_file, raw.slice(raw.num_rows - ROWS_SENT), "fraud")
    later = raw.slice(raw.num_rows - FRAUD_ROWS // 4)
    _write_rows(material.frauds_file, later.filter(pc.equal(later["Class"], 1)), "fraud")
    return build_fraud_bundle(
        folder / "bundle",
        built.table,
        plan,
        booster,
        autoencoder,
        provenance=provenance,
        features_sha256=built.manifest.features_sha256,
        config=config,
    )


def _churn(material: Material) -> Bundle:
    from fusionguard.evaluation.holdout import plan_holdout
    from fusionguard.families.churn.build import build_churn_bundle
    from fusionguard.families.churn.catboost_model import train_catboost
    from fusionguard.families.churn.lightgbm_model import train_lightgbm
    from fusionguard.families.churn.out_of_fold import choose_model, score_out_of_fold
    from fusionguard.families.churn.rows import read_customers

    folder = material.folder / "churn"
    built, provenance = _features(CHURN, CUSTOMER_ROWS, folder)
    config = ChurnConfig(
        holdout=HoldoutConfig(folds=2, repeats=1), lightgbm=LightGBMConfig(rounds=100), catboost=CatBoostConfig(rounds=100)
    )
    definition = built.manifest.definition
    customers, label = read_customers(built.table, definition)
    rows = planned_rows(built.table, definition)
    plan = plan_holdout(rows, built.manifest.features_sha256, config.holdout, seed=_SEED)
    development, _ = plan.places(rows)
    scored = score_out_of_fold(built.table, definition, plan, config.lightgbm, config.catboost, seed=_SEED)
    lightgbm = train_lightgbm(customers.take(development), label[development], config.lightgbm, seed=_SEED)
    catboost = train_catboost(customers.take(development), label[development], config.catboost, seed=_SEED)
    comparison = choose_model(scored, plan)
    _write_rows(material.customers_file, pq.read_table(folder / "raw.parquet"), "churn")
    return build_churn_bundle(
        folder / "bundle",
        built.table,
        definition,
        plan,
        lightgbm,
        catboost,
        scored,
        comparison,
        provenance=provenance,
        config=config,
    )


def _features(schema: DatasetSchema, rows: int, folder: Path) -> tuple[FeatureSet, Provenance]:
    raw = SimulatedSource(schema, rows, _SEED).fetch(folder)
    return build_features(raw.table, raw.provenance, "duckdb", folder / "store"), raw.provenance


def _write_rows(file: Path, rows: pa.Table, model: str) -> None:
    """Write rows as requests have them: without the label, and without what says who a customer is."""
    names = list(model_family(model).example_row)
    columns = [rows[name].to_pylist() for name in names]
    write_json(file, [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])


if __name__ == "__main__":
    wait_politely()
    main(sys.argv[1:])
