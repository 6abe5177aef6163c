"""Which rows a fold learns from and which it judges: what was known when its model was made, and owners nobody has found yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.planned_rows import NEVER
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Flags, Integers

Labels = NDArray[np.int8]


@dataclass(frozen=True)
class PrequentialPlan:
    """How many days are learned from, waited for and judged, in how many folds, each so much earlier as days are judged.

    Parameters
    ----------
    learned_days
        None for all days that there are.
    blocked_days
        How far back, before the wait, positive rows whose outcome is known keep their owners from being judged, besides those of
        later days; None for all days that there are.
    stop_day
        The number of the day before which the judged days end; None for the last day that there is.
    """

    learned_days: int | None = 7
    wait_days: int = 7
    judged_days: int = 7
    folds: int = 4
    blocked_days: int | None = 7
    stop_day: int | None = None


@dataclass(frozen=True)
class DatedRows:
    """Rows of owners, in any order.

    Parameters
    ----------
    label, seconds, owner
        (n,) each: the outcome, when a row happened, and the number of whose it is.
    known
        (n,) the second from which on an outcome is known, ``NEVER`` where that is not before the data ends. None where nobody
        says: then outcomes of a day are known as the last day of the wait ends.
    told
        (n,) the second in which an outcome itself was told, ``NEVER`` where it is not dated. None where no outcome is.
    """

    label: Labels
    seconds: Integers
    owner: Integers
    known: Integers | None = None
    told: Integers | None = None

    @cached_property
    def counted(self) -> Integers | None:
        """(n,) the second from which on an outcome counts: its own date, or where it has none that from which it is known."""
        if self.told is None or self.known is None:
            return self.known
        return np.where(self.told < NEVER, self.told, self.known)

    @cached_property
    def day(self) -> Integers:
        """(n,) the number of the day of a row."""
        return self.seconds // SECONDS_PER_DAY

    @property
    def first_day(self) -> int:
        """The first day that there is, 0 without any."""
        return int(self.day.min()) if self.day.size else 0

    @property
    def last_day(self) -> int:
        """The last day that there is, -1 without any."""
        return int(self.day.max()) if self.day.size else -1


@dataclass(frozen=True)
class PrequentialFold:
    """Flags (n,) of the rows to learn from and of those to judge, and the day at whose beginning the model is made.

    ``blocked_rows`` of the judged days are left out, for their owners were known.
    """

    made_day: int
    learned: Flags
    judged: Flags
    blocked_rows: int


def wait_days(rows: DatedRows) -> int:
    """Return how many days it takes until outcomes are known: the shortest time of any, a part of a day as a whole.

    Where a column dates outcomes, a row without a date is none that is honest before nearly all outcomes of its time are there:
    then this is as long as that takes.

    Raises
    ------
    DataError
        No outcome is known before the data ends.
    """
    if rows.known is None:
        return 0
    told = rows.known < NEVER
    if not told.any():
        raise DataError("No outcome is known before the data ends.", "Give rows of a longer time, or say validation.wait.")
    return -(-int((rows.known - rows.seconds)[told].min()) // SECONDS_PER_DAY)


def prequential_folds(rows: DatedRows, plan: PrequentialPlan) -> tuple[PrequentialFold, ...]:
    """Return the folds, the latest first: the last judges the last days before the plan's stop.

    A fold learns from rows of its days whose outcomes were known when the judged days begin. Rows of an owner are not judged on
    days before which a positive one of recent days was known: nobody asks about a card that is blocked. Where outcomes are
    dated, they are not judged later than a positive one was told, to the second. Rows whose outcome never comes are not judged
    before a stop; up to the end of the data the outcomes are taken as they are.

    Raises
    ------
    DataError
        There are too few days, or a fold has rows of one class only to learn from or to judge.
    """
    _check_days(rows, plan)
    stop = rows.last_day + 1 if plan.stop_day is None else plan.stop_day
    found = []
    for number in range(plan.folds):
        first = stop - plan.judged_days * (number + 1)
        within = (rows.day >= first) & (rows.day < first + plan.judged_days)
        if plan.stop_day is not None and rows.known is not None:
            within &= rows.known < NEVER
        judged = within & ~_blocked(rows, plan, first)
        learned = learned_rows(rows, plan, first)
        for what, which in (("learn from", learned), ("judge", judged)):
            if not rows.label[which].any() or rows.label[which].all():
                raise DataError(
                    f"Fold {number + 1} of {plan.folds} has {np.count_nonzero(which):,} rows to {what}, of one class only.",
                    "Learn from more days (validation.train), judge more (validation.test) or fewer folds, give more rows, or"
                    " leave the folds out (--set prequential.run=false).",
                )
        found.append(PrequentialFold(first, learned, judged, int(np.count_nonzero(within) - np.count_nonzero(judged))))
    return tuple(found)


def learned_rows(rows: DatedRows, plan: PrequentialPlan, made_day: int) -> Flags:
    """Return which rows (n,) a model learns from that is made at the beginning of a day: of its days, those known by then.

    A row is known once nearly all outcomes of its age are, positive or not: by dates of positive ones alone, the last days would
    hold no others.

    There may be none, and of one class only, where the data begins too late for that.
    """
    stop = made_day - plan.wait_days
    learned = rows.day < stop
    if plan.learned_days is not None:
        learned &= rows.day >= stop - plan.learned_days
    if rows.known is not None:
        learned &= rows.known <= made_day * SECONDS_PER_DAY
    return learned


def has_days(rows: DatedRows, plan: PrequentialPlan, made_day: int) -> bool:
    """Whether the data has all days that a model learns from which is made at the beginning of a day, or any where all count."""
    return made_day - plan.wait_days - (plan.learned_days or 1) >= rows.first_day


def _check_days(rows: DatedRows, plan: PrequentialPlan) -> None:
    stop = rows.last_day + 1 if plan.stop_day is None else plan.stop_day
    there = stop - rows.first_day
    needed = (plan.learned_days or 1) + plan.wait_days + plan.judged_days * plan.folds
    if there < needed:
        where = "" if plan.stop_day is None else " before the test slice"
        folds = "1 fold needs" if plan.folds == 1 else f"{plan.folds} folds need"
        raise DataError(
            f"There are {there} days{where}, and {folds} {needed}: to learn from {plan.learned_days or 'all'},"
            f" to wait {plan.wait_days}, and to judge {plan.judged_days} each.",
            f"{_remedy(plan, there)}, or give rows of a longer time.",
        )


def _remedy(plan: PrequentialPlan, there: int) -> str:
    """Return what would make so many days enough."""
    most = (there - (plan.learned_days or 1) - plan.wait_days) // plan.judged_days
    if most > 0:
        return f"Set validation.folds to {most} at most"
    if plan.wait_days + plan.judged_days < there:
        return "Learn from fewer days (validation.train)"
    if plan.wait_days + 1 < there:
        return "Judge fewer days (validation.test)"
    return "Lower validation.wait where outcomes are known sooner"


def _blocked(rows: DatedRows, plan: PrequentialPlan, first: int) -> Flags:
    """Return which rows (n,) are of owners who are known by then, of a fold that judges from the day ``first`` on.

    A date of an outcome's own says to the second from when on its owner is blocked, and what was told recently counts, however
    long ago it happened. Without such dates owners are known by whole days, and what happened recently counts.
    """
    begin = rows.first_day if plan.blocked_days is None else first - plan.wait_days - plan.blocked_days
    if rows.told is not None and rows.counted is not None:
        counted, asked = rows.counted, rows.seconds
        recent = counted >= begin * SECONDS_PER_DAY
    else:
        counted = (rows.day + plan.wait_days + 1) * SECONDS_PER_DAY - 1 if rows.known is None else rows.known
        recent, asked = rows.day >= begin, rows.day * SECONDS_PER_DAY
    owners, place = np.unique(rows.owner, return_inverse=True)
    earliest = np.full(owners.size, NEVER, dtype=np.int64)
    recent &= rows.label == 1
    np.minimum.at(earliest, place[recent], counted[recent])
    return np.asarray(earliest[place] < asked)
