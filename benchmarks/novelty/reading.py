"""How many owners whom a fraud hit are found, where some reviews of a day go to the most unusual ones instead of the riskiest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.novelty.measure import Judged
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, percentile_interval
from fusionguard.evaluation.scored import Flags, Floats, Integers
from fusionguard.families.fraud.card.unseen import TREES, Budget, Hit, SignalReading

_SAMPLES, _SEED = 1_000, 7


def reviewed(judged: Judged, budget: Budget, signal: Floats | None = None) -> Flags:
    """Return which rows (n,) are of an owner who is reviewed on their day.

    The riskiest owners of a day come first, by the highest score of their rows, then the most unusual of the others. One who was
    found, because a fraud of that day had hit him, is not reviewed on later days.

    Parameters
    ----------
    signal
        (n,); without it, all reviews follow the trees.
    """
    done, found = np.zeros(len(judged.day), dtype=np.bool_), np.empty(0, dtype=np.int64)
    unusual = 0 if signal is None else budget.unusual
    for each in np.unique(judged.day):
        rows = np.flatnonzero((judged.day == each) & ~np.isin(judged.owner, found))
        owners, place = np.unique(judged.owner[rows], return_inverse=True)
        chosen = _highest(judged.trees[rows], place, len(owners))[: budget.reviews - unusual]
        if signal is not None:
            others = _highest(signal[rows], place, len(owners))
            chosen = np.concatenate([chosen, others[~np.isin(others, chosen)][:unusual]])
        seen = rows[np.isin(place, chosen)]
        done[seen] = True
        found = np.union1d(found, judged.owner[seen[judged.kind[seen] != ""]])
    return done


def _highest(score: Floats, place: Integers, count: int) -> Integers:
    """Return the owners (count,), that with the highest score of its rows first."""
    highest = np.full(count, -np.inf)
    np.maximum.at(highest, place, score)
    return np.argsort(-highest, kind="stable")


@dataclass(frozen=True)
class _Cases:
    """Owners that cases of fraud hit, and how many of them were found: (m,) each."""

    hit: Floats
    found: Floats

    def shares(self, draws: Integers) -> Floats:
        """Return the share found in each draw (d, m) of cases."""
        return self.found[draws].sum(axis=1) / np.maximum(self.hit[draws].sum(axis=1), 1)


def _cases(weeks: Iterable[tuple[Judged, Flags]], *, unseen: bool) -> _Cases:
    """Count by case: one of the kind that nobody had learned from, or one of any other kind."""
    hit, found = list[int](), list[int]()
    for judged, done in weeks:
        wanted = (judged.kind != "") & ((judged.kind == judged.unseen) == unseen)
        for case in np.unique(judged.case[wanted]):
            rows = np.flatnonzero(wanted & (judged.case == case))
            hit.append(len(np.unique(judged.owner[rows])))
            found.append(len(np.unique(judged.owner[rows[done[rows]]])))
    return _Cases(np.array(hit, dtype=np.float64), np.array(found, dtype=np.float64))


def hits(judged: Sequence[Judged]) -> dict[str, Hit]:
    """Count, by kind, what it hit in the weeks in which it appeared."""
    found = {}
    for kind in sorted({each.unseen for each in judged}):
        hit = _cases(((each, each.day < 0) for each in judged if each.unseen == kind), unseen=True).hit
        found[kind] = Hit(owners=int(hit.sum()), cases=len(hit))
    return found


def read_signals(judged: Sequence[Judged], budget: Budget) -> dict[str, SignalReading]:
    """Read the trees alone, and each signal beside them, on the same draws of cases.

    Raises
    ------
    DataError
        No kind hit anybody.
    """
    kinds = sorted({each.unseen for each in judged})
    generator = np.random.default_rng(_SEED)
    draws = dict[str, Integers]()
    shares = dict[str, dict[str, Floats]]()
    for name in (TREES, *judged[0].signals):
        weeks = [(each, reviewed(each, budget, each.signals.get(name))) for each in judged]
        counted = {kind: _cases((pair for pair in weeks if pair[0].unseen == kind), unseen=True) for kind in kinds}
        counted[""] = _cases(weeks, unseen=False)
        for kind, cases in counted.items():
            if kind not in draws:
                size = len(cases.hit)
                draws[kind] = np.vstack([np.arange(size), generator.integers(0, size, (_SAMPLES, size))])
        shares[name] = {kind: cases.shares(draws[kind]) for kind, cases in counted.items()}
    hitting = [kind for kind in kinds if draws[kind].shape[1]]
    if not hitting:
        raise DataError("No kind of fraud appears in these weeks.", "Give more rows, or more weeks.")
    return {name: _reading(shares[name], shares[TREES], hitting) for name in shares}


def _reading(shares: dict[str, Floats], alone: dict[str, Floats], kinds: Sequence[str]) -> SignalReading:
    mean, before = (np.mean([each[kind] for kind in kinds], axis=0) for each in (shares, alone))
    return SignalReading(
        unseen={kind: _interval(shares[kind]) for kind in kinds},
        mean=_interval(mean),
        gain=_interval(mean - before),
        known=_interval(shares[""]),
        known_gain=_interval(shares[""] - alone[""]),
    )


def _interval(drawn: Floats) -> Interval:
    """Return the interval of a value and its draws behind it."""
    return percentile_interval(float(drawn[0]), drawn[1:])
