"""How a training follows the rows: its cost grows with rows times features, and what can be found with the frauds among them."""

from __future__ import annotations

import math

import numpy as np

from fusionguard.families.fraud.config import XGBoostConfig

MOST_TREES = 8
"""Trees of a round where nothing is said and the rows are few enough."""
SAMPLED_ROWS = 200_000
"""So many rows are enough for what the booster is compared and fused with: autoencoder and references learn from no more."""

FEW_FRAUDS = 100
"""With fewer to learn from, trees are shallower where nothing is said of their depth."""
_DEPTH, _DEPTH_OF_FEW = 3, 2

LEAST_BINS, MOST_BINS = 256, 4_096
"""Bins of a number where nothing is said of them."""
_BINS_OF_FRAUDS = 16
"""How many bins together hold as many rows as there are frauds."""

_CELLS = 43_000_000
"""Numbers that the trees of one round read at most, as long as a round has more than one tree."""


def settled(config: XGBoostConfig, rows: int, features: int, *, frauds: int) -> XGBoostConfig:
    """Choose what the settings leave open: the trees of a round, how deep they are, and between how many bins they split.

    Trees of a round are averaged, so that the model is less a draw of its seed: 8, and fewer the more the train slice holds, for
    many rows do the same work, and take longer. Few frauds do not show which facts matter together, so trees are shallower there.
    Bins hold equal shares of the rows, and no tree splits within one: as far as ``MOST_BINS`` allow, one holds a sixteenth as
    many rows as there are frauds, so that frauds which a limit parts from all other rows are not lost among these in one bin.

    Parameters
    ----------
    rows, features
        The shape of the train slice; each is at least 1.
    frauds
        How many of the rows are frauds.
    """
    trees = max(1, min(MOST_TREES, _CELLS // (rows * features)))
    chosen = {
        "num_parallel_tree": trees,
        "max_depth": _DEPTH if frauds >= FEW_FRAUDS else _DEPTH_OF_FEW,
        "max_bin": min(MOST_BINS, max(LEAST_BINS, math.ceil(_BINS_OF_FRAUDS * rows / max(frauds, 1)))),
    }
    return config.model_copy(update={name: value for name, value in chosen.items() if getattr(config, name) is None})


def sampled(rows: int, seed: int) -> slice | np.ndarray:
    """Return which rows to learn from: all of them, or the places (``SAMPLED_ROWS``,), in order, of a random part of many."""
    if rows <= SAMPLED_ROWS:
        return slice(None)
    return np.sort(np.random.default_rng(seed).choice(rows, SAMPLED_ROWS, replace=False))
