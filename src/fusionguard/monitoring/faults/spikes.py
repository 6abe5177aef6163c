"""A feature frozen at one value, or a spike of one: more rows hold it than its neighbours and the other columns explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring import statistics
from fusionguard.monitoring.faults.evidence import Column, Evidence, stretch
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.faults.relation import FOLLOWS, followed
from fusionguard.monitoring.thresholds import MonitoringThresholds

_FRESH = 0.005
"""A value that so small a share of the reference holds is no tie of its own."""

_SMOOTH = 8
"""From so many distinct values on, a real change moves neighbouring values alike."""

_NEIGHBOURS = 0.05
_CANDIDATES = 3
_LONGEST_BY_CHANCE = 1e-9
_LEAST_RUN = 50


@dataclass(frozen=True)
class _Spike:
    value: float
    share: float
    before: float
    frozen: float
    """The share of rows that would have another value, were it not for the fault."""
    chance: float


def find_spikes(evidence: Evidence, limits: MonitoringThresholds) -> Iterator[Mark]:
    """Yield the mark of each column with a value that too many rows hold.

    A value that training hardly knew is a fault by itself where several in a hundred rows hold it. One that many rows have always
    held (a balance of 0, one product) must not be confused with other customers: where the other columns have changed with it
    (:func:`~.relation.followed`) it is no fault; where they have not, it is; where they cannot tell, it must be large, and a
    column of few values counts as frozen only if a long run of rows holds nothing else.
    """
    for column in evidence.columns.values():
        for spike in _candidates(column, limits.spike_watch):
            mark = _judged(evidence, column, spike, limits.spike_act)
            if mark is not None:
                yield mark
                break


def _candidates(column: Column, least: float) -> list[_Spike]:
    """Return the values with the largest excess over what their neighbours say, at most three."""
    before, now = (values[~np.isnan(values)] for values in (column.before, column.now))
    if not before.size or not now.size:
        return []
    values, count = np.unique(now, return_counts=True)
    order = np.argsort(-count, kind="stable")[:20]
    known, known_count = np.unique(before, return_counts=True)
    found = []
    for place in order:
        if column.is_category and values[place] >= column.values:
            continue  # that is many values, and not one
        value, share = float(values[place]), count[place] / now.size
        held = int(known_count[known == value].sum())
        if _frozen(share, held / before.size) < least:  # growth, which takes long to read, would leave less
            continue
        expected = min(1.0, held / before.size * _growth(value, before, now, column, known))
        frozen = _frozen(share, expected)
        if frozen >= least:
            chance = statistics.proportions_chance(float(count[place]), now.size, expected * before.size, before.size)
            found.append(_Spike(value, float(share), held / before.size, float(frozen), min(1.0, chance * values.size)))
    return sorted(found, key=lambda spike: -spike.frozen)[:_CANDIDATES]


def _frozen(share: float, expected: float) -> float:
    return (share - expected) / (1 - expected) if expected < 1 else 0.0


def _growth(value: float, before: Floats, now: Floats, column: Column, known: Floats) -> float:
    """Return by which factor a smooth change has raised the share of the value itself, at least 1.

    Its neighbours tell: those of the side that has grown more, each a twentieth of the reference or one value. Of the lowest and
    the highest value, which have neighbours on one side alone, the growth goes on as it does from the next but one to the next.
    """
    if column.is_category or known.size < _SMOOTH:
        return 1.0
    order = np.sort(before[before != value])
    place, reach = int(np.searchsorted(order, value)), max(1, int(_NEIGHBOURS * before.size))
    below, above = order[:place][::-1], order[place:]
    if below.size and above.size:
        return max(1.0, *(_grown(side[0], side[min(reach, side.size) - 1], before, now) for side in (below, above)))
    side = below if below.size else above
    end = side[min(reach, side.size) - 1]
    further = side[np.abs(side - value) > abs(end - value)]
    if not further.size:
        return max(1.0, _grown(side[0], end, before, now))
    near, far = _grown(side[0], end, before, now), _grown(further[0], further[min(reach, further.size) - 1], before, now)
    return max(1.0, near, near * near / far if far > 0 else near)


def _grown(one: float, other: float, before: Floats, now: Floats) -> float:
    """Return how many times as many rows lie from one value to another, both included, as did."""
    low, high = min(one, other), max(one, other)
    shares = [float(np.mean((side >= low) & (side <= high))) for side in (before, now)]
    return shares[1] / shares[0]


def _judged(evidence: Evidence, column: Column, spike: _Spike, large: float) -> Mark | None:
    is_fresh = spike.before < _FRESH
    asks = False
    if not is_fresh:
        before, now = ((side == spike.value).astype(np.int64) for side in (column.before, column.now))
        share = followed(evidence, column.name, before, now)
        if share is not None and share >= FOLLOWS:
            return None
        if share is None:
            asks = True
            few = column.is_category or np.unique(column.before[~np.isnan(column.before)]).size < _SMOOTH
            if spike.frozen < large or (few and not _runs(column.now == spike.value, spike.before)):
                return None
    first, last = stretch((column.now == spike.value).astype(np.float64))
    held = float(np.mean(column.now[first:last] == spike.value))
    whole = float(np.mean(column.now == spike.value))
    if held < whole:
        first, last, held = 0, column.now.size, whole
    text = (
        f"{held:.0%} of the rows hold one value of {column.title}{evidence.during(first, last)}; "
        f"{spike.before:.1%} of the training's rows hold it"
    )
    return Mark("spike", (column.name,), spike.frozen, spike.chance, text, evidence.moment(first), asks_owner=asks)


def _runs(held: np.ndarray, share: float) -> bool:
    """Tell whether a run of rows holds nothing but the value, longer than rows drawn one by one would show."""
    ends = np.flatnonzero(~held)
    longest = int(np.diff(np.concatenate([[-1], ends, [held.size]])).max()) - 1
    return longest >= _LEAST_RUN and held.size * share**longest <= _LONGEST_BY_CHANCE
