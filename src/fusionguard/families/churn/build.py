"""From trained parts to a bundle: calibrate and learn the policy on out-of-fold scores, take the profile, write the folder."""

from __future__ import annotations

import logging
from pathlib import Path

import catboost as cb
import lightgbm as lgb
import pyarrow.parquet as pq

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn import catboost_model, lightgbm_model
from fusionguard.families.churn.calibration import fit_platt
from fusionguard.families.churn.config import CHURN_SETTINGS_IN_BUNDLE, ChurnConfig
from fusionguard.families.churn.groups import mitigated_attribute
from fusionguard.families.churn.mitigation import even_out
from fusionguard.families.churn.model import (
    CALIBRATION,
    CATBOOST_FILE,
    LIGHTGBM_FILE,
    POLICY,
    Combination,
)
from fusionguard.families.churn.out_of_fold import AVERAGE, CATBOOST, LIGHTGBM, OutOfFold
from fusionguard.families.churn.profile import reference_profile
from fusionguard.families.churn.retention import fit_retention_policy
from fusionguard.families.churn.rows import read_customers, scored_customers
from fusionguard.features.definition import FeatureDefinition
from fusionguard.files import atomic_folder, write_bytes, write_json
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import write_dataset
from fusionguard.models.bundle_features import write_features
from fusionguard.models.bundle_profile import PROFILE

_WEIGHTS = {LIGHTGBM: (1.0, 0.0), CATBOOST: (0.0, 1.0), AVERAGE: (0.5, 0.5)}

_log = logging.getLogger(__name__)


def build_churn_bundle(
    destination: Path,
    features: Table,
    definition: FeatureDefinition,
    plan: HoldoutPlan,
    lightgbm: lgb.Booster,
    catboost: cb.CatBoost | None,
    scored: OutOfFold,
    comparison: CrossValidation,
    *,
    provenance: Provenance,
    config: ChurnConfig,
    described: ResolvedDataset | None = None,
) -> Bundle:
    """Fit calibration and policy on out-of-fold scores of the development part, and write the bundle, whole or not at all.

    Raises
    ------
    UsageError
        Offers are to be evened out by what no request tells.
    """
    attribute = mitigated_attribute(definition, config.fairness)
    line = fit_platt(*scored.stacked(comparison.chosen))
    score = scored.scores[comparison.chosen][0][scored.judged]
    _log.info("model: %s", comparison.reason)
    customers, _ = read_customers(features, definition)
    judged = plan.folded_places(plan.planned(features))[scored.judged]
    seen = scored_customers(features, definition, judged, line.probability(score), line.logit(score))
    policy = fit_retention_policy(seen, config.retention)
    if config.fairness.mitigation == "group_thresholds" and attribute is not None:
        policy = even_out(seen, policy, attribute.name).policy
    weights = _WEIGHTS[comparison.chosen]
    combination = Combination(
        lightgbm=weights[0], catboost=weights[1], calibration=line, chosen=comparison.chosen, reason=comparison.reason
    )
    folds = config.holdout.model_copy(update={"folds": plan.folds, "repeats": plan.repeats})
    settled = config.model_copy(update={"holdout": folds})
    with atomic_folder(destination) as folder:
        write_bytes(folder / LIGHTGBM_FILE, lightgbm_model.to_bytes(lightgbm))
        if catboost is not None:
            write_bytes(folder / CATBOOST_FILE, catboost_model.to_bytes(catboost))
        write_json(folder / CALIBRATION, combination.model_dump(mode="json"))
        write_json(folder / POLICY, policy.model_dump(mode="json"))
        write_features(folder, definition)
        write_dataset(folder, described)
        pq.write_table(reference_profile(customers.take(judged), seen.probability), folder / PROFILE)
        Bundle.seal(
            folder,
            model="churn",
            origin=provenance.origin,
            source_sha256=provenance.sha256,
            features_sha256=plan.features_sha256,
            negative_sampling_rate=provenance.negative_sampling_rate,
            feature_schema_version=definition.schema_version,
            holdout_sha256=plan.sha256,
            seed=config.seed,
            config=settled.model_dump(mode="json", include=CHURN_SETTINGS_IN_BUNDLE),
        )
    return Bundle.open(destination)
