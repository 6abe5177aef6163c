"""Owners as analysts work through them: the most suspicious of each day, each until it is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusionguard.evaluation.prequential.folds import Labels
from fusionguard.evaluation.scored import Floats, Integers


@dataclass(frozen=True)
class CheckedOwners:
    """What came of looking at owners.

    Parameters
    ----------
    precision
        The mean over days of the share of positive owners among those that could be looked at.
    found
        (n,) how many copies of a row's owner are found by the end of its day.
    """

    precision: float
    found: Floats


class OwnerDays:
    """Looks at the ``checked`` owners with the highest score of each day, and at none again that was found.

    An owner has the highest score of its rows of a day, and is positive where one of them is; a positive one that is looked at is
    found. A day with fewer owners counts as if the others were negative. This is card precision@k of Le Borgne et al. (2022),
    chapter 4.

    Parameters
    ----------
    label, score, owner, day
        (n,) each; owners are numbered from 0.
    checked
        How many owners are looked at on a day.
    """

    def __init__(self, label: Labels, score: Floats, owner: Integers, day: Integers, checked: int) -> None:
        days, of_day = np.unique(day, return_inverse=True)
        owners = int(owner.max(initial=-1)) + 1
        entries, self._entry = np.unique(of_day.astype(np.int64) * owners + owner, return_inverse=True)
        self._owner, entry_day = entries % max(owners, 1), entries // max(owners, 1)
        highest = np.full(entries.size, -np.inf)
        np.maximum.at(highest, self._entry, score)
        positive = np.zeros(entries.size, dtype=np.float64)
        np.maximum.at(positive, self._entry, label.astype(np.float64))
        order = np.lexsort((-highest, entry_day))
        ends = np.searchsorted(entry_day[order], np.arange(1, days.size))
        self._days = [(rows, self._owner[rows], positive[rows]) for rows in np.split(order, ends)]
        self._owners, self._checked = owners, checked

    def check(self, copies: Floats | None = None) -> CheckedOwners:
        """Go through the days; ``copies`` (owners,) is how often each owner is there, once where nothing is said.

        Copies of an owner are looked at one by one, so that of several some may be left for later days.
        """
        copies = np.ones(self._owners) if copies is None else copies
        found, found_by_entry, shares = np.zeros(self._owners), np.zeros(self._entry.max(initial=-1) + 1), []
        for entries, owner, positive in self._days:
            there = copies[owner] - found[owner]
            before = np.cumsum(there) - there
            caught = np.clip(self._checked - before, 0, there) * positive
            found[owner] += caught
            found_by_entry[entries] = found[owner]
            shares.append(caught.sum() / self._checked)
        return CheckedOwners(float(np.mean(shares)), found_by_entry[self._entry])
