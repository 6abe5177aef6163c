"""Folds of consecutive parts: fit on the first, stop on what follows, judge on what follows that; forward in time, if any."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.cuts import before, borders
from fusionguard.evaluation.planned_rows import PlannedRows

MINIMUM_POSITIVES = 5
"""So many positive rows at least are in each part of a fold: with fewer, its average precision is a matter of luck."""

_PARTS_FITTED_FIRST = 2


@dataclass(frozen=True)
class ForwardFold:
    """Places in consecutive rows: to fit on, to stop early on, and to judge on, each after the one before."""

    fitted: slice
    stopping: slice
    judged: slice


def forward_folds(rows: PlannedRows, folds: int) -> tuple[ForwardFold, ...]:
    """Chain ``folds`` folds forward over rows.

    The rows are cut into ``folds + 3`` parts of the same size, but that rows of one second, or of one customer where there is no
    time, always stay in one part. The first fold is fitted on two parts, stopped on the third and judged on the fourth; each
    later one begins with one part more.

    Raises
    ------
    DataError
        A part has fewer than ``MINIMUM_POSITIVES`` positive rows, or no other row.
    """
    parts, found = folds + _PARTS_FITTED_FIRST + 1, borders(rows)
    wanted = np.round(np.arange(1, parts) * rows.count / parts).astype(np.int64)
    cuts = [0, *(int(place) for place in found[before(found, wanted)]), rows.count]
    for start, stop in pairwise(cuts):
        _demand_both_classes(rows.label, start, stop, folds)
    return tuple(
        ForwardFold(fitted=slice(0, cuts[part]), stopping=slice(*cuts[part : part + 2]), judged=slice(*cuts[part + 1 : part + 3]))
        for part in range(_PARTS_FITTED_FIRST, parts - 1)
    )


def _demand_both_classes(label: NDArray[np.int8], start: int, stop: int, folds: int) -> None:
    positives = int(label[start:stop].sum())
    if positives < MINIMUM_POSITIVES or positives == stop - start:
        raise DataError(
            f"Tuning on {folds} consecutive folds needs {MINIMUM_POSITIVES} positive rows among other rows in each part of the"
            f" train slice: its rows {start:,} to {stop:,} hold {positives} in {stop - start:,}.",
            "Give the run more rows or a longer train slice, or switch tuning off with --set tuning.trials=0.",
        )
