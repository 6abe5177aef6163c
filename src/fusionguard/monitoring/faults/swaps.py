"""Two features that have changed places, in all rows or in a share of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring import statistics
from fusionguard.monitoring.faults.evidence import Column, Evidence, stretch
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.thresholds import MonitoringThresholds

_LEAST_DISTANCE = 0.04
_SAME_SHARE = 0.1
_NOISE = 2.0
_LARGE = 0.3
_FEW = 3
_GRID = np.linspace(0.01, 0.99, 50)


def find_swaps(evidence: Evidence, limits: MonitoringThresholds) -> Iterator[Mark]:
    """Yield the mark of each pair of numeric columns that have taken on each other's values.

    In a share a of the rows each column has the other's distribution, and its own in the rest: both mixtures must hold with one
    a. That fits a real change of both columns hardly ever; of two flags, whose distributions are one number each, it may, and the
    owner is asked. Columns that are distributed alike can change places unseen.
    """
    found: list[tuple[float, Mark]] = []
    moved = [column for column in evidence.numbers if _has_moved(column, limits)]
    for one, other in combinations(moved, 2):
        pair = _of_pair(evidence, one, other)
        if pair is not None:
            found.append(pair)
    taken: set[str] = set()
    for _, mark in sorted(found, key=lambda each: each[0]):
        if not taken & set(mark.columns):
            taken |= set(mark.columns)
            yield mark


def _of_pair(evidence: Evidence, one: Column, other: Column) -> tuple[float, Mark] | None:
    """Return what the mixture leaves unexplained, and the mark."""
    sides = [each[~np.isnan(each)] for each in (one.before, other.before, one.now, other.now)]
    grid = np.unique(np.concatenate([np.quantile(side, _GRID, method="inverted_cdf") for side in sides]))
    first, second, first_now, second_now = (np.searchsorted(np.sort(side), grid, side="right") / side.size for side in sides)
    apart = second - first
    size = float(apart @ apart)
    if size == 0 or float(np.abs(apart).max()) < _LEAST_DISTANCE:
        return None
    shares = [float((first_now - first) @ apart) / size, float((second_now - second) @ -apart) / size]
    share = float(np.mean(shares))
    error = _NOISE * float(np.sqrt(1 / sides[0].size + 1 / sides[2].size))
    if not 0 < share <= 1.1 or abs(shares[0] - shares[1]) > _SAME_SHARE * share + error / float(np.abs(apart).max()):
        return None
    left = max(float(np.abs(first_now - first - share * apart).max()), float(np.abs(second_now - second + share * apart).max()))
    if left > error or left > 0.3 * share * float(np.abs(apart).max()):
        return None
    few = min(np.unique(side).size for side in sides[:2]) < _FEW
    if few and share < _LARGE:
        return None
    chance = max(
        statistics.ks_chance(float(np.abs(now - before).max()), sides[2].size, sides[0].size)
        for before, now in ((first, first_now), (second, second_now))
    )
    row, last = _rows(one, other)
    parts = [
        np.searchsorted(np.sort(side[~np.isnan(side)]), grid, side="right") / max(1, (~np.isnan(side)).sum())
        for side in (one.now[row:last], other.now[row:last])
    ]
    inside = float((parts[0] - first - parts[1] + second) @ apart) / (2 * size)
    if inside < share:
        row, inside = 0, share
    text = f"{one.title} and {other.title} have changed places in {min(1.0, inside):.0%} of the rows{evidence.since(row)}"
    pairs = len(evidence.numbers) ** 2 / 2
    effect = min(1.0, share)
    mark = Mark("swap", (one.name, other.name), effect, min(1.0, pairs * chance), text, evidence.moment(row), asks_owner=few)
    return left, mark


def _has_moved(column: Column, limits: MonitoringThresholds) -> bool:
    before, now = column.before[~np.isnan(column.before)], column.now[~np.isnan(column.now)]
    if not before.size or now.size < limits.minimum_rows:
        return False
    grid = np.unique(np.quantile(before, _GRID, method="inverted_cdf"))
    reached = [np.searchsorted(np.sort(side), grid, side="right") / side.size for side in (before, now)]
    distance = float(np.abs(reached[0] - reached[1]).max())
    return distance >= 0.02 and statistics.ks_chance(distance, now.size, before.size) <= limits.chance


def _rows(one: Column, other: Column) -> tuple[int, int]:
    """Return the rows [i, j) in which the columns lie where the other one lay."""
    marks = np.zeros(one.now.size)
    for column, partner in ((one, other), (other, one)):
        marks += _likelier(column.now, partner.before, column.before)
    return stretch(marks)


def _likelier(values: Floats, there: Floats, here: Floats) -> Floats:
    """Return (n,) the logarithm of how much likelier each value is among the partner's than among the column's own."""
    edges = np.unique(np.quantile(np.concatenate([there, here]), np.linspace(0, 1, 21)[1:-1], method="inverted_cdf"))
    counts = [np.bincount(np.searchsorted(edges, side, side="left"), minlength=edges.size + 1) + 0.5 for side in (there, here)]
    score = np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())
    return np.asarray(score[np.searchsorted(edges, np.nan_to_num(values), side="left")])
