"""The churn model that is delivered: fitted on every customer whose outcome is known, after the test slice has been read."""

from __future__ import annotations

from pathlib import Path

from fusionguard.data.table import Table
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn import catboost_model, lightgbm_model
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.model import CATBOOST_FILE, LIGHTGBM_FILE, load
from fusionguard.families.churn.rows import read_customers
from fusionguard.models.bundle import Bundle
from fusionguard.models.refit import write_refitted


def refit_churn_bundle(destination: Path, evaluated: Bundle, features: Table, config: ChurnConfig) -> Bundle:
    """Fit the models that ``evaluated`` uses on all customers, with its settings and seed, and write the bundle.

    Left out are those whose outcome was not known yet when the data ends: a customer who may still leave is no one who stays.
    Calibration, offers' bars and the profile stay those of ``evaluated``, which were learned on out-of-fold scores: of customers
    that a model was fitted on, its scores teach neither. A model that the combination does not use is left as it is.
    """
    model, seed = load(evaluated), evaluated.manifest.seed
    customers, label = read_customers(features, model.features)
    rows = planned_rows(features, model.features)
    known = rows.known_by(rows.end)
    customers, label = customers.take(known), label[known]
    files: dict[str, bytes] = {}
    if model.combination.lightgbm:
        booster = lightgbm_model.train_lightgbm(customers, label, config.lightgbm, seed=seed)
        files[LIGHTGBM_FILE] = lightgbm_model.to_bytes(booster)
    if model.combination.catboost:
        trees = catboost_model.train_catboost(customers, label, config.catboost, seed=seed)
        files[CATBOOST_FILE] = catboost_model.to_bytes(trees)
    return write_refitted(destination, evaluated, files, rows=customers.rows)
