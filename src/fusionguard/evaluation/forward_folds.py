"""Folds that keep to the order of time: fit on the past, stop on what follows, judge on what follows that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.scored import Integers

MINIMUM_FRAUDS = 5
"""So many frauds at least are in each part of a fold: with fewer, its average precision is a matter of luck."""

_PARTS_FITTED_FIRST = 2


@dataclass(frozen=True)
class ForwardFold:
    """Places in rows that are in order of time: to fit on, to stop early on, and to judge on, each after the one before."""

    fitted: slice
    stopping: slice
    judged: slice


def forward_folds(seconds: Integers, label: NDArray[np.int8], folds: int) -> tuple[ForwardFold, ...]:
    """Chain ``folds`` folds forward over rows (n,) in order of time.

    The rows are cut into ``folds + 3`` parts of the same size, but that rows of one second always stay in one part. The first
    fold is fitted on two parts, stopped on the third and judged on the fourth; each later one begins with one part more.

    Raises
    ------
    DataError
        A part has fewer than ``MINIMUM_FRAUDS`` frauds, or no other row.
    """
    parts = folds + _PARTS_FITTED_FIRST + 1
    wanted = np.round(np.arange(1, parts) * len(seconds) / parts).astype(int)
    cuts = [0, *(int(np.searchsorted(seconds, seconds[min(row, len(seconds) - 1)], side="left")) for row in wanted), len(seconds)]
    for start, stop in pairwise(cuts):
        _demand_both_classes(label, start, stop, folds)
    return tuple(
        ForwardFold(fitted=slice(0, cuts[part]), stopping=slice(*cuts[part : part + 2]), judged=slice(*cuts[part + 1 : part + 3]))
        for part in range(_PARTS_FITTED_FIRST, parts - 1)
    )


def _demand_both_classes(label: NDArray[np.int8], start: int, stop: int, folds: int) -> None:
    frauds = int(label[start:stop].sum())
    if frauds < MINIMUM_FRAUDS or frauds == stop - start:
        raise DataError(
            f"Tuning on {folds} folds in order of time needs {MINIMUM_FRAUDS} frauds among other rows in each part of the train"
            f" slice: its rows {start:,} to {stop:,} hold {frauds} in {stop - start:,}.",
            "Give the run more rows or a longer train slice, or switch tuning off with --set tuning.trials=0.",
        )
