"""How flags and probabilities treat groups of rows: rates with intervals, the largest gap between two groups, and its limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from statistics import NormalDist
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import share_reading
from fusionguard.evaluation.scored import Flags, ScoredRows
from fusionguard.evaluation.segments import NOT_KNOWN, Segments
from fusionguard.proportions import Z95, wilson_interval

ALERT_RATE, RECALL, FALSE_POSITIVE_RATE, CALIBRATION = "alert_rate", "recall", "false_positive_rate", "calibration"

GAP_NAMES: dict[str, str] = {
    ALERT_RATE: "share of rows that are flagged",
    RECALL: "share of positive rows that are flagged (recall)",
    FALSE_POSITIVE_RATE: "share of negative rows that are flagged (false-positive rate)",
    CALIBRATION: "distance of the mean probability from the observed rate (calibration)",
}
"""What a gap is a gap of, in words, in reading order."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GroupRates(_Frozen):
    """One group of rows. Rates are of the real prior; their 95 % intervals are Wilson's, of as many rows as there are."""

    attribute: str
    group: str
    rows: int
    positives: int
    alert_rate: Interval
    recall: Interval
    false_positive_rate: Interval
    calibration: Interval
    """Mean probability less observed rate: above 0 where too much is expected."""


class GroupGap(_Frozen):
    """How far groups of one attribute are apart in one metric, against its limit."""

    attribute: str
    metric: str
    """A key of ``GAP_NAMES``."""
    value: Interval
    """The largest gap with a 95 % interval that holds for all pairs of groups together, or why there is none."""
    groups: tuple[str, ...] = ()
    """The two groups furthest apart, the highest first; for calibration, the group furthest off."""
    limit: float | None = None
    verdict: Literal["reported", "within", "watch", "broken"] = "reported"
    """``watch`` where the gap is above its limit and chance alone may do that; ``broken`` where the whole interval is."""

    def sentence(self) -> str:
        """Say in one sentence what was found."""
        name = GAP_NAMES[self.metric]
        if self.value.value is None:
            return f"By {self.attribute}, the {name} cannot be compared: {self.value.reason}."
        if len(self.groups) == 1:
            found = f"By {self.attribute}, the {name} is largest for '{self.groups[0]}': {self.value.text()}"
        else:
            highest, lowest = self.groups
            found = (
                f"By {self.attribute}, the {name} is highest for '{highest}' and lowest for '{lowest}', {self.value.text()} apart"
            )
        against = {
            "reported": "",
            "within": f", within the limit of {self.limit}",
            "watch": f", above the limit of {self.limit}, though chance alone may do that",
            "broken": f", which breaks the limit of {self.limit} beyond doubt",
        }
        return f"{found}{against[self.verdict]}."


class GroupReport(_Frozen):
    """Every group's rates and every gap, attribute by attribute."""

    groups: tuple[GroupRates, ...]
    gaps: tuple[GroupGap, ...]
    minimum_rows: int

    @property
    def broken(self) -> tuple[GroupGap, ...]:
        """The gaps beyond their limits."""
        return tuple(gap for gap in self.gaps if gap.verdict == "broken")


def read_groups(
    rows: ScoredRows, flagged: Flags, attributes: Sequence[Segments], limits: Mapping[str, float | None], *, minimum_rows: int
) -> GroupReport:
    """Read how flags and probabilities differ between groups.

    Parameters
    ----------
    rows, flagged
        n rows with outcomes, and (n,) which of them the policy flags.
    attributes
        The ways in which the rows are grouped; rows whose group is not known are shown, and compared with nobody.
    limits
        By metric the largest gap that is accepted; None where it is only reported.
    minimum_rows
        A group is compared where the metric is a share of so many rows, or more.
    """
    groups = {cut.name: [(name, rows.take(of), flagged[of]) for name, of in cut.parts() if of.any()] for cut in attributes}
    return GroupReport(
        groups=tuple(_rates(attribute, *group) for attribute, found in groups.items() for group in found),
        gaps=tuple(
            _gap(attribute, metric, _compared(found, metric, minimum_rows), limits.get(metric))
            for attribute, found in groups.items()
            for metric in GAP_NAMES
        ),
        minimum_rows=minimum_rows,
    )


_Group = tuple[str, ScoredRows, Flags]
_OF: dict[str, Callable[[ScoredRows], Flags]] = {
    ALERT_RATE: lambda rows: np.ones(rows.rows, dtype=np.bool_),
    RECALL: lambda rows: rows.label == 1,
    FALSE_POSITIVE_RATE: lambda rows: rows.label == 0,
    CALIBRATION: lambda rows: np.ones(rows.rows, dtype=np.bool_),
}
"""Which rows each metric is a share of."""


def _rates(attribute: str, name: str, rows: ScoredRows, flagged: Flags) -> GroupRates:
    read = {metric: _rate(metric, rows, flagged, Z95) for metric in GAP_NAMES}
    return GroupRates(attribute=attribute, group=name, rows=rows.rows, positives=rows.positives, **read)


def _rate(metric: str, rows: ScoredRows, flagged: Flags, z: float) -> Interval:
    """Read one metric of one group with an interval of ``z`` standard errors."""
    if metric == CALIBRATION:
        return _calibration(rows, z)
    of = _OF[metric](rows)
    trials = int(np.count_nonzero(of))
    if not trials:
        return share_reading(0, 0, f"no {'positive' if metric == RECALL else 'negative'} rows in this group")
    share = float(np.sum(rows.weight * (of & flagged)) / np.sum(rows.weight * of))
    low, high = wilson_interval(share * trials, trials, z)
    return Interval(value=share, low=low, high=high)


def _calibration(rows: ScoredRows, z: float) -> Interval:
    """Read mean probability less observed rate; its error is that of outcomes drawn from the probabilities."""
    total = float(rows.weight.sum())
    value = float(np.sum(rows.weight * (rows.probability - rows.label))) / total
    doubt = float(np.sum(rows.weight**2 * rows.probability * (1 - rows.probability)))
    half = z * (doubt + 0.25 * float(np.mean(rows.weight)) ** 2) ** 0.5 / total
    return Interval(value=value, low=max(value - half, -1.0), high=min(value + half, 1.0))


def _compared(groups: Sequence[_Group], metric: str, minimum_rows: int) -> list[_Group]:
    return [each for each in groups if each[0] != NOT_KNOWN and np.count_nonzero(_OF[metric](each[1])) >= minimum_rows]


def _gap(attribute: str, metric: str, groups: list[_Group], limit: float | None) -> GroupGap:
    """Read the largest gap: each pair has an interval so wide that all of them hold together (Bonferroni)."""
    if len(groups) < (1 if metric == CALIBRATION else 2):
        return GroupGap(attribute=attribute, metric=metric, value=Interval(reason="too few groups have enough rows"), limit=limit)
    gaps = list(_distances(metric, groups) if metric == CALIBRATION else _differences(metric, groups))
    value, names = max(((gap.value or 0.0, names) for gap, names in gaps), key=lambda found: found[0])
    low, high = (max(getattr(gap, end) for gap, _ in gaps) for end in ("low", "high"))
    found = Interval(value=value, low=low, high=high)
    return GroupGap(attribute=attribute, metric=metric, value=found, groups=names, limit=limit, verdict=_verdict(found, limit))


def _distances(metric: str, groups: list[_Group]) -> Iterator[tuple[Interval, tuple[str, ...]]]:
    for name, rows, flagged in groups:
        read = _rate(metric, rows, flagged, _together(len(groups)))
        value, low, high = (float(end or 0.0) for end in (read.value, read.low, read.high))
        crosses = low <= 0 <= high
        yield Interval(value=abs(value), low=0.0 if crosses else min(abs(low), abs(high)), high=max(abs(low), abs(high))), (name,)


def _differences(metric: str, groups: list[_Group]) -> Iterator[tuple[Interval, tuple[str, ...]]]:
    """Yield each pair's difference with Newcombe's interval (*Statistics in Medicine* 17, 1998, method 10)."""
    z = _together(len(groups) * (len(groups) - 1) // 2)
    rates = [(name, _rate(metric, rows, flagged, z)) for name, rows, flagged in groups]
    for pair in combinations(rates, 2):
        (first, one), (second, other) = sorted(pair, key=lambda named: -(named[1].value or 0.0))
        p, p_low, p_high = (float(end or 0.0) for end in (one.value, one.low, one.high))
        q, q_low, q_high = (float(end or 0.0) for end in (other.value, other.low, other.high))
        low = max(p - q - float(np.hypot(p - p_low, q_high - q)), 0.0)
        yield Interval(value=p - q, low=low, high=min(p - q + float(np.hypot(p_high - p, q - q_low)), 1.0)), (first, second)


def _together(intervals: int) -> float:
    return NormalDist().inv_cdf(1 - 0.05 / (2 * intervals))


def _verdict(value: Interval, limit: float | None) -> Literal["reported", "within", "watch", "broken"]:
    if limit is None or value.value is None or value.low is None:
        return "reported"
    if value.value <= limit:
        return "within"
    return "broken" if value.low > limit else "watch"
