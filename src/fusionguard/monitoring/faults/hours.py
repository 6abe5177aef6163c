"""Hours of the day of which no rows come any more, though rows of other hours do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import pdtr

from fusionguard.evaluation.scored import SECONDS_PER_DAY, Floats, Integers
from fusionguard.monitoring.faults.evidence import Evidence
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.thresholds import MonitoringThresholds

HOURS = 24
_DAY_MICROS = SECONDS_PER_DAY * 1_000_000
_HOUR_MICROS = 3_600_000_000
_LEAST_EXPECTED = 12.0
_LEAST_DAYS = 2
_LEFT = 0.02
_MOST = 0.5


@dataclass(frozen=True)
class _Absence:
    hours: list[int]
    missed: float
    """How many rows of them should have come."""
    fewest: float
    """Of the hour with the fewest."""
    day: int
    share: float
    """Of the rows since that day, how many should be of them."""


def find_absent_hours(evidence: Evidence, limits: MonitoringThresholds) -> Iterator[Mark]:
    """Yield the mark of hours of the day that are absent on the window's last days, or on all of them.

    Two clocks are read. The hour that rows tell themselves is held against the reference's, where rows tell
    one. The clock of the log is held against the window's own earlier days; where the reference's rows come at all hours, one
    that never has any is absent, too. Where hours of more than half of all rows are absent, it is another kind of traffic. Days
    are not told apart: a last day that never has rows of some hours, as every week, looks like one that has lost them.
    """
    days = _whole_days(evidence.micros)
    if days < _LEAST_DAYS:
        return
    day = (evidence.micros - evidence.micros[0]) // _DAY_MICROS
    inside = day < days
    day = day[inside]
    found: list[tuple[str, _Absence]] = []
    if evidence.hours is not None:
        before, now = evidence.hours.before, evidence.hours.now
        share = np.bincount(before.astype(np.int64) % HOURS, minlength=HOURS) / before.size
        absence = _absent(_table(day, now[inside].astype(np.int64) % HOURS), share)
        if absence is not None:
            found.append((evidence.hours.name, absence))
    clock = (evidence.micros[inside] // _HOUR_MICROS) % HOURS
    table = _table(day, clock)
    absence = _absent(table, _own_shares(table, None if evidence.hours is None else share))
    if absence is not None:
        found.append(("the log's clock", absence))
    if not found:
        return
    where, absence = max(found, key=lambda each: each[1].missed)
    effect = absence.missed / (absence.missed + day.size)
    first = int(np.searchsorted(day, absence.day))
    named = ", ".join(f"{hour:02d}" for hour in absence.hours)
    text = (
        f"no rows of the hours {named} (by {where}) have come{evidence.since(first)}, "
        f"where about {absence.share:.1%} of the rows should be"
    )
    chance = float(pdtr(_LEFT * absence.fewest, absence.fewest)) * HOURS * float(day[-1] + 1)
    yield Mark("absent_hours", (), effect, min(1.0, chance), text, evidence.moment(first))


def _whole_days(micros: Integers) -> int:
    """Return how many days from the first row on the rows fill, but for half an hour."""
    return int(micros[-1] - micros[0] + _HOUR_MICROS // 2) // _DAY_MICROS if micros.size else 0


def _table(day: Integers, hour: Integers) -> Floats:
    """Count rows (days, 24)."""
    days = int(day[-1]) + 1
    return np.bincount(day * HOURS + hour, minlength=days * HOURS).reshape(days, HOURS).astype(np.float64)


def _absent(table: Floats, share: Floats) -> _Absence | None:
    """Return the hours of which the last days, since one and the same day, have next to none of the rows that they should."""
    best: _Absence | None = None
    for start in range(table.shape[0]):
        rest = table[start:].sum(axis=0)
        expected = share * rest.sum()
        gone = (expected >= _LEAST_EXPECTED) & (rest <= _LEFT * expected)
        if not gone.any() or share[gone].sum() > _MOST:
            continue
        # What is left of the day must be as busy as ever: else the whole day is quiet.
        kept = 1 - float(share[gone].sum())
        missed = float(expected[gone].sum()) / kept
        if best is None or missed > best.missed:
            best = _Absence([int(hour) for hour in np.flatnonzero(gone)], missed, float(expected[gone].min()), start, 1 - kept)
    return best


def _own_shares(table: Floats, reference: Floats | None) -> Floats:
    """Return the share of each hour of the log's clock on the days on which it has rows.

    Of an hour that has none on any day nobody knows, unless the reference's rows come at all hours: then it has at least as many
    as the quietest of those.
    """
    present = table > 0
    steady = present.sum(axis=0) >= _LEAST_DAYS
    rows = (table.sum(axis=1, keepdims=True) * present).sum(axis=0)
    share = np.where(steady, table.sum(axis=0) / np.maximum(rows, 1), 0.0)
    if reference is not None:
        share = np.maximum(share, float(reference.min()))
    return np.asarray(share)
