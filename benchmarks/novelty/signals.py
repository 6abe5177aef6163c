"""Measures of how unusual a row is, each learned from rows of which nobody knows that they are frauds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xgboost as xgb
from sklearn.ensemble import IsolationForest

from fusionguard.evaluation.scored import Floats
from fusionguard.families.fraud.autoencoder import fit_autoencoder
from fusionguard.families.fraud.config import AutoencoderConfig
from fusionguard.families.fraud.model import log_errors, open_session
from fusionguard.families.fraud.rows import ModelRows
from fusionguard.features.definition import FeatureDefinition

Signal = Callable[[ModelRows, ModelRows, xgb.Booster, FeatureDefinition, int], Floats]
"""Learns from the first rows, with trees of them, a definition and a seed; returns (n,) how unusual the others are."""

_FOREST_TREES, _FOREST_ROWS = 200, 1_024
_LEAF_ROWS = 40_000


def autoencoder(known: ModelRows, asked: ModelRows, trees: xgb.Booster, definition: FeatureDefinition, seed: int) -> Floats:
    """Return the log reconstruction errors of the model's own autoencoder; a fifth of the rows chooses its bottleneck."""
    chosen = np.random.default_rng(seed).permutation(len(known.label))
    fifth = len(chosen) // 5
    rest, judged = known.part(np.sort(chosen[fifth:])), known.part(np.sort(chosen[:fifth]))
    graph = fit_autoencoder(rest, judged, AutoencoderConfig(), definition, seed=seed)
    return np.zeros(len(asked.x)) if graph is None else log_errors(open_session(graph.SerializeToString()), asked.x)


def isolation_forest(known: ModelRows, asked: ModelRows, trees: xgb.Booster, definition: FeatureDefinition, seed: int) -> Floats:
    """Return how early random splits part a row from all others (Liu, Ting and Zhou, *Isolation Forest*, ICDM 2008)."""
    legitimate = known.x[known.label == 0]
    middle = np.nan_to_num(np.nanmedian(legitimate, axis=0))
    forest = IsolationForest(n_estimators=_FOREST_TREES, max_samples=_FOREST_ROWS, random_state=seed, n_jobs=1)
    forest.fit(np.where(np.isnan(legitimate), middle, legitimate))
    return -np.asarray(forest.score_samples(np.where(np.isnan(asked.x), middle, asked.x)), dtype=np.float64)


def leaves(known: ModelRows, asked: ModelRows, trees: xgb.Booster, definition: FeatureDefinition, seed: int) -> Floats:
    """Return how few learned rows lie in the leaves of a row: the mean over the trees of the negative log of their share."""
    places = np.random.default_rng(seed).permutation(len(known.x))[:_LEAF_ROWS]
    before, now = (_leaves_of(trees, rows) for rows in (known.part(places), asked))
    rarity = np.zeros(len(now))
    for tree in range(now.shape[1]):
        counts = np.bincount(before[:, tree], minlength=int(now[:, tree].max(initial=0)) + 1)
        rarity -= np.log((counts[now[:, tree]] + 0.5) / len(before))
    return rarity / now.shape[1]


def tails(known: ModelRows, asked: ModelRows, trees: xgb.Booster, definition: FeatureDefinition, seed: int) -> Floats:
    """Return the sum over features of how far out in a tail a value lies, as the negative log of the share beyond it.

    After Li et al., *ECOD: Unsupervised Outlier Detection Using Empirical Cumulative Distribution Functions* (TKDE 2022), with
    the smaller tail of each feature; a category, and a missing value, is as unusual as it is rare.
    """
    return tail_surprises(known, asked).sum(axis=1)


def largest_tails(known: ModelRows, asked: ModelRows, trees: xgb.Booster, definition: FeatureDefinition, seed: int) -> Floats:
    """Return the sum of a row's three largest of :func:`tails`."""
    return np.sort(tail_surprises(known, asked), axis=1)[:, -3:].sum(axis=1)


def tail_surprises(known: ModelRows, asked: ModelRows) -> Floats:
    """Return the negative logs (n, f) of the shares of learned rows at least as far out."""
    legitimate = known.x[known.label == 0]
    rows, found = len(legitimate), np.zeros(asked.x.shape)
    for place, name in enumerate(asked.encoding.names):
        column, values = np.sort(legitimate[:, place]), asked.x[:, place]  # NaN comes last
        measured = column[: rows - int(np.isnan(column).sum())]
        below, up_to = (np.searchsorted(measured, values, side) for side in ("left", "right"))
        if name in asked.encoding.categories:
            beyond = up_to - below
        else:
            beyond = np.minimum(2 * np.minimum(up_to, len(measured) - below), rows)
        beyond = np.where(np.isnan(values), rows - len(measured), beyond)
        found[:, place] = -np.log((beyond + 0.5) / (rows + 0.5))
    return np.maximum(found, 0)


def _leaves_of(trees: xgb.Booster, rows: ModelRows) -> np.ndarray:
    matrix = xgb.DMatrix(rows.x, nthread=1, **rows.encoding.of_columns)
    return np.asarray(trees.predict(matrix, pred_leaf=True)).reshape(len(rows.x), -1).astype(np.int64)


SIGNALS: Mapping[str, Signal] = {
    "autoencoder": autoencoder,
    "isolation forest": isolation_forest,
    "rarity of leaves": leaves,
    "tails": tails,
    "three largest tails": largest_tails,
}
