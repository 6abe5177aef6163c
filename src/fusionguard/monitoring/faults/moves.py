"""One raw column moved by a constant, or multiplied by a factor, while all others stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring import statistics
from fusionguard.monitoring.faults.evidence import Column, Evidence, stretch
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.faults.relation import FOLLOWS, bins_of, followed
from fusionguard.monitoring.faults.shapes import counts_by, distance, tilted_distance
from fusionguard.monitoring.thresholds import MonitoringThresholds

_CENTRAL = np.linspace(0.05, 0.95, 37)
_LEAST_VALUES = 12
_FITS, _FITS_BY_ALL = 0.001, 0.05
_LIKELIER = 10.0
_STANDS_OUT = 20.0
_BLUR = 0.03
_SEED = 11
_EDGE = 0.05
_NEAR = np.linspace(-0.06, 0.06, 13)


@dataclass(frozen=True)
class _Move:
    """What the reference's values became: ``factor * value + constant``."""

    factor: float
    constant: float

    def of(self, values: Floats) -> Floats:
        """Move values (n,)."""
        return self.factor * values + self.constant

    def told(self) -> str:
        """Say it in words."""
        if self.factor == 1.0:
            return f"{abs(self.constant):.3g} {'higher' if self.constant > 0 else 'lower'} than they were"
        return f"{self.factor:.3g} times what they were"


def find_moves(evidence: Evidence, limits: MonitoringThresholds) -> Iterator[Mark]:
    """Yield the mark of each numeric column whose whole distribution moved, its shape and its ends with it, and nothing else did.

    Other rows of the same kind do not do that: they are more of some and less of others. Where the other columns depend on this
    one, they say whether they have followed (:func:`~.relation.followed`). Where they cannot tell, the moved shape must fit, and
    any reweighting of the reference must fit clearly worse; a real change could still look so, and the owner is asked.
    """
    for column in evidence.numbers:
        mark = _of_column(evidence, column, limits)
        if mark is not None:
            yield mark


def _of_column(evidence: Evidence, column: Column, limits: MonitoringThresholds) -> Mark | None:
    before = column.before[~np.isnan(column.before)]
    places = np.flatnonzero(~np.isnan(column.now))
    if np.unique(before).size < _LEAST_VALUES or not places.size:
        return None
    now = column.now[places]
    first, last = changed_rows(np.searchsorted(np.sort(before), now) / before.size)
    part = now[first:last]
    if part.size < limits.minimum_rows:
        return None
    effect = _ks(before, part)
    chance = min(1.0, 100 * statistics.ks_chance(effect, part.size, before.size))  # the stretch was looked for
    if effect < limits.displaced_watch or chance > limits.chance:
        return None
    move = _best(before, part)
    if move is None or not _fits(before, part, move, is_sure=True):
        return None
    follow = followed(evidence, column.name, *bins_of(column.before, column.now))
    if (follow is not None and follow >= FOLLOWS) or (follow is None and not _fits(before, part, move, is_sure=False)):
        return None
    is_unit = not 1 / limits.scale_act < abs(move.factor) < limits.scale_act  # no people, only programs, do that
    row = int(places[first]) if first else 0
    text = f"all values of {column.title} are {move.told()}{evidence.since(row)}, and no other column has changed with them"
    return Mark(
        "displaced", (column.name,), effect, chance, text, evidence.moment(row), asks_owner=follow is None and not is_unit
    )


def changed_rows(ranks: Floats) -> tuple[int, int]:
    """Return the rows whose ranks in the reference (n,) stand out by their mean or their spread; all rows where none do."""
    best, found = _STANDS_OUT, (0, ranks.size)
    for marks in (ranks, -ranks, np.abs(ranks - 0.5), -np.abs(ranks - 0.5)):
        first, last = stretch(marks)
        inside = last - first
        if 0 < inside < ranks.size:
            apart = (marks[first:last].mean() - marks.mean()) ** 2 * inside / (1 - inside / ranks.size)
            if apart / max(float(marks.var()), 1e-12) > best:
                best, found = apart / float(marks.var()), (first, last)
    edge = _EDGE * ranks.size
    first, last = (0 if found[0] <= edge else found[0]), (ranks.size if found[1] >= ranks.size - edge else found[1])
    # Of a calm beginning and a changed rest, either stands out: the changed one is farther from the reference.
    rest = (last, ranks.size) if first == 0 else (0, first)
    if (first == 0) != (last == ranks.size) and _off(ranks[slice(*rest)]) > _off(ranks[first:last]):
        return rest
    return first, last


def _off(ranks: Floats) -> float:
    """Return how far ranks (n,) are from even."""
    return float(np.abs(np.sort(ranks) - (np.arange(ranks.size) + 0.5) / ranks.size).max())


def _ks(before: Floats, now: Floats) -> float:
    values = np.unique(np.concatenate([before, now]))
    reached = [np.searchsorted(np.sort(side), values, side="right") / side.size for side in (before, now)]
    return float(np.abs(reached[0] - reached[1]).max())


def _best(before: Floats, now: Floats) -> _Move | None:
    """Return the constant or the factor that brings the central quantiles nearest to what they are now."""
    old, new = np.quantile(before, _CENTRAL), np.quantile(now, _CENTRAL)
    moves = [_Move(1.0, float(np.average(new - old, weights=_sureness(old, new))))]
    if (old > 0).all() and (new > 0).all():
        growth = np.average(np.log(new / old), weights=_sureness(np.log(old), np.log(new)))
        moves.append(_Move(float(np.exp(growth)), 0.0))
    elif np.any(old != 0):
        # Of a column whose sign has turned, quantiles come in the opposite order.
        for side in (old, old[::-1]):
            weight = _sureness(np.sort(side), new)
            moves.append(_Move(float(np.sum(weight * side * new) / np.sum(weight * side**2)), 0.0))
    kept = [move for move in moves if np.isfinite(move.factor) and abs(move.factor) > 1e-9]
    step = float(np.subtract(*np.quantile(before, [0.75, 0.25])))
    near = [
        _Move(move.factor * float(np.exp(each)), 0.0) if move.constant == 0.0 else _Move(1.0, move.constant + float(each) * step)
        for move in kept
        for each in _NEAR
    ]
    return min(near, key=lambda move: distance(*_side_by_side(before, now, move))[0], default=None)


def _sureness(old: Floats, new: Floats) -> Floats:
    """Weigh quantiles (q,): the closer they lie together, the better they are known."""
    spread = np.gradient(old) ** 2 + np.gradient(new) ** 2
    return np.asarray(1 / (spread + 1e-2 * spread.mean() + 1e-30))


def _side_by_side(before: Floats, now: Floats, move: _Move) -> tuple[Floats, Floats]:
    """Count the moved reference and the values now, both blurred alike: a tie of values must not fall beside its own bin.

    What a source cuts off at the ends of its range is cut off in the reference, too.
    """
    rng = np.random.default_rng(_SEED)
    moved = np.clip(move.of(before), now.min(), now.max())
    middle = np.quantile(moved, [0.25, 0.75])
    whole = bool(np.all(before == np.round(before)) and np.all(now == np.round(now)))
    width = max(_BLUR * float(middle[1] - middle[0]), 0.5 * max(1.0, abs(move.factor)) if whole else 0.0)
    if move.constant == 0.0 and not whole and moved.min() >= 0:
        return counts_by(*(side * np.exp(_BLUR * rng.uniform(-1, 1, side.size)) for side in (moved, now)))
    return counts_by(*(side + width * rng.uniform(-1, 1, side.size) for side in (moved, now)))


def _fits(before: Floats, now: Floats, move: _Move, *, is_sure: bool) -> bool:
    """Tell whether the move explains the values now; where the other columns cannot tell, better than any reweighting does."""
    left, freedom = distance(*_side_by_side(before, now, move))
    if is_sure:
        whole, _ = distance(*counts_by(before, now))
        return left <= _FITS_BY_ALL * whole or float(chdtrc(freedom, left)) >= _FITS
    return float(chdtrc(freedom, left)) >= _FITS and tilted_distance(before, now) - left >= _LIKELIER
