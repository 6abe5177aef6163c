"""Has a column changed alone, or with the columns that go with it? What tells a broken feed from other customers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.monitoring.faults.evidence import Evidence

FOLLOWS = 0.5
"""From this share of the expected change on, the other columns are taken to follow."""

_ERRORS = 4.0
_WEIGHT = (0.05, 20.0)
_PARAMETERS: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbosity": -1,
}
_ROUNDS = 40


def followed(evidence: Evidence, name: str, before: Integers, now: Integers, *, seed: int = 7) -> float | None:
    """Return how far the other columns have changed with a column, as a share of what they should have; None if that is unknown.

    Where other rows come, and what the column says of the others is what it was (covariate shift), reweighting the reference by
    the column's density ratio says how the others move. A broken column moves alone. Both are read off one direction, the
    others' best prediction of the ratio's logarithm: 1 means that it has moved as reweighting says, 0 that it has not moved. It
    is unknown where the column hardly depends on the others, so that even the expected move drowns in sampling errors.

    Parameters
    ----------
    name
        The column.
    before, now
        (m,) and (n,) the bin, from 0, of each value of the reference and of the window.
    """
    import lightgbm as lgb

    bins = int(max(before.max(), now.max())) + 1
    shares = [(np.bincount(places, minlength=bins) + 0.5) / (places.size + 0.5 * bins) for places in (before, now)]
    weight = np.clip(shares[1] / shares[0], *_WEIGHT)[before]
    others = [column for column in evidence.columns.values() if column.name != name]
    if not others:
        return None
    x, x_now = (np.column_stack([getattr(column, side) for column in others]) for side in ("before", "now"))
    learn = np.random.default_rng(seed).permutation(before.size) % 2 == 0
    categorical = [place for place, column in enumerate(others) if column.is_category]
    data = lgb.Dataset(x[learn], np.log(weight[learn]), categorical_feature=categorical)
    model = lgb.train({**_PARAMETERS, "seed": seed}, data, num_boost_round=_ROUNDS)
    guess = np.asarray(model.predict(x[~learn]), dtype=np.float64)
    guess_now = np.asarray(model.predict(x_now), dtype=np.float64)
    expected = float(np.average(guess, weights=weight[~learn]) - guess.mean())
    error = float(guess.std()) * np.sqrt(1 / guess.size + 1 / guess_now.size)
    if expected <= _ERRORS * error or error == 0:
        return None
    return float(guess_now.mean() - guess.mean()) / expected


def bins_of(before: Floats, now: Floats, most: int = 20) -> tuple[Integers, Integers]:
    """Return the bins of both samples' values: single ones where there are few, else about equal shares of the reference.

    Rows without a value have a bin of their own.
    """
    known = before[~np.isnan(before)]
    values = np.unique(known)
    if values.size > most:
        values = np.unique(np.quantile(known, np.linspace(0, 1, most + 1)[1:-1], method="inverted_cdf"))
    first, second = (
        np.where(np.isnan(side), values.size + 1, np.searchsorted(values, side)).astype(np.int64) for side in (before, now)
    )
    return first, second
