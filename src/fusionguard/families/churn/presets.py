"""What models of a declared data set are trained with where nobody says: settings that do well on many kinds of tables.

The defaults of :class:`LightGBMConfig` and :class:`CatBoostConfig` were searched for on the data set that ships, a few thousand
customers with few columns, and are what its published figures are of. On other tables they fit too little: fewer and smaller
trees than there is to learn. ``benchmarks/declared`` compares both with the libraries' own defaults on tables of known truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusionguard.config import where_unset
from fusionguard.datasets.catalog import is_built_in
from fusionguard.families.churn.config import CatBoostConfig, LightGBMConfig
from fusionguard.features.store import FeatureManifest
from fusionguard.models.tuning.settings import TrainingSettings

MOST_CATBOOST_ROWS = 100_000
"""On more development rows CatBoost takes so much longer than LightGBM, for so little, that it is no candidate unless its
settings are given."""

LIGHTGBM: Mapping[str, Any] = {
    "rounds": 300,
    "learning_rate": 0.03,
    "num_leaves": 16,
    "min_child_samples": 20,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "reg_lambda": 5.0,
    "min_split_gain": 0.0,
    "path_smooth": 0.0,
}
"""Slower and more regular than LightGBM's own defaults, whose 100 trees of 31 leaves overfit where few rows are positive."""

CATBOOST: dict[str, Any] = {
    "rounds": 1000,
    "learning_rate": None,
    "depth": 6,
    "l2_leaf_reg": None,
    "rsm": 1.0,
    "random_strength": 1.0,
    "bagging_temperature": None,
    "border_count": 254,
    "one_hot_max_size": None,
}
"""CatBoost's own defaults. What would be faster costs quality on tables of few rows: a Bayesian bootstrap, half the columns at a
split, a split for each value of a category."""

_FEWER_ROUNDS_FROM = 20_000
_FEWER_ROUNDS = 500
"""On more rows CatBoost takes so many rounds, at the higher rate that it then chooses itself, for half the time."""


def settle_settings(manifest: FeatureManifest, rows: int, lightgbm: LightGBMConfig, catboost: CatBoostConfig) -> TrainingSettings:
    """Return what the models are trained with: what was set stays, and so does all of it for the data set that ships.

    Parameters
    ----------
    rows
        How many rows the development part has.
    """
    if manifest.described is None or is_built_in(manifest.described.declaration):
        return TrainingSettings.of(lightgbm=lightgbm, catboost=catboost)
    lightgbm = where_unset(lightgbm, LIGHTGBM)
    fewer = {"rounds": _FEWER_ROUNDS} if rows > _FEWER_ROUNDS_FROM else {}
    if rows > MOST_CATBOOST_ROWS and not catboost.model_fields_set:
        return TrainingSettings.of(
            lightgbm=lightgbm,
            preset=f"Settings follow from the table: with {rows:,} rows to learn from, more than {MOST_CATBOOST_ROWS:,}, LightGBM"
            " alone is trained, and what nobody has set of it is the preset for declared data sets.",
        )
    return TrainingSettings.of(
        lightgbm=lightgbm,
        catboost=where_unset(catboost, CATBOOST | fewer),
        preset="What nobody has set of LightGBM and CatBoost is the preset for declared data sets; cross-validation chose between"
        " the two and their average.",
    )
