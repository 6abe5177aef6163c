"""Prequential validation: learn from some days, wait until their outcomes are known, judge days after; each fold a step earlier.

So are models used: one is made of what was known, and asked about owners of whom nobody has found out yet. The protocol and the
reading by owners are those of Le Borgne, Siblini, Lebichot and Bontempi (Université Libre de Bruxelles, 2022), chapter 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, percentile_interval
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.scored import Flags, Floats, Integers

Labels = NDArray[np.int8]

AVERAGE_PRECISION, ROC_AUC, OWNER_PRECISION = "average_precision", "roc_auc", "owner_precision"


@dataclass(frozen=True)
class PrequentialPlan:
    """How many days are learned from, waited for and judged, in how many folds, each so much earlier as days are judged.

    ``learned_days`` is None for all days that there are. ``blocked_days``, before the delay, is how far back positive rows whose
    outcome is known keep their owners from being judged, besides those of later days.
    """

    learned_days: int | None = 7
    delay_days: int = 7
    judged_days: int = 7
    folds: int = 4
    blocked_days: int = 7


@dataclass(frozen=True)
class PrequentialFold:
    """Flags (n,) of the rows to learn from, and of those to judge."""

    learned: Flags
    judged: Flags


def prequential_folds(day: Integers, label: Labels, owner: Integers, plan: PrequentialPlan) -> tuple[PrequentialFold, ...]:
    """Return the folds, the latest first: the last judges the last days that there are.

    Rows of an owner are not judged once a positive one of recent days is known: nobody asks about a card that is blocked. An
    outcome is known ``delay_days`` after its day.

    Parameters
    ----------
    day, label, owner
        (n,) each: the number of a row's day, its outcome, and the number of its owner.

    Raises
    ------
    DataError
        There are too few days, or a fold has rows of one class only to learn from or to judge.
    """
    first, last = int(day.min(initial=0)), int(day.max(initial=-1))
    found = []
    for number in range(plan.folds):
        judged = last + 1 - plan.judged_days * (number + 1)
        stop = judged - plan.delay_days
        start = first if plan.learned_days is None else stop - plan.learned_days
        if start < first or stop <= first:
            raise DataError(
                f"There are {last + 1 - first} days, too few for {plan.folds} folds.",
                "Judge fewer folds, or give more days.",
            )
        known_from = stop - plan.blocked_days
        learned = (day >= start) & (day < stop)
        asked = np.zeros(day.size, dtype=np.bool_)
        for each in range(judged, judged + plan.judged_days):
            blocked = np.unique(owner[(label == 1) & (day >= known_from) & (day < each - plan.delay_days)])
            asked |= (day == each) & ~np.isin(owner, blocked)
        for what, rows in (("learn from", learned), ("judge", asked)):
            if not label[rows].any() or label[rows].all():
                raise DataError(f"The days {start} to {stop - 1} have rows of one class only to {what}.", "Give more rows.")
        found.append(PrequentialFold(learned, asked))
    return tuple(found)


def owner_precision(label: Labels, score: Floats, owner: Integers, day: Integers, checked: int) -> float:
    """Return the mean over days of the share of positive owners among the ``checked`` with the highest score of the day.

    An owner has the highest score of its rows of a day, and is positive where one of them is; one that was found is not checked
    on later days. A day with fewer owners counts as if the others were negative.

    Parameters
    ----------
    label, score, owner, day
        (n,) each.
    """
    found: set[int] = set()
    shares = []
    for each in np.unique(day):
        rows = np.flatnonzero(day == each)
        if found:
            rows = rows[~np.isin(owner[rows], list(found))]
        owners, place = np.unique(owner[rows], return_inverse=True)
        highest = np.full(owners.size, -np.inf)
        np.maximum.at(highest, place, score[rows])
        positive = np.zeros(owners.size, dtype=np.bool_)
        np.logical_or.at(positive, place, label[rows] == 1)
        top = np.argsort(-highest, kind="stable")[:checked]
        shares.append(np.count_nonzero(positive[top]) / checked)
        found |= set(owners[top][positive[top]].tolist())
    return float(np.mean(shares))


@dataclass(frozen=True)
class JudgedFold:
    """What a model said of the judged rows of a fold: (n,) each."""

    label: Labels
    score: Floats
    owner: Integers
    day: Integers

    def read(self, checked: int) -> dict[str, float]:
        """Return average precision, ROC AUC and the owners' precision."""
        ranking, ones = Ranking(self.label, self.score), np.ones(self.label.size)
        return {
            AVERAGE_PRECISION: ranking.average_precision(ones),
            ROC_AUC: ranking.roc_auc(ones),
            OWNER_PRECISION: owner_precision(self.label, self.score, self.owner, self.day, checked),
        }

    def drawn(self, generator: np.random.Generator) -> JudgedFold:
        """Return as many owners as there are, drawn with replacement, with all of their rows; one drawn twice is two."""
        owners, place = np.unique(self.owner, return_inverse=True)
        rows = np.argsort(place, kind="stable")
        ends = np.cumsum(np.bincount(place))
        parts = [rows[ends[each - 1] if each else 0 : ends[each]] for each in generator.integers(0, owners.size, owners.size)]
        taken = np.concatenate(parts)
        renamed = np.repeat(np.arange(len(parts)), [part.size for part in parts])
        return JudgedFold(self.label[taken], self.score[taken], renamed, self.day[taken])


def read_folds(folds: list[JudgedFold], *, checked: int, samples: int, seed: int) -> dict[str, Interval]:
    """Return the mean of each metric over the folds, with a 95 % interval from drawing owners, not rows.

    Rows of one owner are alike: drawing them one by one would make intervals too narrow (Efron and Tibshirani, *An Introduction
    to the Bootstrap*, 1993, chapter 8). A draw in which a fold has one class only is left out.
    """
    values = _mean(fold.read(checked) for fold in folds)
    generator = np.random.default_rng(seed)
    drawn = [_mean(fold.drawn(generator).read(checked) for fold in folds) for _ in range(samples)]
    return {name: percentile_interval(value, np.array([each[name] for each in drawn])) for name, value in values.items()}


def _mean(readings: Iterator[dict[str, float]]) -> dict[str, float]:
    listed = list(readings)
    return {name: float(np.mean([each[name] for each in listed])) for name in listed[0]}
