"""LightGBM: leaf-wise trees that split categories natively."""

from __future__ import annotations

import os
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from fusionguard.families.churn.config import LightGBMConfig
from fusionguard.families.churn.rows import CustomerRows

THREADS = 1
"""One a fit of few rows: folds run beside each other, and bits do not depend on the number of cores."""

_MANY_ROWS = 100_000
"""More than folds have. Fits of so many rows run alone, on all cores; what they add up may then differ in the last bits where
the number of cores does."""


def train_lightgbm(rows: CustomerRows, label: NDArray[np.int8], config: LightGBMConfig, *, seed: int) -> lgb.Booster:
    """Fit boosted trees; the same rows, settings and seed give the same bytes."""
    return fit(rows, label, parameters_of(config), rounds=config.rounds, seed=seed)


def parameters_of(config: LightGBMConfig) -> dict[str, Any]:
    """Return the settings by LightGBM's own names, but for the rounds."""
    return {
        "learning_rate": config.learning_rate,
        "num_leaves": config.num_leaves,
        "min_data_in_leaf": config.min_child_samples,
        "bagging_fraction": config.subsample,
        "bagging_freq": 1,
        "feature_fraction": config.colsample_bytree,
        "lambda_l2": config.reg_lambda,
        "min_gain_to_split": config.min_split_gain,
        "path_smooth": config.path_smooth,
    }


def fit(rows: CustomerRows, label: NDArray[np.int8], parameters: dict[str, Any], *, rounds: int, seed: int) -> lgb.Booster:
    """Fit with LightGBM's own names for ``parameters``; what is left out has LightGBM's default."""
    fixed = {
        "objective": "binary",
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": _threads(rows),
        "verbosity": -1,
    }
    data = lgb.Dataset(
        rows.matrix(),
        label,
        feature_name=list(rows.columns.names),
        categorical_feature=list(rows.columns.categories),
        params={"verbosity": -1},
        free_raw_data=True,
    )
    return lgb.train({**fixed, **parameters}, data, num_boost_round=rounds)


def to_bytes(booster: lgb.Booster) -> bytes:
    """Return a model in LightGBM's own format, the same bytes for the same model."""
    return str(booster.model_to_string()).encode()


def margins(booster: lgb.Booster, rows: CustomerRows) -> NDArray[np.float64]:
    """Return log-odds (n,)."""
    return np.asarray(booster.predict(rows.matrix(), raw_score=True, num_threads=_threads(rows)), dtype=np.float64)


def contributions(booster: lgb.Booster, rows: CustomerRows) -> NDArray[np.float64]:
    """Return exact tree SHAP values (n, k + c + 1) in log-odds; the last column is the expected value."""
    return np.asarray(booster.predict(rows.matrix(), pred_contrib=True, num_threads=_threads(rows)), dtype=np.float64)


def _threads(rows: CustomerRows) -> int:
    return THREADS if rows.rows <= _MANY_ROWS else len(os.sched_getaffinity(0))
