"""What bounds a training on many rows: its cost grows with rows times features, and what it finds hardly does."""

from __future__ import annotations

import numpy as np

from fusionguard.families.fraud.config import XGBoostConfig

MOST_TREES = 8
"""Trees of a round where nothing is said and the rows are few enough."""
SAMPLED_ROWS = 200_000
"""So many rows are enough for what the booster is compared and fused with: autoencoder and references learn from no more."""

_CELLS = 43_000_000
"""Numbers that the trees of one round read at most, as long as a round has more than one tree."""


def settled_trees(config: XGBoostConfig, rows: int, features: int) -> XGBoostConfig:
    """Choose the trees of a round where the settings leave that open: 8, and fewer the more the train slice holds.

    Trees of a round are averaged, so that the model is less a draw of its seed. Many rows do the same work, and take longer.

    Parameters
    ----------
    rows, features
        The shape of the train slice; each is at least 1.
    """
    if config.num_parallel_tree is not None:
        return config
    trees = max(1, min(MOST_TREES, _CELLS // (rows * features)))
    return config.model_copy(update={"num_parallel_tree": trees})


def sampled(rows: int, seed: int) -> slice | np.ndarray:
    """Return which rows to learn from: all of them, or the places (``SAMPLED_ROWS``,), in order, of a random part of many."""
    if rows <= SAMPLED_ROWS:
        return slice(None)
    return np.sort(np.random.default_rng(seed).choice(rows, SAMPLED_ROWS, replace=False))
