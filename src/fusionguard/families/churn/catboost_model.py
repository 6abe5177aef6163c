"""CatBoost: symmetric trees that read categories as they are."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import catboost as cb
import numpy as np
from numpy.typing import NDArray

from fusionguard.families.churn.config import CatBoostConfig
from fusionguard.families.churn.rows import CustomerRows

THREADS = 1
"""One a fit: the data is small, more are hardly faster, and other models' folds run beside it."""

_MISSING = b""
"""What stands for a category that is missing: CatBoost has only texts there, and no known value is empty."""

_FLOAT32 = float(np.finfo(np.float32).max)
"""CatBoost reads numbers in single precision, in which larger ones would be infinite."""

_ALONE = threading.Lock()
"""CatBoost keeps one logger a process and takes it away at the end of a call: another thread that is in the middle of one then
jumps to address 0 (seen in 1.2.10; https://github.com/catboost/catboost/issues/2620). So one thread at a time makes pools, fits
and explains; predicting needs no logger."""

_VOLATILE = {"model_guid": "", "train_finish_time": ""}


def train_catboost(rows: CustomerRows, label: NDArray[np.int8], config: CatBoostConfig, *, seed: int) -> cb.CatBoost:
    """Fit boosted trees; the same rows, settings and seed give the same bytes."""
    parameters: dict[str, Any] = {
        "iterations": config.rounds,
        "learning_rate": config.learning_rate,
        "depth": config.depth,
        "l2_leaf_reg": config.l2_leaf_reg,
        "rsm": config.rsm,
        "random_strength": config.random_strength,
        "bagging_temperature": config.bagging_temperature,
        "border_count": config.border_count,
        "one_hot_max_size": config.one_hot_max_size,
    }
    return fit(rows, label, {name: value for name, value in parameters.items() if value is not None}, seed=seed)


def fit(rows: CustomerRows, label: NDArray[np.int8], parameters: dict[str, Any], *, seed: int) -> cb.CatBoost:
    """Fit with CatBoost's own names for ``parameters``; what is left out has CatBoost's default."""
    fixed = {
        "loss_function": "Logloss",
        "random_seed": seed,
        "thread_count": THREADS,
        "verbose": False,
        "allow_writing_files": False,
    }
    model = cb.CatBoost({**fixed, **parameters})
    data, outcome = _data(rows), label.astype(np.int32)
    with _ALONE:
        model.fit(cb.Pool(data, label=outcome))
    metadata = model.get_metadata()
    for key, value in _VOLATILE.items():  # else no two files of the same model would be equal
        metadata[key] = value
    return model


def margins(model: cb.CatBoost, rows: CustomerRows) -> NDArray[np.float64]:
    """Return log-odds (n,)."""
    data = _data(rows)
    with _ALONE:
        pool = cb.Pool(data)
    return np.asarray(model.predict(pool, prediction_type="RawFormulaVal", thread_count=THREADS), dtype=np.float64)


def contributions(model: cb.CatBoost, rows: CustomerRows) -> NDArray[np.float64]:
    """Return exact tree SHAP values (n, k + c + 1) in log-odds; the last column is the expected value."""
    data = _data(rows)
    with _ALONE:
        shap = model.get_feature_importance(cb.Pool(data), type="ShapValues", thread_count=THREADS)
    return np.asarray(shap, dtype=np.float64)


def to_bytes(model: cb.CatBoost) -> bytes:
    """Return a model in CatBoost's own format, the same bytes for the same model."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.cbm"
        model.save_model(str(file))
        return file.read_bytes()


def load(file: Path) -> cb.CatBoost:
    """Read a model from CatBoost's own format."""
    return cb.CatBoost().load_model(str(file))


def _data(rows: CustomerRows) -> cb.FeaturesData:
    parts: dict[str, Any] = {}
    if rows.columns.numeric:
        numbers = np.clip(rows.numeric, -_FLOAT32, _FLOAT32).astype(np.float32)
        parts |= {"num_feature_data": numbers, "num_feature_names": list(rows.columns.numeric)}
    if rows.columns.categories:
        texts = np.empty(rows.codes.shape, dtype=object)
        for place, known in enumerate(rows.columns.categories.values()):
            # The last one is what the code of a missing one, -1, finds.
            texts[:, place] = np.array([*(value.encode() for value in known), _MISSING], dtype=object)[rows.codes[:, place]]
        parts |= {"cat_feature_data": texts, "cat_feature_names": list(rows.columns.categories)}
    return cb.FeaturesData(**parts)
