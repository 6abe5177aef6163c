"""Reference models, fitted on the same customers as the churn model, so that its gain is visible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fusionguard.families.churn.rows import CATEGORIES, CustomerRows

LOGISTIC_REGRESSION = "logistic regression"
LIGHTGBM_DEFAULTS = "LightGBM defaults"
CATBOOST_DEFAULTS = "CatBoost defaults"
REFERENCES = (LOGISTIC_REGRESSION, LIGHTGBM_DEFAULTS)
"""What every run fits. CatBoost's defaults take longer than all the rest together, so only the benchmark reads them."""

Labels = NDArray[np.int8]
Floats = NDArray[np.float64]


def score_reference(name: str, rows: CustomerRows, label: Labels, unseen: CustomerRows, *, seed: int) -> Floats:
    """Fit the reference ``name`` on ``rows`` (n) and return log-odds (m,) of ``unseen`` (m)."""
    if name == LOGISTIC_REGRESSION:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(_dummies(rows), label)
        return np.asarray(model.decision_function(_dummies(unseen)), dtype=np.float64)
    if name == LIGHTGBM_DEFAULTS:
        from fusionguard.families.churn import lightgbm_model

        return lightgbm_model.margins(lightgbm_model.fit(rows, label, {}, rounds=100, seed=seed), unseen)
    if name == CATBOOST_DEFAULTS:
        from fusionguard.families.churn import catboost_model

        return catboost_model.margins(catboost_model.fit(rows, label, {}, seed=seed), unseen)
    raise ValueError(f"there is no reference model '{name}'")


def _dummies(rows: CustomerRows) -> Floats:
    """Return numbers and 0/1 columns (n, k + levels - c): a logistic regression cannot read codes."""
    parts = [rows.numeric]
    for place, known in enumerate(CATEGORIES.values()):
        parts.append((rows.codes[:, [place]] == np.arange(1, len(known))).astype(np.float64))
    return np.column_stack(parts)
