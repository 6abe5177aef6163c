"""Values that come in coarser or in finer steps than before: another rounding, another number of decimal places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring import statistics
from fusionguard.monitoring.faults.evidence import Column, Evidence, stretch
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.thresholds import MonitoringThresholds

STEPS = (1000.0, 500.0, 100.0, 50.0, 10.0, 5.0, 1.0, 0.5, 0.1, 0.05, 0.01, 0.001, 1e-4, 1e-6)
"""Widths of steps that people and programs round to."""

_LEAST_VALUES = 30
_LEAST_STEPS = 5
_ALWAYS = 0.99
_NEVER_ALL = 0.9
_TIE = 0.02
_ALONE = 3.0


def find_roundings(evidence: Evidence, limits: MonitoringThresholds) -> Iterator[Mark]:
    """Yield the mark of each numeric column of which many more values, or clearly fewer, are multiples of a step than were."""
    for column in evidence.numbers:
        before = column.before[~np.isnan(column.before)]
        if np.unique(before).size >= _LEAST_VALUES:
            mark = _finer(evidence, column, before, limits) or _coarser(evidence, column, before, limits)
            if mark is not None:
                yield mark


def is_multiple(values: Floats, step: float) -> NDArray[np.bool_]:
    """Tell of each value (n,) whether it is a multiple of a step, in double precision or rounded to single precision."""
    near = np.round(values / step) * step
    single = values.astype(np.float32)
    exact = np.abs(values - near) <= 1e-9 * np.maximum(np.abs(values), step)
    return np.asarray(exact | ((single.astype(np.float64) == values) & (near.astype(np.float32) == single)))


def _coarser(evidence: Evidence, column: Column, before: Floats, limits: MonitoringThresholds) -> Mark | None:
    kept = _without_new_tie(before, column.now)
    now = column.now[kept]
    best: tuple[float, float, float, float] | None = None
    for step in STEPS:
        flags = is_multiple(now, step)
        was, share = float(is_multiple(before, step).mean()), float(flags.mean())
        if was >= _NEVER_ALL or np.unique(now[flags]).size < _LEAST_STEPS:
            continue
        rounded = (share - was) / (1 - was)
        if best is None or rounded > 1.1 * best[0]:  # of steps that hold as many, the widest says most
            best = (rounded, step, share, was)
    if best is None or best[0] < limits.rounding_watch:
        return None
    rounded, step, share, was = best
    chance = statistics.proportions_chance(share * now.size, now.size, was * before.size, before.size)
    known = ~np.isnan(column.now)
    first, last, held = _since(is_multiple(column.now, step), known)
    since = evidence.during(first, last)
    text = f"{held:.0%} of the values of {column.title} are multiples of {step:g}{since}, {was:.0%} in training"
    return Mark("rounding", (column.name,), rounded, min(1.0, len(STEPS) * chance), text, evidence.moment(first))


def _finer(evidence: Evidence, column: Column, before: Floats, limits: MonitoringThresholds) -> Mark | None:
    known = ~np.isnan(column.now)
    for step in STEPS:
        was = float(is_multiple(before, step).mean())
        if was < _ALWAYS:
            continue
        odd = known & ~is_multiple(column.now, step)
        rise = float(odd.sum() / max(1, known.sum())) - (1 - was)
        if rise < limits.rounding_watch:
            return None
        chance = statistics.proportions_chance(float(odd.sum()), float(known.sum()), (1 - was) * before.size, before.size)
        first, last, held = _since(odd, known)
        since = evidence.during(first, last)
        text = f"{held:.0%} of the values of {column.title} are no multiples of {step:g}{since}, which {was:.0%} were in training"
        return Mark("rounding", (column.name,), rise, min(1.0, len(STEPS) * chance), text, evidence.moment(first))
    return None


def _without_new_tie(before: Floats, now: Floats) -> NDArray[np.bool_]:
    """Leave out what has no value, and one value alone that many more rows hold than did: that is no rounding."""
    kept = ~np.isnan(now)
    values, count = np.unique(now[kept], return_counts=True)
    tops = np.argsort(-count, kind="stable")[:2]
    excess = [count[place] / now.size - float(np.mean(before == values[place])) for place in tops]
    if excess and excess[0] > _TIE and (len(excess) == 1 or excess[0] > _ALONE * excess[1]):
        kept &= now != values[tops[0]]
    return kept


def _since(flags: NDArray[np.bool_], known: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Return the rows [i, j) in which flags (n,) are frequent, and their share of the values that are known among these."""
    places, flags = np.flatnonzero(known), flags[known]
    first, last = stretch(flags.astype(np.float64))
    held = float(flags[first:last].mean())
    if held < flags.mean():
        return 0, known.size, float(flags.mean())
    return int(places[first]), int(places[last - 1]) + 1, held
