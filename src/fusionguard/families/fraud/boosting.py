"""XGBoost, several trees a round, which can be resumed to the same bits at any round."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from fusionguard.checkpoint import DEFAULT_SECONDS, Checkpoints, identify, open_checkpoints, pack, unpack
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import XGBoostConfig
from fusionguard.families.fraud.rows import ModelRows, read_slice
from fusionguard.families.fraud.sizes import MOST_TREES, settled
from fusionguard.features.definition import FeatureDefinition
from fusionguard.files import sha256_file

SEGMENT_ROUNDS = 50
"""Rounds a booster is trained for before it is serialised and loaded anew, with a seed of its own."""

CATEGORIES_OF_A_SPLIT = 8
"""How many categories a split may send to one side, at most. XGBoost's own 64 learns rare categories by heart."""

BOUNDED = "trees_of_a_round"
"""The booster's attribute that says why a round has fewer trees than it would have; absent where it has not."""

History = list[tuple[float, float]]
"""What each round reached on the validation slice: its average precision and the negative of its log loss."""

_log = logging.getLogger(__name__)


def train_booster(
    features: Table,
    plan: SplitPlan,
    config: XGBoostConfig,
    *,
    negative_weight: float,
    seed: int,
    definition: FeatureDefinition | None = None,
) -> xgb.Booster:
    """Train on the train slice; read each round on the validation slice.

    Every round is kept, unless ``config.early_stopping_rounds`` asks for those up to the best average precision on validation.
    Training rows are not weighted: sampling legitimate rows shifts the log-odds by a constant, which calibration corrects.
    Validation rows are, so that they are read at the real prior. Categories are split as such, into sets of values.

    Continuing a booster draws other random numbers than training it in one go, so each segment starts from the
    serialised bytes of the last one with a seed of its own. A training that was killed goes on from its checkpoint, see
    :mod:`fusionguard.checkpoint`: at most one round is lost where a warning came, and the bytes are those of a training
    that was left alone.

    Parameters
    ----------
    features
        The feature table, in its order.
    plan
        Its split; only train and validation are read.
    negative_weight
        How many real legitimate rows one stands for.
    seed
        The same seed, data and number of threads give the same bytes.
    definition
        What the columns are; those of the data set that ships where nothing is said.
    """
    weights = (plan.train, 1.0), (plan.validation, negative_weight)
    parts = [read_slice(features, part, weight, definition) for part, weight in weights]
    chosen = config.num_parallel_tree is None
    config = settled(config, *parts[0].x.shape, frauds=parts[0].frauds)
    checkpoints = open_checkpoints("booster", lambda: _identity(parts, config, seed))
    booster, history = _fit(parts[0], parts[1], config, seed, checkpoints)
    last = _last(history, config)
    trees = config.num_parallel_tree or 1
    each = f", {trees} trees each" if trees > 1 else ""
    kept = f"{last + 1} rounds of {len(history)} kept{each}"
    if chosen and trees < MOST_TREES:
        bound = f"{trees} instead of {MOST_TREES}, for the train slice holds {parts[0].x.size:,} numbers"
        booster.set_attr(**{BOUNDED: bound})
        _log.info("XGBoost: trees of a round: %s", bound)
    _log.info("XGBoost: %s, validation average precision %.4f", kept, history[last][0])
    return booster


def fit_booster(train: ModelRows, validation: ModelRows, config: XGBoostConfig, *, seed: int, threads: int) -> xgb.Booster:
    """Train as :func:`train_booster` does, on rows at hand and without checkpoints.

    Parameters
    ----------
    train, validation
        Rows to fit on, whose weights are not looked at, and rows whose weighted average precision may end it early.
    threads
        Fits beside each other take one each; the same number gives the same bytes.
    """
    config = settled(config, *train.x.shape, frauds=train.frauds)
    unweighted = replace(train, weight=np.ones_like(train.weight))
    return _fit(unweighted, validation, config, seed, Checkpoints(None, "", DEFAULT_SECONDS), threads)[0]


def _fit(
    train_rows: ModelRows,
    validation_rows: ModelRows,
    config: XGBoostConfig,
    seed: int,
    checkpoints: Checkpoints,
    threads: int | None = None,
) -> tuple[xgb.Booster, History]:
    """Train segment by segment; return the rounds that are kept and what every round reached."""
    train = _dmatrix(train_rows, config.max_bin, threads)
    validation = _judged(validation_rows, config.max_bin, threads, train)
    model, history = _resume(checkpoints)
    while not _finished(history, config):
        model = _train_segment(model, history, train, validation, config, seed, checkpoints, threads)
        if _finished(history, config):
            checkpoints.save(_state(model, history))
    last = _last(history, config)
    kept = xgb.Booster(model_file=model)[: last + 1]
    kept.set_attr(rounds=str(last + 1), validation_average_precision=repr(history[last][0]))
    return kept, history


def _finished(history: History, config: XGBoostConfig) -> bool:
    """Tell at the end of a segment whether it was the last; inside one, there are rounds to come."""
    rounds, patience = len(history), config.early_stopping_rounds
    if rounds >= config.rounds:
        return True
    return patience is not None and rounds % SEGMENT_ROUNDS == 0 and rounds - 1 - _best(history) >= patience


def _last(history: History, config: XGBoostConfig) -> int:
    """Return the last round that is kept."""
    return len(history) - 1 if config.early_stopping_rounds is None else _best(history)


def _train_segment(
    model: bytearray | None,
    history: History,
    train: xgb.QuantileDMatrix,
    validation: xgb.DMatrix,
    config: XGBoostConfig,
    seed: int,
    checkpoints: Checkpoints,
    threads: int | None,
) -> bytearray:
    """Train to the end of the segment that ``history`` has reached, which grows; return the model's bytes."""
    resumed_at = len(history)
    skipped = resumed_at % SEGMENT_ROUNDS
    start = resumed_at - skipped
    parameters = {
        **_parameters(config),
        "seed": seed + start,
        **_sets(train),
        **({} if threads is None else {"nthread": threads}),
    }
    booster = xgb.Booster(parameters, [train, validation], model_file=model)
    if skipped:
        _draw(booster, train, skipped)
    for number in range(skipped, min(SEGMENT_ROUNDS, config.rounds - start)):
        booster.update(train, number)
        history.append(_reading(booster.eval_set([(validation, "validation")], number)))
        # As it is, empty trees and all: a second booster made here would seed anew the generator that the two share.
        checkpoints.pass_point(lambda: _state(booster.save_raw("ubj"), history, resumed_at, skipped))
    return _without_drawn(booster.save_raw("ubj"), resumed_at, skipped)


def _draw(booster: xgb.Booster, train: xgb.QuantileDMatrix, rounds: int) -> None:
    """Draw the random numbers of so many rounds: XGBoost neither stores nor sets the state of its generators.

    What a round draws depends neither on rows nor on gradients. So a round on one row without a gradient draws the same; its
    trees are single leaves that add 0, and are taken out again by :func:`_without_drawn`.
    """
    row = np.zeros((1, train.num_col()), dtype=np.float32)
    names, types = train.feature_names, train.feature_types
    blank = xgb.QuantileDMatrix(
        row, np.zeros(1), feature_names=names, feature_types=types, enable_categorical=types is not None, ref=train
    )
    for number in range(rounds):
        booster.boost(blank, number, grad=np.zeros(1, dtype=np.float32), hess=np.zeros(1, dtype=np.float32))


def _without_drawn(model: bytearray, first: int, count: int) -> bytearray:
    """Return a model's bytes without the ``count`` rounds of empty trees that begin at round ``first``."""
    if count == 0:
        return model
    content = json.loads(xgb.Booster(model_file=model).save_raw("json"))
    forest = content["learner"]["gradient_booster"]["model"]
    a_round = int(forest["gbtree_model_param"]["num_parallel_tree"])
    for key in ("trees", "tree_info"):
        del forest[key][first * a_round : (first + count) * a_round]
    for number, tree in enumerate(forest["trees"]):
        tree["id"] = number
    forest["gbtree_model_param"]["num_trees"] = str(len(forest["trees"]))
    forest["iteration_indptr"] = list(range(0, len(forest["trees"]) + 1, a_round))
    return bytearray(xgb.Booster(model_file=bytearray(json.dumps(content).encode())).save_raw("ubj"))


def _reading(line: str) -> tuple[float, float]:
    """Read ``[3]<tab>validation-logloss:0.1<tab>validation-aucpr:0.8``, the form in which XGBoost gives its metrics."""
    values = {name: float(value) for name, _, value in (word.rpartition(":") for word in line.split()[1:])}
    return values["validation-aucpr"], -values["validation-logloss"]


def _state(model: bytearray, history: History, first: int = 0, count: int = 0) -> bytes:
    facts = {"first_drawn": first, "drawn": count}
    return pack(facts, {"model": np.frombuffer(model, dtype=np.uint8), "history": np.array(history, dtype=np.float64)})


def _resume(checkpoints: Checkpoints) -> tuple[bytearray | None, History]:
    """Return the trees and the history to go on from: none for a training that begins."""
    content = checkpoints.load()
    if content is None:
        return None, []
    facts, arrays = unpack(content)
    history = [(float(precision), float(loss)) for precision, loss in arrays["history"]]
    _log.info("XGBoost: resumed after round %d", len(history))
    return _without_drawn(bytearray(arrays["model"].tobytes()), facts["first_drawn"], facts["drawn"]), history


def _parameters(config: XGBoostConfig) -> dict[str, Any]:
    names = (
        "num_parallel_tree",
        "learning_rate",
        "max_depth",
        "min_child_weight",
        "subsample",
        "colsample_bytree",
        "reg_lambda",
        "max_bin",
    )
    return {
        "objective": "binary:logistic",
        "eval_metric": ["logloss", "aucpr"],
        "tree_method": "hist",
        **{name: getattr(config, name) for name in names},
        **({} if config.base_score is None else {"base_score": config.base_score}),
    }


def _sets(train: xgb.QuantileDMatrix) -> dict[str, int]:
    """Return how categories are split; nothing where there are none, which needs no saying."""
    return {"max_cat_threshold": CATEGORIES_OF_A_SPLIT} if "c" in (train.feature_types or ()) else {}


def _best(history: History) -> int:
    """Return the round with the highest average precision; among equals, as few frauds make many, the lowest log loss."""
    return max(range(len(history)), key=history.__getitem__, default=-1)


def _dmatrix(
    rows: ModelRows, max_bin: int | None, threads: int | None, reference: xgb.DMatrix | None = None
) -> xgb.QuantileDMatrix:
    return xgb.QuantileDMatrix(
        rows.x, rows.label, weight=rows.weight, max_bin=max_bin, ref=reference, nthread=threads, **rows.encoding.of_columns
    )


def _judged(rows: ModelRows, max_bin: int | None, threads: int | None, train: xgb.QuantileDMatrix) -> xgb.DMatrix:
    """Return rows to read each round on. Bins know only the categories that are in ``train``, so those are read as they are."""
    if not rows.encoding.categories:
        return _dmatrix(rows, max_bin, threads, reference=train)
    return xgb.DMatrix(rows.x, rows.label, weight=rows.weight, nthread=threads, **rows.encoding.of_columns)


def _identity(parts: Sequence[ModelRows], config: XGBoostConfig, seed: int) -> str:
    """Return the SHA-256 over all that decides the booster: rows, settings, seed, this module, XGBoost and its threads."""
    settings = {
        "config": config.model_dump(mode="json"),
        "seed": seed,
        "features": [[each.encoding.names, dict(each.encoding.categories)] for each in parts],
        "segment_rounds": SEGMENT_ROUNDS,
        "module": sha256_file(Path(__file__)),
        "xgboost": xgb.__version__,
        "numpy": np.__version__,
        "threads": os.environ.get("OMP_NUM_THREADS") or str(len(os.sched_getaffinity(0))),
    }
    return identify(settings, (array for rows in parts for array in (rows.x, rows.label, rows.weight)))
