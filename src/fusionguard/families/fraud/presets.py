"""What the trees of a declared data set are trained with where nobody says: settings that do well on many kinds of tables.

The defaults of :class:`XGBoostConfig` were searched for on the data set that ships: thirty components without much to tell each
other, and one fraud in six hundred rows. On other tables they see too few columns at a time to find what matters together.
``benchmarks/declared`` compares both families' presets with the libraries' own defaults on tables of known truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusionguard.config import where_unset
from fusionguard.datasets.catalog import is_built_in
from fusionguard.datasets.declaration import Declaration
from fusionguard.families.fraud.config import XGBoostConfig
from fusionguard.models.tuning.settings import TrainingSettings

XGBOOST: Mapping[str, Any] = {
    "learning_rate": 0.03,
    "max_depth": None,
    "min_child_weight": 0.3,
    "subsample": 0.5,
    "colsample_bytree": 0.8,
    "reg_lambda": 1.0,
    "max_bin": None,
}
"""Slower, with most columns at each tree and half of the rows, shallower where frauds are few, and with more bins where they are
rare; the rest is as it is for the data set that ships."""

OF_HISTORY: Mapping[str, Any] = {"base_score": 0.5}
"""Besides, where rows are seen with what happened before them: from an even chance, as frauds lie in the tails there."""


def settle_settings(declaration: Declaration, xgboost: XGBoostConfig) -> TrainingSettings:
    """Return what the trees are trained with: what was set stays, and so does all of it for the data set that ships."""
    if is_built_in(declaration):
        return TrainingSettings.of(xgboost=xgboost)
    preset = {**XGBOOST, **(OF_HISTORY if declaration.windows else {})}
    return TrainingSettings.of(
        xgboost=where_unset(xgboost, preset), preset="What nobody has set of XGBoost is the preset for declared data sets."
    )
