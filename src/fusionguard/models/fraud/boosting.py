"""XGBoost, early-stopped by average precision on the validation slice, in segments that can be resumed to the same bits."""

from __future__ import annotations

import logging
from typing import Any

import xgboost as xgb

from fusionguard.config import XGBoostConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.features.fraud import MODEL_FEATURES
from fusionguard.models.fraud.rows import read_slice

SEGMENT_ROUNDS = 50
"""Rounds a booster is trained for before it is serialised and loaded anew: the points where a run may be resumed."""

_log = logging.getLogger(__name__)


def train_booster(features: Table, plan: SplitPlan, config: XGBoostConfig, *, negative_weight: float, seed: int) -> xgb.Booster:
    """Train on the train slice and keep the rounds up to the best average precision on the validation slice.

    Training rows are not weighted: sampling legitimate rows shifts the log-odds by a constant, which calibration
    corrects. Validation rows are, so that rounds are chosen for the real prior.

    Continuing a booster draws other random numbers than training it in one go, so each segment starts from the
    serialised bytes of the last one with a seed of its own; a resumed training then repeats an uninterrupted one exactly.

    Parameters
    ----------
    features
        The time-ordered feature table.
    plan
        Its split; only train and validation are read.
    negative_weight
        How many real legitimate rows one stands for.
    seed
        The same seed, data and number of threads give the same bytes.
    """
    train = _dmatrix(features, plan, "train", 1.0, config.max_bin)
    validation = _dmatrix(features, plan, "validation", negative_weight, config.max_bin, reference=train)
    parameters = _parameters(config)
    serialised: bytearray | None = None
    history: list[tuple[float, float]] = []
    while len(history) < config.rounds and len(history) - 1 - _best(history) < config.early_stopping_rounds:
        rounds = min(SEGMENT_ROUNDS, config.rounds - len(history))
        log: dict[str, dict[str, list[float]]] = {}
        booster = xgb.train(
            {**parameters, "seed": seed + len(history)},
            train,
            num_boost_round=rounds,
            xgb_model=xgb.Booster(model_file=serialised) if serialised else None,
            evals=[(validation, "validation")],
            evals_result=log,
            verbose_eval=False,
        )
        serialised = booster.save_raw("ubj")
        losses = log["validation"]["logloss"]
        history += [(precision, -loss) for precision, loss in zip(log["validation"]["aucpr"], losses, strict=True)]
    best = _best(history)
    _log.info("XGBoost: %d rounds of %d kept, validation average precision %.4f", best + 1, len(history), history[best][0])
    kept = xgb.Booster(model_file=serialised)[: best + 1]
    kept.set_attr(rounds=str(best + 1), validation_average_precision=repr(history[best][0]))
    return kept


def _parameters(config: XGBoostConfig) -> dict[str, Any]:
    names = ("learning_rate", "max_depth", "min_child_weight", "subsample", "colsample_bytree", "reg_lambda", "max_bin")
    return {
        "objective": "binary:logistic",
        "eval_metric": ["logloss", "aucpr"],
        "tree_method": "hist",
        **{name: getattr(config, name) for name in names},
    }


def _best(history: list[tuple[float, float]]) -> int:
    """Return the round with the highest average precision; among equals, as few frauds make many, the lowest log loss."""
    return max(range(len(history)), key=history.__getitem__, default=-1)


def _dmatrix(
    features: Table, plan: SplitPlan, part: str, weight: float, max_bin: int, reference: xgb.DMatrix | None = None
) -> xgb.QuantileDMatrix:
    rows = read_slice(features, getattr(plan, part), weight)
    return xgb.QuantileDMatrix(
        rows.x, rows.label, weight=rows.weight, feature_names=list(MODEL_FEATURES), max_bin=max_bin, ref=reference
    )
