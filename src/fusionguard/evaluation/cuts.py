"""Cuts through rows: between two seconds or two customers, near the places that are wanted, with enough of each outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusionguard.errors import DataError
from fusionguard.evaluation.planned_rows import PlannedRows
from fusionguard.evaluation.scored import Flags, Integers

ENOUGH_POSITIVES = 5
"""Each slice has so many positive rows at least, where there are so many: the wanted places give way to that."""


def borders(rows: PlannedRows) -> Integers:
    """Return the places (b,) at which rows may be parted, the first 0 and the last n.

    With a time these lie between two seconds, in which rows have no order; without one, between the rows of two customers.

    Raises
    ------
    DataError
        The rows of one customer do not lie beside each other.
    """
    key = rows.group if rows.seconds is None else rows.seconds
    if key is None:
        return np.arange(rows.count + 1)
    changes = np.flatnonzero(np.diff(key)) + 1
    if rows.seconds is None and changes.size + 1 != np.unique(key).size:
        raise DataError("The feature table parts the rows of one customer.", "Build it again with `--no-cache`.")
    return np.concatenate([[0], changes, [rows.count]])


def before(found: Integers, wanted: Integers) -> Integers:
    """Return the numbers of the last borders (b,) that do not lie behind the ``wanted`` places (k,)."""
    return np.searchsorted(found, wanted, side="right") - 1


def cut(rows: PlannedRows, wanted: Integers, *, learning: int) -> list[int] | None:
    """Return the first row of each slice but the first, as near to ``wanted`` (k,) as enough of each outcome allows.

    Each slice has as many as ``ENOUGH_POSITIVES`` positive rows and one other, or as many as go into each; None where not one
    does. In the first ``learning`` slices a row counts only if its outcome was known when the next slice begins.
    """
    counted = _Counted.of(rows, borders(rows), learning)
    nearest, slices = before(counted.borders, wanted), len(wanted) + 1
    for least in range(min(ENOUGH_POSITIVES, rows.positives // slices), 0, -1):
        places = counted.places(nearest, least)
        if places is not None:
            return [int(counted.borders[place]) for place in places]
    return None


@dataclass(frozen=True)
class _Counted:
    """Rows that count from a border on: ``usable`` where outcomes are learned from, ``within`` where they are only read."""

    label: Flags
    borders: Integers
    usable: Integers
    """(n,) the number of the first border at which a slice that ends there may learn from a row; behind the last for never."""
    within: Integers
    """(n,) the number of the first border behind a row."""
    learning: int

    @classmethod
    def of(cls, rows: PlannedRows, found: Integers, learning: int) -> _Counted:
        within = np.searchsorted(found, np.arange(rows.count), side="right")
        usable = within
        if rows.known is not None and rows.seconds is not None and rows.end is not None:
            moments = np.append(rows.seconds[found[:-1]], rows.end)
            usable = np.maximum(within, np.searchsorted(moments, rows.known, side="left"))
        return cls(rows.label == 1, found, usable, within, learning)

    def places(self, nearest: Integers, least: int) -> list[int] | None:
        """Return the numbers of the borders to cut at; None where no cuts leave ``least`` positive rows in each slice.

        Going back from the end finds the latest border for each cut that leaves enough behind it; going forward then takes the
        nearest one that leaves enough before it.
        """
        latest = [len(self.borders) - 1]
        for number in range(len(nearest), 0, -1):
            behind = self._enough_from(number, latest[0], least)
            if not behind.any():
                return None
            latest.insert(0, int(np.flatnonzero(behind)[-1]))
        places = [0]
        for number, (wanted, last) in enumerate(zip(nearest, latest[:-1], strict=True)):
            ahead = np.flatnonzero(self._enough_to(number, places[-1], least))
            if not ahead.size or ahead[0] > last:
                return None
            places.append(int(np.clip(wanted, ahead[0], last)))
        return places[1:]

    def _enough_from(self, number: int, stop: int, least: int) -> Flags:
        """Return, by the border (b,) at which a slice begins, whether it has enough where it ends at border ``stop``."""
        counts = self._from(number) <= stop
        positives, others = (np.append(0, np.cumsum(counts & flags))[self.borders] for flags in (self.label, ~self.label))
        return np.asarray((positives[-1] - positives >= least) & (others[-1] - others >= 1))

    def _enough_to(self, number: int, start: int, least: int) -> Flags:
        """Return, by the border (b,) at which a slice ends, whether it has enough where it begins at border ``start``."""
        first = self.borders[start]
        ready, label = self._from(number)[first:], self.label[first:]
        positives, others = (
            np.cumsum(np.bincount(ready[flags], minlength=len(self.borders) + 1))[:-1] for flags in (label, ~label)
        )
        return np.asarray((positives >= least) & (others >= 1))

    def _from(self, number: int) -> Integers:
        return self.usable if number < self.learning else self.within
