"""Distributions of columns over bins and values: those of a reference, and the counts of rows that are held against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.datasets.prepared_names import OTHER
from fusionguard.evaluation.scored import Floats, Integers

_GROUPS = 10

MOST_VALUES = 100
"""So many values of a categorical column are told apart: of ten thousand, a window has a few rows each, which tell nothing."""

REST = "(any other known value)"
"""Stands for the known values of a column that are not told apart."""


@dataclass(frozen=True)
class NumberReference:
    """The distribution of a numeric column over bins; bin i holds the values in (edges[i - 1], edges[i]].

    Parameters
    ----------
    name
        The column.
    edges
        (b - 1,) float64, increasing: the reference's distinct percentiles, with an edge just below the lowest value and just
        below every value that many rows share, so that zeros, flags and whole numbers have bins of their own.
    shares
        (b,) float64 that add up to 1; nothing lies in the first and the last bin, which are out of range.
    resolution
        How wrong a sum of shares can be because percentiles tell it in steps; 0 where rows were counted.
    quantiles
        (101,) float64, the percentiles.
    missing
        The share of rows without a value, in [0, 1]; NaN where nobody knows.
    words
        What people call the column; empty where that is its name.
    """

    name: str
    edges: Floats
    shares: Floats
    resolution: float
    quantiles: Floats
    missing: float = 0.0
    words: str = ""

    @property
    def title(self) -> str:
        """What people call the column."""
        return self.words or self.name

    @cached_property
    def is_single(self) -> bool:
        """Whether the percentiles were read off single-precision values: those that are compared must be rounded alike.

        Otherwise an amount of 9.99, which is 9.98999977 there, would miss the bin of its own.
        """
        return bool(np.all(self.quantiles == self.quantiles.astype(np.float32)))

    def places(self, values: Floats) -> Integers:
        """Return the bin (n,) of each value (n,); one that is not a number goes into none, and gets the number of bins."""
        if self.is_single:
            with np.errstate(over="ignore"):
                values = values.astype(np.float32).astype(np.float64)
        place = np.searchsorted(self.edges, values, side="left")
        place[np.isnan(values)] = self.edges.size + 1
        return place.astype(np.int64, copy=False)

    @cached_property
    def groups(self) -> Integers:
        """(b,) the group, from 0, of each bin: ten of about equal share, fewer where single values hold more."""
        middle = np.cumsum(self.shares) - self.shares / 2
        decile = np.minimum((middle * _GROUPS + 1e-9).astype(np.int64), _GROUPS - 1)
        decile[0], decile[-1] = decile[1], decile[-2]
        return np.unique(decile, return_inverse=True)[1].astype(np.int64)

    def grouped(self, per_bin: Floats | Integers) -> Floats:
        """Add up what bins (b,) hold to what their groups hold."""
        return np.bincount(self.groups, weights=per_bin, minlength=int(self.groups.max()) + 1).astype(np.float64)

    @property
    def has_known_tails(self) -> bool:
        """Whether the shares beyond the first and the last percentile are known well: not of values that many rows share."""
        if self.resolution == 0:
            return True
        ends = (self.quantiles[:3], self.quantiles[-3:])
        return not _whole(self.quantiles) and all(np.unique(end).size == end.size for end in ends)


@dataclass(frozen=True)
class CategoryReference:
    """The distribution of a categorical column over the values that it is known to have.

    Parameters
    ----------
    name
        The column.
    values
        (c,) the known ones that are told apart; of a column with more than :data:`MOST_VALUES` of them the most frequent, and
        last :data:`REST`, which stands for all others.
    shares
        (c,) float64 that add up to 1.
    missing
        The share of rows without a value, in [0, 1]; NaN where nobody knows.
    unseen
        The share of rows with a value that is not known, in [0, 1].
    words
        What people call the column; empty where that is its name.
    """

    name: str
    values: tuple[str, ...]
    shares: Floats
    missing: float = 0.0
    unseen: float = 0.0
    words: str = ""

    @property
    def title(self) -> str:
        """What people call the column."""
        return self.words or self.name

    @property
    def is_pooled(self) -> bool:
        """Whether the last of ``values`` stands for many."""
        return self.values[-1:] == (REST,)

    @property
    def single(self) -> tuple[str, ...]:
        """Those of ``values`` that are one value each."""
        return self.values[:-1] if self.is_pooled else self.values


@dataclass(frozen=True)
class Counts:
    """A group of rows, counted.

    Parameters
    ----------
    rows, flagged
        How many rows there are, and how many of them the model flagged (``review``, ``offer``).
    missing
        By column, how many rows have no value; a number that is not a number is missing, too.
    bins
        By numeric column (b,), how many values lie in each bin of its :class:`NumberReference`.
    categories
        By categorical column (c + 1,), how many rows have each of its :class:`CategoryReference`'s values, and last how many have
        one that is not known.
    """

    rows: int
    flagged: int
    missing: dict[str, int]
    bins: dict[str, Integers]
    categories: dict[str, Integers]

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both groups of rows together."""
        return Counts(
            rows=self.rows + other.rows,
            flagged=self.flagged + other.flagged,
            missing={name: count + other.missing[name] for name, count in self.missing.items()},
            bins={name: counts + other.bins[name] for name, counts in self.bins.items()},
            categories={name: counts + other.categories[name] for name, counts in self.categories.items()},
        )


def category_reference(name: str, shares: Mapping[str, float], *, gathered: bool = True, words: str = "") -> CategoryReference:
    """Make what a categorical column is compared with.

    Parameters
    ----------
    shares
        Of each known value, the most frequent first; among them may be the prepared category of all that is not known.
    gathered
        Whether there is such a category; else ``OTHER`` is a word of the table's own, and told apart from the rest.
    """
    unseen = shares.get(OTHER, 0.0) if gathered else 0.0
    known = {value: share for value, share in shares.items() if value != OTHER or not gathered}
    told = list(known)[:MOST_VALUES]
    if OTHER in known and OTHER not in told:
        told[-1] = OTHER
    rest = [value for value in known if value not in told]
    values = (*told, REST) if rest else tuple(told)
    together = [sum(known[value] for value in rest)] if rest else []
    read = np.array([*(known[value] for value in told), *together], dtype=np.float64)
    total = float(read.sum())
    even = np.full(len(values), 1 / max(1, len(values)))
    return CategoryReference(name, values, read / total if total > 0 else even, unseen=unseen, words=words)


def number_reference(name: str, quantiles: Floats, *, missing: float = 0.0, words: str = "") -> NumberReference:
    """Make bins of a column's percentiles (101,), lowest to highest, of the rows that have a value."""
    values, first, count = np.unique(quantiles, return_index=True, return_counts=True)
    steps = quantiles.size - 1
    last = first + count - 1
    shared = count > 1
    # A value that several percentiles have is reached between two of them, we cannot tell where: half a step is the fair guess.
    half = np.where(shared, 0.5, 0.0) / steps
    below = np.clip(first / steps - half, 0.0, 1.0)
    reached = np.clip(last / steps + half, 0.0, 1.0)
    below[0], reached[-1] = 0.0, 1.0
    own_bin = shared.copy()
    own_bin[0] = True
    edges = np.concatenate([np.nextafter(values[own_bin], -np.inf), values])
    cumulative = np.concatenate([below[own_bin], reached])
    order = np.argsort(edges, kind="stable")
    shares = np.diff(np.concatenate([[0.0], cumulative[order], [1.0]]))
    # Of whole numbers, each percentile may be any place within the step at which its value is reached.
    resolution = (1.0 if _whole(quantiles) else 0.5 if shared.any() else 0.0) / steps
    return NumberReference(name, edges[order], np.maximum(shares, 0.0), resolution, quantiles, missing, words)


def as_numbers(values: pa.ChunkedArray, category: CategoryReference | None) -> Floats:
    """Return (n,) numbers as they are, NaN for none; of a category the place of each value, that behind them for any other."""
    if category is None:
        return np.asarray(pc.cast(values, pa.float64()).to_numpy(), dtype=np.float64)
    code = pc.index_in(values, value_set=pa.array(category.single, values.type))
    code = pc.if_else(pc.is_valid(values), pc.fill_null(code, len(category.single)), None)
    return np.asarray(pc.cast(code, pa.float64()).to_numpy(), dtype=np.float64)


def _whole(values: Floats) -> bool:
    return bool(np.all(values == np.round(values)))
