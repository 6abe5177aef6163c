"""A burst: many rows that are nearly the same, within an hour, as a repeated batch or a test sends them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtrc

from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.monitoring.faults.evidence import Evidence
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.thresholds import MonitoringThresholds

_HOUR_MICROS = 3_600_000_000
_PARTS = 20
_DRAWS = 12
_COLUMNS = 5
_CELL = 0.06
_NEAR = 0.03
_ALIKE = 0.8
_LEAST_ROWS = 20
_MORE_OFTEN = 4.0
_SEED = 13


def find_burst(evidence: Evidence, limits: MonitoringThresholds) -> tuple[Mark, NDArray[np.bool_]] | None:
    """Return the mark of the largest group of nearly equal rows that came within an hour, or a twentieth of a shorter window.

    With it come the flags (n,) of all rows that are like it, which are to be left out when other faults are looked for: a batch
    that is sent for longer than that would leave a spike of each of its values.

    Rows are alike where four in five raw columns are, each to three in a hundred of the reference's ranks. Candidates are the
    fullest cells of a few columns drawn at random, with borders drawn at random (locality-sensitive hashing: Indyk and Motwani,
    STOC 1998).
    """
    if not evidence.micros.size or evidence.micros[-1] == evidence.micros[0]:
        return None
    ranks, before = _ranks(evidence)
    span = int(evidence.micros[-1] - evidence.micros[0]) + 1
    width = min(_HOUR_MICROS, max(1, span // _PARTS))
    best: NDArray[np.bool_] | None = None
    like_best = np.zeros(evidence.micros.size, bool)
    for offset in (0, width // 2):
        hour = (evidence.micros - evidence.micros[0] + offset) // width
        for centre in _centres(ranks, hour):
            alike = _alike(ranks, ranks[centre])
            group = alike & (hour == hour[centre])
            inside, outside = float(group[hour == hour[centre]].mean()), float(alike[hour != hour[centre]].mean())
            if group.sum() >= _LEAST_ROWS and inside >= _MORE_OFTEN * outside and (best is None or group.sum() > best.sum()):
                best, like_best = group, alike
    if best is None or best.mean() < limits.burst_watch:
        return None
    places = np.flatnonzero(best)
    known = (float(_alike(before, ranks[places[0]]).sum()) + 1) / (before.shape[0] + 1)
    window = (evidence.micros >= evidence.micros[places[0]]) & (evidence.micros <= evidence.micros[places[-1]])
    chance = float(pdtrc(best.sum() - 1, known * window.sum())) * evidence.micros.size
    minutes = (int(evidence.micros[places[-1]]) - int(evidence.micros[places[0]])) / 60e6
    text = (
        f"{best.mean():.1%} of the window's rows are nearly the same and came within {max(1.0, minutes):.0f} minutes"
        f"{evidence.since(int(places[0]))}"
    )
    return Mark("burst", (), float(best.mean()), min(1.0, chance), text, evidence.moment(int(places[0]))), like_best


def _ranks(evidence: Evidence) -> tuple[Floats, Floats]:
    """Return (n, k) and (m, k) the ranks of all raw columns in the reference, in [0, 1]; categories are a whole apart."""
    now: list[Floats] = []
    before: list[Floats] = []
    for column in evidence.columns.values():
        for side, ranks in ((column.now, now), (column.before, before)):
            if column.is_category:
                ranks.append(np.nan_to_num(side, nan=-1.0))
            else:
                order = np.sort(column.before[~np.isnan(column.before)])
                ranks.append(np.where(np.isnan(side), -1.0, np.searchsorted(order, side, side="left") / max(1, order.size)))
    return np.column_stack(now), np.column_stack(before)


def _centres(ranks: Floats, hour: Integers) -> list[int]:
    """Return a row of the fullest cell of each draw of columns and borders."""
    rng = np.random.default_rng(_SEED)
    found = []
    for _ in range(_DRAWS):
        chosen = rng.choice(ranks.shape[1], min(_COLUMNS, ranks.shape[1]), replace=False)
        cell = np.floor((ranks[:, chosen] + rng.random(chosen.size) * _CELL) / _CELL).astype(np.int64)
        key = hour.astype(np.int64)
        for place in range(chosen.size):
            key = key * 1_000 + cell[:, place] + 50
        _, first, count = np.unique(key, return_index=True, return_counts=True)
        if count.max() >= _LEAST_ROWS / 4:
            found.append(int(first[np.argmax(count)]))
    return list(dict.fromkeys(found))


def _alike(ranks: Floats, centre: Floats) -> NDArray[np.bool_]:
    return np.asarray((np.abs(ranks - centre) <= _NEAR).mean(axis=1) >= _ALIKE)
