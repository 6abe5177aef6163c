"""Tuning: better hyperparameters for XGBoost, found by Optuna on the train slice alone."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np

from fusionguard.data.table import Table
from fusionguard.evaluation.forward_folds import ForwardFold, forward_folds
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.boosting import SEGMENT_ROUNDS, fit_booster
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.rows import ModelRows, read_slice
from fusionguard.families.fraud.sizes import settled
from fusionguard.features.definition import FeatureDefinition
from fusionguard.models.packages import XGBOOST
from fusionguard.models.tuning.tuned import TunedModel, judge_folds, study_name, tune_settings

FOLDS = 3
"""Each trial is judged on so many folds, one after the other in time."""
UNPRUNED_FOLDS = 1
"""A trial is judged on one fold more than these at least."""

_PROTOCOL = 2
"""Raised with every change of this code that gives a trial another value, so that no old study is resumed."""
_THREADS = 1
"""Of each fit: folds are fitted beside each other, and a trial's value is the same on any number of cores."""

TunedBooster = TunedModel[XGBoostConfig]


def tune(
    features: Table,
    plan: SplitPlan,
    config: FraudConfig,
    *,
    negative_weight: float,
    studies: Path,
    definition: FeatureDefinition | None = None,
) -> TunedBooster:
    """Search for XGBoost settings with a higher average precision than the configured ones, which are tried first.

    Trials are judged on folds of the train slice that go forward in time, see :func:`forward_folds`: trees are fitted, stopped
    early where the settings say so, and judged on rows that follow each other, as the train, validation and later slices do.
    Rows whose outcome was not known when the judged ones begin are not learned from. Nothing outside the train slice is read.
    What is judged are the trees alone, before they meet the autoencoder.

    The best of many values on few folds leans to the good side; the test slice had no part in the search, and its reading does
    not. How a search is interrupted, resumed and shared is said at :func:`tune_settings`.

    Parameters
    ----------
    negative_weight
        How many real legitimate rows one stands for.
    definition
        What the columns are; those of the data set that ships where nothing is said.

    Raises
    ------
    DataError
        There are too few frauds for the folds.
    StorageError
        The study's file is damaged or cannot be written.
    """
    from fusionguard.families.fraud.search_space import SPACE  # Optuna takes a second to import

    rows = read_slice(features, plan.train, negative_weight, definition)
    start = settled(config.xgboost, *rows.x.shape, frauds=rows.frauds)
    planned = plan.columns.read(features).take(plan.train.places(features))
    folds = forward_folds(planned, FOLDS, stops=start.early_stopping_rounds is not None)
    categories = {"categories": dict(rows.encoding.categories)} if rows.encoding.categories else {}
    name = study_name(
        "fraud-xgboost",
        protocol=_PROTOCOL,
        arrays=(rows.x, rows.label, rows.weight, _borders(folds), *(fold.known for fold in folds if fold.known is not None)),
        start=start,
        space=SPACE,
        seed=config.seed,
        libraries=("optuna", XGBOOST, "numpy"),
        facts={"features": rows.encoding.names, **categories, "segment_rounds": SEGMENT_ROUNDS, "threads": _THREADS},
    )

    def average_precisions(settings: XGBoostConfig) -> Generator[float, None, None]:
        return judge_folds(lambda fold: _average_precision(settings, rows, fold, config.seed), folds)

    return tune_settings(
        TunedBooster,
        "XGBoost",
        name,
        start,
        SPACE,
        average_precisions,
        tuning=config.tuning,
        folds=len(folds),
        seed=config.seed,
        studies=studies,
        unpruned_folds=UNPRUNED_FOLDS,
    )


def _average_precision(settings: XGBoostConfig, rows: ModelRows, fold: ForwardFold, seed: int) -> float:
    judged = rows.part(fold.judged)
    fitted, stopping = rows.part(fold.learned(fold.fitted)), rows.part(fold.learned(fold.stopping))
    booster = fit_booster(fitted, stopping, settings, seed=seed, threads=_THREADS)
    booster.set_param({"nthread": _THREADS})
    margin = booster.inplace_predict(judged.x, predict_type="margin", validate_features=False).astype(np.float64)
    return Ranking(judged.label, margin).average_precision(judged.weight)


def _borders(folds: tuple[ForwardFold, ...]) -> np.ndarray:
    return np.array([[fold.fitted.stop, fold.stopping.stop, fold.judged.stop] for fold in folds], dtype=np.int64)
