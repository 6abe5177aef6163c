"""Reference models, fitted on the same rows as the fraud model, so that its gain is visible."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost as xgb
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.fusion import calibrate
from fusionguard.families.fraud.rows import ModelRows, read_slice
from fusionguard.families.fraud.sizes import SAMPLED_ROWS, sampled
from fusionguard.features.definition import FeatureDefinition

LOGISTIC_REGRESSION = "logistic regression"
XGBOOST_DEFAULTS = "XGBoost defaults"

_CATEGORIES = 50
"""Columns that one category gives the logistic regression, at most: rarer values share one."""

_log = logging.getLogger(__name__)

Scorer = Callable[[np.ndarray], np.ndarray]
"""Returns what ranks rows (n, features), (n,) log-odds."""


def score_references(
    features: Table, plan: SplitPlan, *, negative_weight: float, seed: int, definition: FeatureDefinition | None = None
) -> dict[str, np.ndarray]:
    """Fit each reference on the train slice, calibrate it on the calibration slice, and score the test slice.

    Parameters
    ----------
    negative_weight
        How many real legitimate rows one stands for.
    seed
        Of XGBoost, and of the rows that both learn from where there are many.
    definition
        What the columns are; those of the data set that ships where nothing is said.

    Returns
    -------
    dict
        Calibrated probabilities (n_test,) float64 by reference name.
    """
    train, calibration, test = (
        read_slice(features, part, negative_weight, definition) for part in (plan.train, plan.calibration, plan.test)
    )
    fitted = fit_references(train, seed)
    shifts = {LOGISTIC_REGRESSION: 0.0, XGBOOST_DEFAULTS: -math.log(negative_weight)}
    return {
        name: calibrate(score(calibration.x), calibration.label, calibration.weight, score(test.x), prior_shift=shifts[name])
        for name, score in fitted.items()
    }


def fit_references(train: ModelRows, seed: int) -> dict[str, Scorer]:
    """Fit each reference on rows, of many on a sample; return what ranks rows by its name."""
    learned = sampled(len(train.label), seed)
    if isinstance(learned, np.ndarray):
        _log.info("references: fitted on %s of %s rows", f"{SAMPLED_ROWS:,}", f"{len(train.label):,}")
    train = train.part(learned)
    return {LOGISTIC_REGRESSION: _logistic_regression(train), XGBOOST_DEFAULTS: _xgboost_defaults(train, seed)}


def _logistic_regression(train: ModelRows) -> Scorer:
    model = make_pipeline(*_preparation(train), LogisticRegression(max_iter=1000))
    model.fit(train.x, train.label, logisticregression__sample_weight=train.weight)
    return lambda x: np.asarray(model.decision_function(x), dtype=np.float64)


def _preparation(train: ModelRows) -> list[Any]:
    """Return what standardises numbers, fills missing ones with the mean, and gives each frequent category a column."""
    names, categories = train.encoding.names, train.encoding.categories
    fill = [SimpleImputer(keep_empty_features=True)] if np.isnan(train.x).any() or categories else []
    numeric = [*fill, StandardScaler()]
    if not categories:
        return numeric
    texts = [place for place, name in enumerate(names) if name in categories]
    numbers = [place for place, name in enumerate(names) if name not in categories]
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_CATEGORIES)
    return [ColumnTransformer([("numbers", make_pipeline(*numeric), numbers), ("categories", one_hot, texts)])]


def _xgboost_defaults(train: ModelRows, seed: int) -> Scorer:
    types = train.encoding.types
    categorical = {} if types is None else {"enable_categorical": True, "feature_types": types}
    model = xgb.XGBClassifier(random_state=seed, **categorical).fit(train.x, train.label)
    return lambda x: np.asarray(model.predict(x, output_margin=True), dtype=np.float64)
