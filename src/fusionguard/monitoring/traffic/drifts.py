"""Drifts of known kind and size, made on raw rows: what monitoring is tried with."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pandas as pd

from fusionguard.data.contract_suites import CHURN_LIMITS, LARGEST_AMOUNT
from fusionguard.data.schema import FRAUD, DatasetSchema


class Drift(StrEnum):
    """What happens to the rows; ``size`` says how much of it."""

    NONE = "none"
    COVARIATE_SHIFT = "covariate-shift"
    """Other rows come, and the outcome follows from them as before. Size: how many deviations one feature's mean moves."""
    HEAVIER_TAIL = "heavier-tail"
    """Large amounts become larger. Size: the factor by which what exceeds the median is stretched."""
    NEW_PATTERN = "new-pattern"
    """Rows have other outcomes (concept drift): frauds look legitimate, loyal customers leave. Size: the share of rows."""
    MISSING_FEATURE = "missing-feature"
    """A source fails and a field is filled with 0. Size: the share of rows."""
    UNIT_ERROR = "unit-error"
    """An amount comes in another unit: cents, or a salary by the month. Size: the factor."""
    LABEL_DELAY = "label-delay"
    """Outcomes of the latest rows are not known yet. Size: the share of rows."""


DEFAULT_SIZES: dict[str, dict[Drift, float]] = {
    "fraud": {
        Drift.NONE: 0.0,
        Drift.COVARIATE_SHIFT: 0.5,
        Drift.HEAVIER_TAIL: 3.0,
        Drift.NEW_PATTERN: 0.005,
        Drift.MISSING_FEATURE: 1.0,
        Drift.UNIT_ERROR: 100.0,
        Drift.LABEL_DELAY: 0.5,
    },
    "churn": {
        Drift.NONE: 0.0,
        Drift.COVARIATE_SHIFT: 0.5,
        Drift.HEAVIER_TAIL: 2.0,
        Drift.NEW_PATTERN: 0.15,
        Drift.MISSING_FEATURE: 1.0,
        Drift.UNIT_ERROR: 1 / 12,
        Drift.LABEL_DELAY: 0.5,
    },
}

POOL = 4
"""A covariate shift chooses among so many times as many rows as it returns."""

MOST_DEVIATIONS = 2.0
"""A mean cannot move further by choosing among rows that exist."""

_SHIFTED = {"fraud": "V4", "churn": "Age"}
_STRETCHED = {"fraud": "Amount", "churn": "EstimatedSalary"}
_MISSING = {"fraud": "V14", "churn": "Tenure"}
_LARGEST = {"Amount": LARGEST_AMOUNT, "EstimatedSalary": CHURN_LIMITS["EstimatedSalary"][1]}


def drift_rows(pool: pd.DataFrame, schema: DatasetSchema, drift: Drift, size: float, rows: int, seed: int) -> pd.DataFrame:
    """Return ``rows`` rows of ``pool``, in random order, after the drift; the same seed gives the same.

    Parameters
    ----------
    pool
        Undrifted raw rows with labels, ``POOL`` times as many as asked for where a covariate shift is to choose among them.
    """
    rng = np.random.default_rng((seed, list(Drift).index(drift)))
    chances = _tilt(pool[_SHIFTED[schema.name]].to_numpy(float), size) if drift is Drift.COVARIATE_SHIFT else None
    chosen = pool.iloc[rng.choice(len(pool), rows, replace=chances is not None, p=chances)].reset_index(drop=True)
    if drift is Drift.HEAVIER_TAIL:
        name = _STRETCHED[schema.name]
        middle = float(np.median(pool[name]))
        values = chosen[name].to_numpy(float)
        chosen[name] = _money(np.where(values > middle, middle + size * (values - middle), values), name)
    elif drift is Drift.UNIT_ERROR:
        name = _STRETCHED[schema.name]
        chosen[name] = _money(chosen[name].to_numpy(float) * size, name)
    elif drift is Drift.MISSING_FEATURE:
        chosen.loc[rng.random(rows) < size, _MISSING[schema.name]] = 0
    elif drift is Drift.NEW_PATTERN:
        _new_pattern(chosen, schema, size, rng)
    return chosen


def _tilt(values: np.ndarray, size: float) -> np.ndarray:
    """Return chances (n,) by exponential tilting, just as strong as moves the mean by ``size`` standard deviations."""
    from scipy.optimize import brentq

    deviations = np.clip((values - values.mean()) / values.std(), -4, 4)

    def chances(strength: float) -> np.ndarray:
        weights = np.exp(strength * deviations)
        return np.asarray(weights / weights.sum())

    strength = brentq(lambda strength: chances(strength) @ deviations - size, 0.0, 5.0)
    return chances(strength)


def _new_pattern(rows: pd.DataFrame, schema: DatasetSchema, size: float, rng: np.random.Generator) -> None:
    """Turn so many of all rows, among those the model holds for safe, into positives."""
    safe = rows[schema.label] == 0
    if schema is FRAUD:
        safe &= rows["Amount"].between(5, 200)
    else:
        safe &= (rows["NumOfProducts"] == 2) & (rows["Age"] < 45)
    places = np.flatnonzero(safe.to_numpy())
    turned = rng.choice(places, min(round(size * len(rows)), places.size), replace=False)
    rows.loc[turned, schema.label] = 1


def _money(values: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(np.round(np.clip(values, 0, _LARGEST[name]), 2))
