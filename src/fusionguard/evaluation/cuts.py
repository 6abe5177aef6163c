"""Cuts through rows: between two seconds or two customers, near the places that are wanted, with enough of each outcome."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.planned_rows import PlannedRows
from fusionguard.evaluation.scored import Flags, Integers

Plan = TypeVar("Plan")

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


def wanted_places(rows: PlannedRows, shares: Sequence[float] | NDArray[np.float64]) -> Integers:
    """Return the places (k,) that divide rows so that those which can be used have ``shares`` (k,), each with all before it.

    Of the last slice, the test slice, these are the rows whose outcome is known when the data ends; of the slices before it,
    those whose outcome was known when it begins.
    """
    judged = np.flatnonzero(rows.known_by(rows.end))
    counts = np.asarray(shares) * judged.size
    last = int(np.round(counts[-1]))
    test = int(judged[last]) if last < judged.size else rows.count
    learned = np.append(np.flatnonzero(rows.known_by(_second(rows, test))[:test]), test)
    inner = np.round(counts[:-1] * ((learned.size - 1) / max(last, 1))).astype(np.int64)
    return np.append(learned[inner], test)


def cut(rows: PlannedRows, wanted: Integers, *, learning: int) -> list[int] | None:
    """Return the first row of each slice but the first, as near to ``wanted`` (k,) as enough of each outcome allows.

    Each slice has as many as ``ENOUGH_POSITIVES`` positive rows and one other, or as many as go into each; None where not one
    does. In the first ``learning`` slices a row counts only if its outcome was known when the slice after them begins: nothing
    of them is used earlier. In the others it counts if its outcome is known when the data ends.
    """
    found = borders(rows)
    nearest, slices = before(found, wanted), len(wanted) + 1
    for least in range(min(ENOUGH_POSITIVES, rows.positives // slices), 0, -1):
        places = _Search(rows, found, learning, least).places(nearest)
        if places is not None:
            return [int(found[place]) for place in places]
    return None


def told_of_delay(plan: Callable[[PlannedRows], Plan], rows: PlannedRows) -> Plan:
    """Return what ``plan`` makes of rows; where it fails for outcomes that are known late, and for nothing else, say so.

    Raises
    ------
    DataError
        What ``plan`` says, or that outcomes are known too late.
    """
    try:
        return plan(rows)
    except DataError as error:
        if rows.known is None or not _works(plan, replace(rows, known=None)):
            raise
        raise DataError(
            f"Outcomes are known too late to learn from some rows and be judged on later ones: {rows.delay}.",
            "Give rows of a longer time. If outcomes are known sooner, correct `label.known` in the declaration.",
        ) from error


def _works(plan: Callable[[PlannedRows], Plan], rows: PlannedRows) -> bool:
    try:
        plan(rows)
    except DataError:
        return False
    return True


def _second(rows: PlannedRows, place: int) -> int | None:
    """Return the second at which a slice begins that begins at a place; the end of the data behind the last row."""
    return rows.end if rows.seconds is None or place >= rows.count else int(rows.seconds[place])


@dataclass(frozen=True)
class _Search:
    """Looks for the numbers of the borders to cut at, with ``least`` positive rows in each slice."""

    rows: PlannedRows
    borders: Integers
    learning: int
    least: int

    def places(self, nearest: Integers) -> list[int] | None:
        """Return the numbers of the borders to cut at; None where no cuts leave enough in each slice.

        What was known when the learning ends depends on where that is: it is moved on until enough was.
        """
        latest = self._latest([len(self.borders) - 1], len(nearest), self.learning, self._judged)
        if latest is None:
            return None
        first, last = min(int(nearest[self.learning - 1]), latest[0]), latest[0]
        found = self._learned_until(first, nearest, latest)
        if found is not None or self.rows.known is None or self._learned_until(last, nearest, latest) is None:
            return found
        later = range(first + 1, last + 1)
        moment = later[bisect_left(later, True, key=lambda each: self._learned_until(each, nearest, latest) is not None)]
        return self._learned_until(moment, nearest, latest)

    def _learned_until(self, moment: int, nearest: Integers, latest: list[int]) -> list[int] | None:
        """Return where to cut if outcomes are learned that were known at border ``moment``, and the learning ends no earlier.

        Going back from the end has found the ``latest`` border for each cut that leaves enough behind it; going forward then
        takes the nearest one that leaves enough before it.
        """
        known = self.rows.known_by(_second(self.rows, int(self.borders[moment])))
        learned = np.where(known, self._within, len(self.borders))
        every = self._latest(latest, self.learning - 1, 1, learned)
        if every is None:
            return None
        places = [0]
        for number, (near, last) in enumerate(zip(nearest, every[:-1], strict=True)):
            ahead = np.flatnonzero(self._enough_to(learned if number < self.learning else self._judged, places[-1]))
            if not ahead.size or ahead[0] > last:
                return None
            wanted = max(near, moment) if number == self.learning - 1 else near
            places.append(int(np.clip(wanted, ahead[0], last)))
        return places[1:]

    @cached_property
    def _within(self) -> Integers:
        """(n,) the number of the first border behind a row."""
        return np.searchsorted(self.borders, np.arange(self.rows.count), side="right")

    @cached_property
    def _judged(self) -> Integers:
        """(n,) the number of the first border behind a row; behind the last for one whose outcome is not known at the end."""
        return np.where(self.rows.known_by(self.rows.end), self._within, len(self.borders))

    def _latest(self, latest: list[int], first: int, last: int, counts: Integers) -> list[int] | None:
        """Return ``latest`` with the latest borders before it at which slices ``first``, down to ``last``, may begin."""
        for _ in range(first, last - 1, -1):
            behind = self._enough_from(counts, latest[0])
            if not behind.any():
                return None
            latest = [int(np.flatnonzero(behind)[-1]), *latest]
        return latest

    def _enough_from(self, counts: Integers, stop: int) -> Flags:
        """Return, by the border (b,) at which a slice begins, whether it has enough where it ends at border ``stop``."""
        positives, others = (np.append(0, np.cumsum((counts <= stop) & flags))[self.borders] for flags in self._classes)
        return np.asarray((positives[-1] - positives >= self.least) & (others[-1] - others >= 1))

    def _enough_to(self, counts: Integers, start: int) -> Flags:
        """Return, by the border (b,) at which a slice ends, whether it has enough where it begins at border ``start``."""
        first = self.borders[start]
        positives, others = (
            np.cumsum(np.bincount(counts[first:][flags[first:]], minlength=len(self.borders) + 1))[:-1] for flags in self._classes
        )
        return np.asarray((positives >= self.least) & (others >= 1))

    @property
    def _classes(self) -> tuple[Flags, Flags]:
        return self.rows.label == 1, self.rows.label != 1
