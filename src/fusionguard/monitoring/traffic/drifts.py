"""Drifts of known kind and size, made on raw rows: what monitoring is tried with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fusionguard.data.schema import FRAUD, DatasetSchema
from fusionguard.monitoring.traffic.breaking import STRETCHED, TIME, absent, break_rows, money
from fusionguard.monitoring.traffic.kinds import Drift

POOL = 4
"""A covariate shift chooses among so many times as many rows as it returns."""

_SHIFTED = {"fraud": "V4", "churn": "Age"}
_AMOUNT = {"fraud": "Amount", "churn": "Balance"}
_MISSING = {"fraud": "V14", "churn": "Tenure"}


def drift_rows(pool: pd.DataFrame, schema: DatasetSchema, drift: Drift, size: float, rows: int, seed: int) -> pd.DataFrame:
    """Return ``rows`` rows of ``pool``, in random order, after the drift; the same seed gives the same.

    Parameters
    ----------
    pool
        Undrifted raw rows with labels, ``POOL`` times as many as asked for where a covariate shift is to choose among them.
    """
    rng = np.random.default_rng((seed, list(Drift).index(drift)))
    chances = _chances(pool, schema, drift, size)
    if drift is Drift.ABSENT_HOURS and TIME in pool:
        pool = pool[~absent(pool[TIME].to_numpy(float), size)]
    chosen = pool.iloc[rng.choice(len(pool), rows, replace=chances is not None, p=chances)].reset_index(drop=True)
    if drift is Drift.HEAVIER_TAIL:
        name = STRETCHED[schema.name]
        middle = float(np.median(pool[name]))
        values = chosen[name].to_numpy(float)
        chosen[name] = money(np.where(values > middle, middle + size * (values - middle), values), name)
    elif drift is Drift.UNIT_ERROR:
        name = STRETCHED[schema.name]
        chosen[name] = money(chosen[name].to_numpy(float) * size, name)
    elif drift is Drift.MISSING_FEATURE:
        chosen.loc[rng.random(rows) < size, _MISSING[schema.name]] = 0
    elif drift is Drift.NEW_PATTERN:
        _new_pattern(chosen, schema, size, rng)
    else:
        break_rows(chosen, schema.name, drift, size, rng)
    return chosen


def _chances(pool: pd.DataFrame, schema: DatasetSchema, drift: Drift, size: float) -> np.ndarray | None:
    """Return the chances (n,) with which rows are chosen; None where all have the same."""
    if drift is Drift.COVARIATE_SHIFT:
        return _tilt(pool[_SHIFTED[schema.name]].to_numpy(float), size)
    if drift is Drift.LARGER_AMOUNTS:
        return _tilt(pool[_AMOUNT[schema.name]].to_numpy(float), size)
    if drift is Drift.OTHER_MIX:
        wanted = (is_night(pool) if schema is FRAUD else pool["Geography"] == "Germany").to_numpy()
        return np.asarray(np.where(wanted, size / wanted.sum(), (1 - size) / (~wanted).sum()))
    return None


def is_night(rows: pd.DataFrame) -> pd.Series:
    """Tell of each transaction whether it is of the first six hours of a day."""
    return rows[TIME] // 3600 % 24 < 6


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
