"""Tuning: better hyperparameters for LightGBM and CatBoost, found by Optuna on the development part alone."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.churn.holdout import Fold, HoldoutPlan
from fusionguard.evaluation.ranked import Ranking
from fusionguard.files import json_text
from fusionguard.models.churn.rows import CustomerRows, read_customers

FOLDS, REPEATS = 5, 2
"""Each trial is judged on so many folds, so many times over."""

_PROTOCOL = 1
"""Raised with every change of this code that gives a trial another value, so that no old study is resumed."""

Kind = Literal["LightGBM", "CatBoost"]
Labels = NDArray[np.int8]


class TunedModel(BaseModel):
    """The best settings of a search, and what it took to find them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    settings: LightGBMConfig | CatBoostConfig
    trials: int
    """How many trials have ended, those of earlier sessions and other workers included."""
    pruned: int
    """How many of them were given up before the last fold."""
    value: float
    """Mean average precision over the tuning folds."""
    value_of_start: float
    """That of the configured settings."""
    seconds: float
    """How long this session took."""
    study: str
    """The study's name: the same customers, folds, seed, start, space and library versions have the same one."""


def tune(kind: Kind, features: Table, plan: HoldoutPlan, config: ChurnConfig, *, studies: Path) -> TunedModel:
    """Search for settings of one model with a higher average precision than the configured ones, which are tried first.

    Trials are judged on folds of the development part that are drawn with another seed than those of the evaluation. They are
    the same customers all the same, so cross-validated quality of tuned settings is slightly optimistic; the test slice had no
    part in the search, and its reading is not.

    The study is kept in ``studies/<name>.log``: a search that was interrupted, by kill -9 too, goes on where it was and ends
    with what an uninterrupted one finds. Several processes may call this at once, on several computers that share ``studies``:
    together they run ``config.tuning.trials`` trials, and which settings are tried then depends on who is quicker.

    Raises
    ------
    DataError
        There are too few customers of one class for the folds.
    StorageError
        The study's file is damaged or cannot be written.
    """
    from fusionguard.models.churn.search_space import SPACES
    from fusionguard.models.tuning.study import search

    began = time.monotonic()
    customers, label = read_customers(features)
    development, _ = plan.places(label)
    customers, label = customers.take(development), label[development]
    folds = _tuning_folds(label, plan)
    start: LightGBMConfig | CatBoostConfig = config.lightgbm if kind == "LightGBM" else config.catboost
    name = f"churn-{kind.lower()}-{_identity(kind, customers, label, folds, start, SPACES[kind], config.seed)}"

    def objective(settings: Mapping[str, Any]) -> Generator[float, None, None]:
        return _average_precisions(type(start)(**settings), customers, label, folds, config.seed)

    found = search(
        kind,
        studies,
        name,
        SPACES[kind],
        start.model_dump(),
        objective,
        trials=config.tuning.trials,
        seconds=config.tuning.seconds,
        seed=config.seed,
    )
    return TunedModel(
        kind=kind,
        settings=type(start)(**found.settings),
        trials=found.finished,
        pruned=found.pruned,
        value=found.value,
        value_of_start=found.value_of_start,
        seconds=time.monotonic() - began,
        study=name,
    )


def _tuning_folds(label: Labels, plan: HoldoutPlan) -> list[Fold]:
    fewest = int(np.bincount(label, minlength=2).min())
    if fewest < 2 * FOLDS:
        raise DataError(
            f"Only {fewest} customers of one outcome are left to tune on {FOLDS} folds.",
            "Give the run more rows, or switch tuning off with --set tuning.trials=0.",
        )
    own = {"folds": FOLDS, "repeats": REPEATS, "seed": plan.seed + 1}
    return plan.model_copy(update=own).fold_places(label)


def _identity(
    kind: Kind,
    customers: CustomerRows,
    label: Labels,
    folds: list[Fold],
    start: LightGBMConfig | CatBoostConfig,
    space: Mapping[str, Any],
    seed: int,
) -> str:
    """Return a SHA-256 over everything that decides a trial's value and the order of trials."""
    content = hashlib.sha256()
    for part in (customers.numeric, customers.codes, label, *(places for _, places in folds)):
        content.update(np.ascontiguousarray(part).tobytes())
    libraries = ("optuna", kind.lower(), "numpy", "scikit-learn")
    identity = {
        "protocol": _PROTOCOL,
        "kind": kind,
        "rows": label.size,
        "customers_and_folds": content.hexdigest(),
        "start": start.model_dump(),
        "space": {key: str(within) for key, within in space.items()},
        "seed": seed,
        "versions": {library: version(library) for library in libraries},
    }
    return hashlib.sha256(json_text(identity).encode()).hexdigest()


def _average_precisions(
    settings: LightGBMConfig | CatBoostConfig, customers: CustomerRows, label: Labels, folds: list[Fold], seed: int
) -> Generator[float, None, None]:
    """Yield the average precision on each fold, in order; folds are fitted beside each other, and no longer than wanted."""

    def judge(fold: Fold) -> float:
        rest, places = fold
        score = _fit_and_score(settings, customers.take(rest), label[rest], customers.take(places), seed)
        return Ranking(label[places], score).average_precision(np.ones(places.size))

    pool = ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), 8))
    try:
        for waiting in [pool.submit(judge, fold) for fold in folds]:
            yield waiting.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _fit_and_score(
    settings: LightGBMConfig | CatBoostConfig, rows: CustomerRows, label: Labels, unseen: CustomerRows, seed: int
) -> NDArray[np.float64]:
    if isinstance(settings, LightGBMConfig):
        from fusionguard.models.churn import lightgbm_model

        return lightgbm_model.margins(lightgbm_model.train_lightgbm(rows, label, settings, seed=seed), unseen)
    from fusionguard.models.churn import catboost_model

    return catboost_model.margins(catboost_model.train_catboost(rows, label, settings, seed=seed), unseen)
