"""Where the search for better churn settings looks: around what pays on a few thousand customers, wide enough to be surprised."""

from __future__ import annotations

from collections.abc import Mapping

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from fusionguard.families.churn.out_of_fold import CATBOOST, LIGHTGBM

SPACES: Mapping[str, Mapping[str, BaseDistribution]] = {
    LIGHTGBM: {
        "rounds": IntDistribution(100, 800, log=True),
        "learning_rate": FloatDistribution(0.01, 0.1, log=True),
        "num_leaves": IntDistribution(4, 48, log=True),
        "min_child_samples": IntDistribution(2, 60, log=True),
        "subsample": FloatDistribution(0.5, 1.0),
        "colsample_bytree": FloatDistribution(0.3, 1.0),
        "reg_lambda": FloatDistribution(0.001, 30.0, log=True),
        "min_split_gain": FloatDistribution(0.0, 1.5),
        "path_smooth": FloatDistribution(0.0, 20.0),
    },
    CATBOOST: {
        "rounds": IntDistribution(100, 800, log=True),
        "learning_rate": FloatDistribution(0.015, 0.12, log=True),
        "depth": IntDistribution(3, 8),
        "l2_leaf_reg": FloatDistribution(0.3, 30.0, log=True),
        "rsm": FloatDistribution(0.2, 1.0),
        "random_strength": FloatDistribution(0.0, 2.0),
        "bagging_temperature": FloatDistribution(0.0, 2.5),
        "border_count": IntDistribution(32, 254, log=True),
    },
}
"""By model, the range of each of its settings; names are those of the config."""
