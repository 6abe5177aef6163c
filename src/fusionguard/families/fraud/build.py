"""From trained parts to a bundle: fuse and calibrate, learn the policy, take the profile, write the folder."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import onnx
import pyarrow.parquet as pq
import xgboost as xgb

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.booster_onnx import booster_graph
from fusionguard.families.fraud.config import FRAUD_SETTINGS_IN_BUNDLE, FraudConfig
from fusionguard.families.fraud.fusion import fit_fusion
from fusionguard.families.fraud.model import (
    AUTOENCODER_ONNX,
    BOOSTER,
    BOOSTER_ONNX,
    CALIBRATION,
    POLICY,
    PROFILE,
    Scores,
    log_errors,
    open_session,
)
from fusionguard.families.fraud.policy import fit_policy
from fusionguard.families.fraud.profile import reference_profile
from fusionguard.families.fraud.reading import scored_rows
from fusionguard.families.fraud.rows import read_slice
from fusionguard.features.fraud import FRAUD_FEATURES, MODEL_FEATURES, SCHEMA_VERSION
from fusionguard.files import atomic_folder, write_bytes, write_json
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import write_dataset
from fusionguard.models.bundle_features import write_features

_log = logging.getLogger(__name__)


def build_fraud_bundle(
    destination: Path,
    features: Table,
    plan: SplitPlan,
    booster: xgb.Booster,
    autoencoder: onnx.ModelProto,
    *,
    provenance: Provenance,
    features_sha256: str,
    config: FraudConfig,
    described: ResolvedDataset | None = None,
) -> Bundle:
    """Fit fusion, calibration and policy on the calibration slice and write the bundle, whole or not at all."""
    weight = provenance.negative_weight
    calibration = read_slice(features, plan.calibration, weight)
    autoencoder_bytes = autoencoder.SerializeToString(deterministic=True)
    margin = booster.inplace_predict(calibration.x, predict_type="margin", validate_features=False).astype("float64")
    error = log_errors(open_session(autoencoder_bytes), calibration.x)
    fusion = fit_fusion(margin, error, calibration.label, calibration.weight, prior_shift=-math.log(weight), seed=config.seed)
    _log.info("fusion: %s", fusion.reason)
    logit = fusion.logit(margin, error)
    probability = sigmoid(logit)
    policy = fit_policy(scored_rows(Scores(logit, probability), features, plan.calibration, weight), config.policy)
    train = read_slice(features, plan.train, weight)

    with atomic_folder(destination) as folder:
        write_bytes(folder / BOOSTER, bytes(booster.save_raw("ubj")))
        write_bytes(folder / BOOSTER_ONNX, booster_graph(booster, len(MODEL_FEATURES)).SerializeToString(deterministic=True))
        write_bytes(folder / AUTOENCODER_ONNX, autoencoder_bytes)
        write_json(folder / CALIBRATION, fusion.model_dump(mode="json"))
        write_json(folder / POLICY, policy.model_dump(mode="json"))
        write_features(folder, FRAUD_FEATURES)
        write_dataset(folder, described)
        pq.write_table(reference_profile(train.x, train.weight, probability, calibration.weight), folder / PROFILE)
        Bundle.seal(
            folder,
            model="fraud",
            origin=provenance.origin,
            source_sha256=provenance.sha256,
            features_sha256=features_sha256,
            negative_sampling_rate=provenance.negative_sampling_rate,
            feature_schema_version=SCHEMA_VERSION,
            train_range_seconds=plan.learned_seconds,
            holdout_sha256=plan.holdout_sha256(features_sha256),
            seed=config.seed,
            config=config.model_dump(mode="json", include=FRAUD_SETTINGS_IN_BUNDLE),
        )
    return Bundle.open(destination)
