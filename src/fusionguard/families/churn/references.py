"""Reference models, fitted on the same customers as the churn model, so that its gain is visible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fusionguard.families.churn.rows import NO_CODE, CustomerRows

LOGISTIC_REGRESSION = "logistic regression"
LIGHTGBM_DEFAULTS = "LightGBM defaults"
CATBOOST_DEFAULTS = "CatBoost defaults"
REFERENCES = (LOGISTIC_REGRESSION, LIGHTGBM_DEFAULTS)
"""What every run fits. CatBoost's defaults take longer than all the rest together, so only the benchmark reads them."""

_MOST_DUMMIES = 50
"""Values of one category that the logistic regression tells apart, at most."""
_LARGEST = 1e100
"""Larger numbers would be infinite once they are squared."""

Labels = NDArray[np.int8]
Floats = NDArray[np.float64]


def score_reference(name: str, rows: CustomerRows, label: Labels, unseen: CustomerRows, *, seed: int) -> Floats:
    """Fit the reference ``name`` on ``rows`` (n) and return log-odds (m,) of ``unseen`` (m)."""
    if name == LOGISTIC_REGRESSION:
        table = _Dummies(rows)
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(table.columns(rows), label)
        return np.asarray(model.decision_function(table.columns(unseen)), dtype=np.float64)
    if name == LIGHTGBM_DEFAULTS:
        from fusionguard.families.churn import lightgbm_model

        return lightgbm_model.margins(lightgbm_model.fit(rows, label, {}, rounds=100, seed=seed), unseen)
    if name == CATBOOST_DEFAULTS:
        from fusionguard.families.churn import catboost_model

        return catboost_model.margins(catboost_model.fit(rows, label, {}, seed=seed), unseen)
    raise ValueError(f"there is no reference model '{name}'")


class _Dummies:
    """Numbers and 0/1 columns of what ``rows`` hold: a logistic regression cannot read codes, nor gaps.

    A missing number is the median of ``rows``, with a column that says so where they have gaps. A category has a column for each
    value but the first, or for its most frequent ones.
    """

    def __init__(self, rows: CustomerRows) -> None:
        gaps = np.isnan(rows.numeric)
        columns = zip(rows.numeric.T, gaps.T, strict=True)
        self._median = np.array([0.0 if gap.all() else np.median(column[~gap]) for column, gap in columns])
        self._gaps = np.flatnonzero(gaps.any(axis=0))
        categories = zip(rows.codes.T, rows.columns.categories.values(), strict=True)
        self._values = [_frequent(codes, len(known)) for codes, known in categories]

    def columns(self, rows: CustomerRows) -> Floats:
        """Return (n, number of columns) of ``rows``, each within the range of single precision."""
        gaps = np.isnan(rows.numeric)
        numbers = np.clip(np.where(gaps, self._median, rows.numeric), -_LARGEST, _LARGEST)
        parts = [numbers, gaps[:, self._gaps].astype(np.float64)]
        parts += [(codes[:, None] == values).astype(np.float64) for codes, values in zip(rows.codes.T, self._values, strict=True)]
        return np.column_stack(parts)


def _frequent(codes: NDArray[np.int32], known: int) -> NDArray[np.int64]:
    """Return the codes that get a column: all but 0, where they are few; else the most frequent ones. -1 is for a missing one."""
    found = np.arange(1, known)
    if found.size > _MOST_DUMMIES:
        counted = np.bincount(codes[codes >= 0], minlength=known)
        found = np.sort(np.argsort(-counted, kind="stable")[:_MOST_DUMMIES])
    return np.append(found, NO_CODE) if (codes == NO_CODE).any() else found
