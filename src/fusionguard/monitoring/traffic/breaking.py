"""What broken systems before a model do to its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fusionguard.data.contract_suites import CHURN_LIMITS, LARGEST_AMOUNT
from fusionguard.monitoring.traffic.kinds import Drift

STRETCHED = {"fraud": "Amount", "churn": "EstimatedSalary"}
"""The column of money that drifts change."""

TIME = "Time"
"""The column of transactions' times; customers have none."""

_FROZEN = {"fraud": "V10", "churn": "Gender"}
_SPIKED = {"fraud": "V14", "churn": "Balance"}
_SWAPPED = {"fraud": ("V3", "V14"), "churn": ("Balance", "EstimatedSalary")}
_ROUNDED = {"fraud": "Amount", "churn": "EstimatedSalary"}
_DISPLACED = {"fraud": "V12", "churn": "Age"}
_JITTER = 0.01
_FIRST_HOUR, _SECONDS_PER_HOUR = 1, 3600
_LARGEST = dict.fromkeys(("Amount", "EstimatedSalary", "Balance"), LARGEST_AMOUNT)


def absent(seconds: np.ndarray, hours: float) -> np.ndarray:
    """Tell of times (n,), in seconds since a midnight, whether they are of the hours that do not come any more."""
    hour = (seconds // _SECONDS_PER_HOUR).astype(np.int64) % 24
    return np.asarray((hour >= _FIRST_HOUR) & (hour < _FIRST_HOUR + round(hours)))


def break_rows(rows: pd.DataFrame, name: str, drift: Drift, size: float, rng: np.random.Generator) -> None:
    """Do to rows what broken systems before the model do."""
    hit = rng.random(len(rows)) < size
    if drift is Drift.FROZEN_FEATURE:
        rows.loc[hit, _FROZEN[name]] = rows[_FROZEN[name]].iloc[0]
    elif drift is Drift.SPIKE:
        rows.loc[hit, _SPIKED[name]] = 0.0
    elif drift is Drift.SWAPPED_FEATURES:
        one, other = _SWAPPED[name]
        rows.loc[hit, [one, other]] = rows.loc[hit, [other, one]].to_numpy()
    elif drift is Drift.ROUNDED_FEATURE:
        rows[_ROUNDED[name]] = np.round(rows[_ROUNDED[name]] / size) * size
    elif drift is Drift.CONSTANT_SHIFT:
        column = _DISPLACED[name]
        moved = rows[column] + size * rows[column].std()
        rows[column] = (
            moved if rows[column].dtype.kind == "f" else np.minimum(moved.round(), CHURN_LIMITS[column][1]).astype("int64")
        )
    elif drift is Drift.FACTOR:
        rows[STRETCHED[name]] = money(rows[STRETCHED[name]].to_numpy(float) * size, STRETCHED[name])
    elif drift is Drift.BURST:
        _repeat(rows, round(size * len(rows)), rng)


def _repeat(rows: pd.DataFrame, copies: int, rng: np.random.Generator) -> None:
    """Make the first rows copies of one, whose numbers with a fraction differ by a hundredth of their deviation."""
    copied = range(min(copies, len(rows)))
    for name in rows.columns:
        value = rows[name].iloc[0]
        if rows[name].dtype.kind != "f" or name == TIME or value == 0:
            rows.loc[rows.index[: len(copied)], name] = value
            continue
        noise = _JITTER * rows[name].std() * rng.standard_normal(len(copied))
        made = value + noise
        rows.loc[rows.index[: len(copied)], name] = money(made, name) if name in _LARGEST else made


def money(values: np.ndarray, name: str) -> np.ndarray:
    """Return amounts (n,) in whole cents, within what a service takes."""
    return np.asarray(np.round(np.clip(values, 0, _LARGEST[name]), 2))
