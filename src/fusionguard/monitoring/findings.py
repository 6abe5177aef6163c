"""A check and its finding: an effect, how often chance does as much, and what that means against the limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring.reference import PROBABILITY

Level = Literal["none", "watch", "act"]
Kind = Literal[
    "psi",
    "ks",
    "tail",
    "categories",
    "missing",
    "new_category",
    "out_of_range",
    "scale",
    "spike",
    "rounding",
    "swap",
    "displaced",
    "burst",
    "absent_hours",
    "miscoded",
    "alert_rate",
    "classifier",
    "metric",
    "calibration",
    "fairness",
    "estimate",
    "skew",
]

FAULTS: frozenset[Kind] = frozenset({"spike", "rounding", "swap", "displaced", "burst", "absent_hours"})
"""Faults that are recognised as such (:mod:`~.faults`): no real change looks like them, or it is asked for first."""

UPSTREAM: frozenset[Kind] = FAULTS | {"missing", "new_category", "out_of_range", "scale", "miscoded"}
"""Marks of data that were broken before the model saw them."""

POPULATION: frozenset[Kind] = frozenset({"psi", "ks", "tail", "categories", "classifier"})
"""Marks of other rows than those the model learned from."""

OUTCOME: frozenset[Kind] = frozenset({"metric", "calibration", "fairness"})
"""What only labels can show."""

SKEW: frozenset[Kind] = frozenset({"skew"})
"""Features that are not what the history makes of them: the service computed them otherwise than training did."""

_RANK: dict[Level, int] = {"none": 0, "watch": 1, "act": 2}


@dataclass(frozen=True)
class Check:
    """One comparison of a window with its reference.

    Parameters
    ----------
    kind
        What was compared.
    subject
        The column, or the metric, or what else it is about.
    effect
        How large the change is, in the unit of its limits.
    watch, act
        The effects from which it is to be watched, and acted upon.
    chance
        The p-value: how often a window without drift shows such an effect or a larger one.
    sentence
        What was found, in words.
    segment
        The segment it was found in, such as ``gender: Female``; empty for all rows.
    low, high
        A 95 % interval of the effect in all rows, where there is one.
    judged
        False for a comparison that is shown only.
    certain
        False for a fault of the data that a real change could look like.
    words
        What people call the subject; empty where that is its name.
    """

    kind: Kind
    subject: str
    effect: float
    watch: float
    act: float
    chance: float
    sentence: str
    segment: str = ""
    low: float | None = None
    high: float | None = None
    judged: bool = True
    certain: bool = True
    words: str = ""

    def beyond(self, limit: float, chance: float) -> bool:
        """Tell whether effect and p-value both say so."""
        return self.judged and self.effect >= limit and self.chance <= chance


class Finding(BaseModel):
    """A check that has been judged among those of its family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    subject: str
    segment: str = ""
    level: Level
    effect: float
    watch: float
    act: float
    low: float | None = None
    high: float | None = None
    chance: float
    """Holm's adjusted p-value: how often a window without drift has any such finding in this family of checks."""
    since: datetime | None = None
    """The beginning of the first day (or other span) in which it was beyond its limit; null where none is by itself."""
    sentence: str
    certain: bool = True
    """False for a fault of the data that a real change could look like: its owner is to be asked first."""
    approved: str | None = None
    """Who says that the change is meant (:mod:`~.approval`); null where nobody does."""
    words: str = ""
    """What people call the subject; empty where that is its name."""

    @property
    def title(self) -> str:
        """What people call the subject."""
        return self.words or self.subject

    @property
    def told(self) -> str:
        """The sentence, with the segment it is about."""
        return f"{self.sentence} ({self.segment})" if self.segment else self.sentence

    @property
    def is_of_rows(self) -> bool:
        """Whether it is about the rows themselves, and not about the model's answers or outcomes."""
        return self.kind in POPULATION | UPSTREAM and self.subject != PROBABILITY

    @property
    def is_fault(self) -> bool:
        """Whether it is a recognised fault, and not approved."""
        return self.kind in FAULTS and self.approved is None

    @property
    def is_broken(self) -> bool:
        """Whether it marks values that were broken before the model saw them, and is not approved.

        A few values out of range are a wider tail; that many are broken data.
        """
        return self.kind in UPSTREAM | SKEW and self.approved is None and (self.kind != "out_of_range" or self.level == "act")

    @property
    def limit(self) -> float:
        """The limit that was passed, or the first one that was not."""
        return self.act if self.level == "act" else self.watch


def judge(checks: Sequence[Check], chance: float) -> tuple[Finding, ...]:
    """Judge one family of checks, the gravest finding first; of equal level, the largest effect against its limit.

    Their p-values are corrected by Holm's step-down method (Scandinavian Journal of Statistics 6, 1979): in a window without
    drift, the chance of any finding at all in the family is at most ``chance``, whatever the dependence among the columns.
    That is what an alarm needs; a false discovery rate would promise only that few of many findings are wrong.
    Checks that are not judged do not count against the others.
    """
    judged = [check for check in checks if check.judged]
    adjusted = iter(holm(np.array([check.chance for check in judged])))
    found = [_finding(check, float(next(adjusted)) if check.judged else 1.0, chance) for check in checks]
    return tuple(sorted(found, key=lambda finding: (-_RANK[finding.level], -finding.effect / finding.limit)))


def holm(chances: Floats) -> Floats:
    """Return Holm's adjusted p-values (k,) of p-values (k,): the i-th smallest times (k - i + 1), never falling, at most 1."""
    order = np.argsort(chances)
    scaled = chances[order] * np.arange(chances.size, 0, -1)
    adjusted = np.empty_like(scaled)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def worst(findings: Iterable[Finding]) -> Level:
    """Return the gravest level among findings."""
    return max((finding.level for finding in findings), key=_RANK.__getitem__, default="none")


def graver(level: Level, other: Level) -> bool:
    """Tell whether a level is graver than another."""
    return _RANK[level] > _RANK[other]


def _finding(check: Check, adjusted: float, chance: float) -> Finding:
    level: Level = "none"
    if check.judged and adjusted <= chance:
        level = "act" if check.effect >= check.act else "watch" if check.effect >= check.watch else "none"
    return Finding(
        kind=check.kind,
        subject=check.subject,
        segment=check.segment,
        level=level,
        effect=check.effect,
        watch=check.watch,
        act=check.act,
        low=check.low,
        high=check.high,
        chance=adjusted,
        sentence=check.sentence,
        certain=check.certain,
        words=check.words,
    )
