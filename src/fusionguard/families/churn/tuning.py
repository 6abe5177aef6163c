"""Tuning: better hyperparameters for LightGBM and CatBoost, found by Optuna on the development part alone."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.holdout import Fold, HoldoutPlan
from fusionguard.evaluation.planned_rows import PlannedRows
from fusionguard.evaluation.ranked import Ranking
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.rows import CustomerRows, read_customers
from fusionguard.features.definition import FeatureDefinition
from fusionguard.models.tuning.tuned import TunedModel, judge_folds, study_name, tune_settings

FOLDS, REPEATS = 5, 2
"""Each trial is judged on so many folds, so many times over; where rows have a time, once."""

_PROTOCOL = 2
"""Raised with every change of this code that gives a trial another value, so that no old study is resumed."""

Kind = Literal["LightGBM", "CatBoost"]
Labels = NDArray[np.int8]
Settings = LightGBMConfig | CatBoostConfig
TunedChurnModel = TunedModel[Settings]


def tune(
    kind: Kind, features: Table, definition: FeatureDefinition, plan: HoldoutPlan, config: ChurnConfig, *, studies: Path
) -> TunedChurnModel:
    """Search for settings of one model with a higher average precision than the configured ones, which are tried first.

    Trials are judged on folds of the development part that are drawn with another seed than those of the evaluation. They are
    the same customers all the same, so cross-validated quality of tuned settings is slightly optimistic; the test slice had no
    part in the search, and its reading is not.

    How a search is interrupted, resumed and shared is said at :func:`tune_settings`.

    Raises
    ------
    DataError
        There are too few customers of one class for the folds.
    StorageError
        The study's file is damaged or cannot be written.
    """
    from fusionguard.families.churn.search_space import SPACES  # Optuna takes a second to import

    customers, _ = read_customers(features, definition)
    rows = plan.planned(features)
    folded = plan.folded_places(rows)
    customers, rows = customers.take(folded), rows.take(folded)
    label, folds = rows.label, _tuning_folds(rows, plan)
    start: Settings = config.lightgbm if kind == "LightGBM" else config.catboost
    name = study_name(
        f"churn-{kind.lower()}",
        protocol=_PROTOCOL,
        arrays=(customers.numeric, customers.codes, label, *(places for _, places in folds)),
        start=start,
        space=SPACES[kind],
        seed=config.seed,
        libraries=("optuna", kind.lower(), "numpy", "scikit-learn"),
    )

    def average_precisions(settings: Settings) -> Generator[float, None, None]:
        return judge_folds(lambda fold: _average_precision(settings, customers, label, fold, config.seed), folds)

    return tune_settings(
        TunedChurnModel,
        kind,
        name,
        start,
        SPACES[kind],
        average_precisions,
        tuning=config.tuning,
        folds=len(folds),
        repeats=len(folds) // FOLDS,
        seed=config.seed,
        studies=studies,
    )


def _tuning_folds(rows: PlannedRows, plan: HoldoutPlan) -> list[Fold]:
    fewest = int(np.bincount(rows.label, minlength=2).min())
    if fewest < 2 * FOLDS:
        raise DataError(
            f"Only {fewest} customers of one outcome are left to tune on {FOLDS} folds.",
            "Give the run more rows, or switch tuning off with --set tuning.trials=0.",
        )
    own = {"folds": FOLDS, "repeats": REPEATS, "seed": plan.seed + 1}
    return plan.model_copy(update=own).fold_places(rows)


def _average_precision(settings: Settings, customers: CustomerRows, label: Labels, fold: Fold, seed: int) -> float:
    rest, places = fold
    score = _fit_and_score(settings, customers.take(rest), label[rest], customers.take(places), seed)
    return Ranking(label[places], score).average_precision(np.ones(places.size))


def _fit_and_score(settings: Settings, rows: CustomerRows, label: Labels, unseen: CustomerRows, seed: int) -> NDArray[np.float64]:
    if isinstance(settings, LightGBMConfig):
        from fusionguard.families.churn import lightgbm_model

        return lightgbm_model.margins(lightgbm_model.train_lightgbm(rows, label, settings, seed=seed), unseen)
    from fusionguard.families.churn import catboost_model

    return catboost_model.margins(catboost_model.train_catboost(rows, label, settings, seed=seed), unseen)
