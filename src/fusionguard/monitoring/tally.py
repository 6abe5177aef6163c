"""What a pass over rows adds to, batch by batch: counts by group, and the places of a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.monitoring.counts import Counts
from fusionguard.monitoring.reference import CategoryReference, NumberReference

FLAGGED = "decision"
"""A batch's column of flags: true where the model asks for attention."""


class Tally:
    """Counts by group, for groupings that each divide all rows; the first one's groups add up to the total."""

    def __init__(
        self,
        numbers: Sequence[NumberReference],
        categories: Sequence[CategoryReference],
        widths: Sequence[int],
        groupings: Sequence[str],
    ) -> None:
        self._numbers, self._categories, self._groupings = numbers, categories, groupings
        self._starts = np.concatenate([[0], np.cumsum(widths)])
        groups = int(self._starts[-1])
        self._rows, self._flagged = np.zeros(groups, dtype=np.int64), np.zeros(groups, dtype=np.int64)
        # The last place of each column counts the rows without a value.
        widths_by_name = {number.name: number.edges.size + 2 for number in numbers}
        widths_by_name |= {category.name: len(category.values) + 2 for category in categories}
        self._counts = {name: np.zeros((groups, width), dtype=np.int64) for name, width in widths_by_name.items()}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of rows, as :attr:`~.counting.Counting.sql` gives it."""
        flagged = batch[FLAGGED].to_numpy(zero_copy_only=False)
        group = [batch[name].to_numpy() for name in self._groupings]
        for start, stop, places in zip(self._starts, self._starts[1:], group, strict=False):
            self._rows[start:stop] += np.bincount(places, minlength=stop - start)
            self._flagged[start:stop] += np.bincount(places[flagged], minlength=stop - start)
        for number in self._numbers:
            self._count(number.name, number.places(batch[number.name].to_numpy(zero_copy_only=False)), group)
        for category in self._categories:
            self._count(category.name, batch[category.name].to_numpy(), group)

    def state(self) -> Integers:
        """Return all counts as one array (s,), which :meth:`merge` of a tally of the same columns and groups takes."""
        return np.concatenate([self._rows, self._flagged, *(found.ravel() for found in self._counts.values())])

    def merge(self, state: Integers) -> None:
        """Add what another tally has counted."""
        start = 0
        for counts in (self._rows, self._flagged, *self._counts.values()):
            counts += state[start : start + counts.size].reshape(counts.shape)
            start += counts.size

    def total(self) -> Counts:
        """Return the counts of all rows."""
        return self._read(slice(0, int(self._starts[1])))

    def groups(self) -> list[list[Counts]]:
        """Return the counts of each group of each grouping."""
        borders = zip(self._starts, self._starts[1:], strict=False)
        return [[self._read(slice(place, place + 1)) for place in range(start, stop)] for start, stop in borders]

    def _count(self, name: str, code: Integers, group: list[Integers]) -> None:
        counts = self._counts[name]
        width = counts.shape[1]
        for start, stop, places in zip(self._starts, self._starts[1:], group, strict=False):
            found = np.bincount(places * width + code, minlength=(stop - start) * width)
            counts[start:stop] += found.reshape(stop - start, width)

    def _read(self, groups: slice) -> Counts:
        counts = {name: found[groups].sum(axis=0) for name, found in self._counts.items()}
        return Counts(
            rows=int(self._rows[groups].sum()),
            flagged=int(self._flagged[groups].sum()),
            missing={name: int(found[-1]) for name, found in counts.items()},
            bins={number.name: counts[number.name][:-1] for number in self._numbers},
            categories={category.name: counts[category.name][:-1] for category in self._categories},
        )


class Sample:
    """The places of rows drawn without replacement: each gets a random number, and the smallest win."""

    def __init__(self, rows: int, seed: int) -> None:
        self._most, self._generator, self._seen = rows, np.random.default_rng(seed), 0
        self._lots: Floats = np.empty(0)
        self._places: Integers = np.empty(0, dtype=np.int64)

    def add(self, rows: int) -> None:
        """Draw among so many more rows."""
        lots = np.concatenate([self._lots, self._generator.random(rows)])
        places = np.concatenate([self._places, self._seen + np.arange(rows)])
        self._seen += rows
        kept = np.argpartition(lots, self._most)[: self._most] if lots.size > self._most else np.arange(lots.size)
        self._lots, self._places = lots[kept], places[kept]

    def places(self) -> Integers:
        """Return the places drawn, in their order."""
        return np.sort(self._places)
