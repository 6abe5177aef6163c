"""Draws of whole customers: a share of them, or folds, that hold about the same shares of each outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fusionguard.evaluation.scored import Flags, Integers

Labels = NDArray[np.int8]


def draw_groups(label: Labels, group: Integers, share: float, generator: np.random.Generator) -> Integers:
    """Draw a share of the customers with a positive row and of the others, counted by their rows; return the rows' places.

    Parameters
    ----------
    label, group
        (n,) outcomes and numbers of customers.
    """
    numbers = np.unique(group, return_inverse=True)[1]
    taken = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.bool_)
    for order, passed in _strata(label, numbers, generator):
        taken[order[: np.count_nonzero(passed <= share)]] = True
    return np.flatnonzero(taken[numbers])


def group_folds(label: Labels, group: Integers, folds: int, repeats: int, *, seed: int) -> list[tuple[Integers, Integers]]:
    """Return ``folds * repeats`` pairs of places to fit on and to judge on; one of a repeat judges all rows of a customer."""
    numbers, found = np.unique(group, return_inverse=True)[1], []
    for repeat in range(repeats):
        fold = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.int64)
        for order, passed in _strata(label, numbers, np.random.default_rng((seed, repeat))):
            fold[order] = np.minimum((passed * folds).astype(np.int64), folds - 1)
        judged: list[Flags] = [fold[numbers] == number for number in range(folds)]
        found += [(np.flatnonzero(~flags), np.flatnonzero(flags)) for flags in judged]
    return found


def _strata(label: Labels, numbers: Integers, generator: np.random.Generator) -> Iterator[tuple[Integers, NDArray[np.float64]]]:
    """Yield customers without a positive row and then the others, in a drawn order, with the share that is passed halfway each.

    The share is of the stratum's rows, and where there are positive ones, of these.
    """
    positives, rows = np.bincount(numbers, weights=label), np.bincount(numbers)
    for stratum, weight in ((positives == 0, rows), (positives > 0, positives)):
        order = generator.permutation(np.flatnonzero(stratum))
        passed = np.cumsum(weight[order], dtype=np.float64)
        yield order, (passed - weight[order] / 2) / passed[-1:].sum() if order.size else passed
