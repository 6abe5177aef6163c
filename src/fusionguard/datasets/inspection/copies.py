"""Columns that are nearly copies of each other: numbers in the same order, or texts that stand for the same thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fusionguard.datasets.inspection.opened_table import ROW, OpenedTable
from fusionguard.datasets.inspection.profile import Column, Profile
from fusionguard.datasets.inspection.relation import Floats, coded, is_ordered

SAME = 0.999
"""The rank correlation, or the share of rows that agree, from which two columns are copies."""
_FEWEST_ROWS = 50
_FEWEST_RARE = 25
_TOGETHER = 25


def find_copies(table: OpenedTable, profile: Profile) -> list[tuple[Column, ...]]:
    """Return groups of columns that are nearly copies of each other in the sample, in the order of the table."""
    columns = [column for column in profile.columns if column.distinct > 1 and column.filled >= _FEWEST_ROWS]
    values = _read(table, columns)
    ordered = [at for at, column in enumerate(columns) if is_ordered(column)]
    texts = [at for at, column in enumerate(columns) if not is_ordered(column)]
    pairs = [*_same_order(ordered, values), *_same_texts(texts, values)]
    return [tuple(columns[at] for at in group) for group in _groups(len(columns), pairs)]


def _read(table: OpenedTable, columns: Sequence[Column]) -> list[Floats]:
    values: list[Floats] = []
    for start in range(0, len(columns), _TOGETHER):
        batch = columns[start : start + _TOGETHER]
        chosen = ", ".join(f"{coded(column)} AS v{at}" for at, column in enumerate(batch))
        arrays = table.connection.execute(f'SELECT {chosen} FROM sample ORDER BY "{ROW}"').fetchnumpy()
        values += [np.ma.filled(np.ma.asarray(arrays[f"v{at}"], dtype=np.float64), np.nan) for at in range(len(batch))]
    return values


def _same_order(places: Sequence[int], values: Sequence[Floats]) -> Iterator[tuple[int, int]]:
    """Yield pairs whose ranks are nearly the same, or nearly turned round, and which are missing in the same rows."""
    kept = [at for at in places if _varies(values[at])]
    if len(kept) < 2:
        return
    ranks = np.column_stack([_ranks(values[at]) for at in kept])
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.abs(np.corrcoef(ranks, rowvar=False))
    for one, two in zip(*np.nonzero(np.triu(alike >= SAME, 1)), strict=True):
        first, second = kept[int(one)], kept[int(two)]
        if np.mean(np.isnan(values[first]) == np.isnan(values[second])) >= SAME:
            yield first, second


def _same_texts(places: Sequence[int], values: Sequence[Floats]) -> Iterator[tuple[int, int]]:
    """Yield pairs in which a value of the one stands for a value of the other, both ways, in nearly all rows."""
    codes = {at: np.unique(values[at], return_inverse=True, equal_nan=True)[1] for at in places if _varies(values[at])}
    counts = {at: int(code.max()) + 1 for at, code in codes.items()}
    kept = list(codes)
    for at, one in enumerate(kept):
        for two in kept[at + 1 :]:
            if abs(counts[one] - counts[two]) > 0.05 * counts[one] + 1 or counts[one] > 0.9 * len(codes[one]):
                continue  # what has a value of its own for each row stands for everything
            if min(_told(codes[one], codes[two]), _told(codes[two], codes[one])) >= SAME:
                yield one, two


def _told(one: NDArray[np.intp], two: NDArray[np.intp]) -> float:
    """Return the share of rows in which ``two`` has the value that it has most often beside that of ``one``."""
    pairs, counts = np.unique(np.stack([one, two]), axis=1, return_counts=True)
    most = np.zeros(int(one.max()) + 1, dtype=np.int64)
    np.maximum.at(most, pairs[0], counts)
    return float(most.sum() / len(one))


def _varies(values: Floats) -> bool:
    """Return whether enough rows differ from the most frequent value for a likeness to mean something."""
    _, counts = np.unique(values, return_counts=True, equal_nan=True)
    return len(values) - int(counts.max()) >= _FEWEST_RARE


def _ranks(values: Floats) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True, equal_nan=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    ranks[np.isnan(values)] = ranks[~np.isnan(values)].mean()
    return ranks


def _groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    leader = list(range(count))

    def lead(at: int) -> int:
        while leader[at] != at:
            at = leader[at]
        return at

    for one, two in pairs:
        leader[max(lead(one), lead(two))] = min(lead(one), lead(two))
    groups: dict[int, list[int]] = {}
    for at in range(count):
        groups.setdefault(lead(at), []).append(at)
    return [group for group in groups.values() if len(group) > 1]
