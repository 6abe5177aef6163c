"""The fraud model that is delivered: its trees fitted on every row, after the test slice has been read."""

from __future__ import annotations

from pathlib import Path

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.booster_onnx import booster_bytes
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.model import BOOSTER, BOOSTER_ONNX, load
from fusionguard.models.bundle import Bundle
from fusionguard.models.refit import write_refitted


def refit_fraud_bundle(
    destination: Path, evaluated: Bundle, features: Table, plan: SplitPlan, config: FraudConfig, *, negative_weight: float
) -> Bundle:
    """Fit the trees of ``evaluated`` on all rows, with as many rounds and trees a round as it has, and write the bundle.

    Left out are rows whose outcome was not known yet when the data ends.

    The autoencoder, the fusion with its calibration, and the policy stay those of ``evaluated``: they were learned on slices that
    its trees had not been fitted on, and no rows are left to learn them anew.
    """
    model = load(evaluated)
    rounds = model.booster.num_boosted_rounds()
    as_it_was = {"rounds": rounds, "num_parallel_tree": model.trees // rounds, "early_stopping_rounds": None}
    settings = config.xgboost.model_copy(update=as_it_was)
    seed = evaluated.manifest.seed
    plan = plan.model_copy(update={"train": plan.whole(features)})
    definition = model.family.features
    booster = train_booster(features, plan, settings, negative_weight=negative_weight, seed=seed, definition=definition)
    files = {BOOSTER: bytes(booster.save_raw("ubj"))}
    if BOOSTER_ONNX in evaluated.manifest.files:
        files[BOOSTER_ONNX] = booster_bytes(booster)
    return write_refitted(destination, evaluated, files, rows=plan.train.rows)
