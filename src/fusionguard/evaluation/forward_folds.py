"""Folds of consecutive parts: fit on the first, stop on what follows, judge on what follows that; forward in time, if any."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.cuts import before, borders
from fusionguard.evaluation.planned_rows import PlannedRows
from fusionguard.evaluation.scored import Flags, Integers

MINIMUM_POSITIVES = 5
"""So many positive rows at least are in each part of a fold: with fewer, its average precision is a matter of luck."""

_PARTS_FITTED_FIRST = 2


@dataclass(frozen=True)
class ForwardFold:
    """Places in consecutive rows: to fit on, to stop early on, and to judge on, each after the one before.

    ``known`` flags which rows (n,) up to the judged ones may be learned from: their outcome was known when these begin, which is
    when a model that is judged on them would be made. It is None where all may be.
    """

    fitted: slice
    stopping: slice
    judged: slice
    known: Flags | None = None

    def learned(self, part: slice) -> slice | Integers:
        """Return the places of ``fitted`` or ``stopping`` that may be learned from."""
        return part if self.known is None else part.start + np.flatnonzero(self.known[part])


def forward_folds(rows: PlannedRows, folds: int, *, stops: bool) -> tuple[ForwardFold, ...]:
    """Chain ``folds`` folds forward over rows.

    The rows are cut into ``folds + 3`` parts of the same size, but that rows of one second, or of one customer where there is no
    time, always stay in one part. The first fold is fitted on two parts, stopped on the third and judged on the fourth; each
    later one begins with one part more.

    Parameters
    ----------
    stops
        Whether anything is stopped early; else it does not matter when the outcomes of the stopping part were known.

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
    found_folds = tuple(_fold(rows, *cuts[part : part + 3], stops=stops) for part in range(_PARTS_FITTED_FIRST, parts - 1))
    for fold in found_folds:
        for learned in (fold.fitted, fold.stopping) if fold.known is not None else ():
            _demand_both_classes(rows.label, learned.start, learned.stop, folds, fold.known)
    return found_folds


def _fold(rows: PlannedRows, stopping: int, judged: int, end: int, *, stops: bool) -> ForwardFold:
    known: Flags | None = None
    if rows.known is not None and rows.seconds is not None:
        known = rows.known_by(int(rows.seconds[judged]))
        known[stopping:] |= not stops
        known = None if known[:judged].all() else known[:judged]
    return ForwardFold(slice(0, stopping), slice(stopping, judged), slice(judged, end), known)


def _demand_both_classes(label: NDArray[np.int8], start: int, stop: int, folds: int, known: Flags | None = None) -> None:
    held = label[start:stop] if known is None else label[start:stop][known[start:stop]]
    positives = int(held.sum())
    in_time = "" if known is None else " whose outcome was known when the judged rows begin (`label.known`)"
    if positives < MINIMUM_POSITIVES or positives == held.size:
        raise DataError(
            f"Tuning on {folds} consecutive folds needs {MINIMUM_POSITIVES} positive rows among other rows in each part of the"
            f" train slice: its rows {start:,} to {stop:,} hold {positives} in {held.size:,}{in_time}.",
            "Give the run more rows or a longer train slice, or switch tuning off with --set tuning.trials=0.",
        )
