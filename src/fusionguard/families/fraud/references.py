"""Reference models, fitted on the same rows as the fraud model, so that its gain is visible."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import xgboost as xgb
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.fusion import calibrate
from fusionguard.families.fraud.rows import ModelRows, read_slice

LOGISTIC_REGRESSION = "logistic regression"
XGBOOST_DEFAULTS = "XGBoost defaults"

_Scorer = Callable[[np.ndarray], np.ndarray]


def score_references(features: Table, plan: SplitPlan, *, negative_weight: float, seed: int) -> dict[str, np.ndarray]:
    """Fit each reference on the train slice, calibrate it on the calibration slice, and score the test slice.

    Returns
    -------
    dict
        Calibrated probabilities (n_test,) float64 by reference name.
    """
    train = read_slice(features, plan.train, negative_weight)
    fitted = {
        LOGISTIC_REGRESSION: (_logistic_regression(train), 0.0),
        XGBOOST_DEFAULTS: (_xgboost_defaults(train, seed), -math.log(negative_weight)),
    }
    calibration = read_slice(features, plan.calibration, negative_weight)
    test = read_slice(features, plan.test, negative_weight)
    return {
        name: calibrate(score(calibration.x), calibration.label, calibration.weight, score(test.x), prior_shift=shift)
        for name, (score, shift) in fitted.items()
    }


def _logistic_regression(train: ModelRows) -> _Scorer:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(train.x, train.label, logisticregression__sample_weight=train.weight)
    return lambda x: np.asarray(model.decision_function(x), dtype=np.float64)


def _xgboost_defaults(train: ModelRows, seed: int) -> _Scorer:
    model = xgb.XGBClassifier(random_state=seed).fit(train.x, train.label)
    return lambda x: np.asarray(model.predict(x, output_margin=True), dtype=np.float64)
