"""From trained parts to a bundle: fuse and calibrate, learn the policy, take the profile, write the folder."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
import xgboost as xgb

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.booster_onnx import booster_bytes
from fusionguard.families.fraud.config import FRAUD_SETTINGS_IN_BUNDLE, FraudConfig
from fusionguard.families.fraud.fusion import fit_fusion
from fusionguard.families.fraud.model import (
    AUTOENCODER_ONNX,
    BOOSTER,
    BOOSTER_ONNX,
    CALIBRATION,
    POLICY,
    Scores,
    log_errors,
    open_session,
)
from fusionguard.families.fraud.policy import DecisionPolicy, fit_policy
from fusionguard.families.fraud.profile import reference_profile
from fusionguard.families.fraud.reading import scored_rows
from fusionguard.families.fraud.rows import read_slice
from fusionguard.families.fraud.sizes import settled
from fusionguard.families.fraud.traits import FRAUD_TRAITS
from fusionguard.files import atomic_folder, write_bytes, write_json
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import write_dataset
from fusionguard.models.bundle_features import write_features
from fusionguard.models.bundle_profile import PROFILE

_log = logging.getLogger(__name__)


def build_fraud_bundle(
    destination: Path,
    features: Table,
    plan: SplitPlan,
    booster: xgb.Booster,
    autoencoder: onnx.ModelProto | None,
    *,
    provenance: Provenance,
    features_sha256: str,
    config: FraudConfig,
    described: ResolvedDataset | None = None,
) -> Bundle:
    """Fit fusion, calibration and policy on the calibration slice and write the bundle, whole or not at all.

    Parameters
    ----------
    autoencoder
        None for a data set that has too few measured numbers for one.
    described
        The data set; the one that ships where nothing is said.
    """
    family = FRAUD_TRAITS if described is None else FRAUD_TRAITS.on(described)
    definition, weight = family.features, provenance.negative_weight
    calibration = read_slice(features, plan.calibration, weight, definition)
    autoencoder_bytes = None if autoencoder is None else autoencoder.SerializeToString(deterministic=True)
    margin = booster.inplace_predict(calibration.x, predict_type="margin", validate_features=False).astype("float64")
    error = None if autoencoder_bytes is None else log_errors(open_session(autoencoder_bytes), calibration.x)
    fusion = fit_fusion(margin, error, calibration.label, calibration.weight, prior_shift=-math.log(weight), seed=config.seed)
    _log.info("fusion: %s", fusion.reason)
    logit = fusion.logit(margin, np.zeros_like(margin) if error is None else error)
    probability = sigmoid(logit)
    free = DecisionPolicy.free(config.policy)
    scored = scored_rows(Scores(logit, probability), features, plan.calibration, weight, definition, free)
    policy = fit_policy(scored, config.policy)
    train = read_slice(features, plan.train, weight, definition)
    config = config.model_copy(update={"xgboost": settled(config.xgboost, *train.x.shape, frauds=train.frauds)})

    with atomic_folder(destination) as folder:
        write_bytes(folder / BOOSTER, bytes(booster.save_raw("ubj")))
        if not train.encoding.categories:
            write_bytes(folder / BOOSTER_ONNX, booster_bytes(booster))
        if autoencoder_bytes is not None:
            write_bytes(folder / AUTOENCODER_ONNX, autoencoder_bytes)
        write_json(folder / CALIBRATION, fusion.model_dump(mode="json"))
        write_json(folder / POLICY, policy.model_dump(mode="json"))
        write_features(folder, definition)
        write_dataset(folder, described)
        profile = reference_profile(train.x, train.weight, probability, calibration.weight, train.encoding)
        pq.write_table(profile, folder / PROFILE)
        Bundle.seal(
            folder,
            model=family.name,
            origin=provenance.origin,
            source_sha256=provenance.sha256,
            features_sha256=features_sha256,
            negative_sampling_rate=provenance.negative_sampling_rate,
            feature_schema_version=definition.schema_version,
            train_range_seconds=plan.learned_seconds,
            holdout_sha256=plan.holdout_sha256(features_sha256),
            seed=config.seed,
            config=config.model_dump(mode="json", include=FRAUD_SETTINGS_IN_BUNDLE),
        )
    return Bundle.open(destination)
