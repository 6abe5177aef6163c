"""What is kept of many rows: how many fall into each bin of each column."""

from __future__ import annotations

from dataclasses import dataclass

from fusionguard.evaluation.scored import Integers


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
        By numeric column (b,), how many values lie in each bin of its :class:`~.reference.NumberReference`.
    categories
        By categorical column (c + 1,), how many rows have each known value, and last how many have another.
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
