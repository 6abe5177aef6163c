"""Where the search for better XGBoost settings looks: around what pays for a rare class, wide enough to be surprised."""

from __future__ import annotations

from collections.abc import Mapping

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

SPACE: Mapping[str, BaseDistribution] = {
    "learning_rate": FloatDistribution(0.01, 0.2, log=True),
    "max_depth": IntDistribution(2, 8),
    "min_child_weight": FloatDistribution(0.001, 3.0, log=True),
    "subsample": FloatDistribution(0.4, 1.0),
    "colsample_bytree": FloatDistribution(0.15, 1.0),
    "reg_lambda": FloatDistribution(0.1, 50.0, log=True),
}
"""The range of each setting that is searched; names are those of the config.

The others stay as configured: rounds and learning rate do one work, and more trees a round or more bins cost time.
"""
