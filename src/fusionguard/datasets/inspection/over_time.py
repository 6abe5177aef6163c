"""A table along its time: how many rows each period has, how many of them are positive, and where that breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt

from fusionguard.datasets.inspection.findings import Finding
from fusionguard.datasets.inspection.label import Label
from fusionguard.datasets.inspection.opened_table import ROW, OpenedTable
from fusionguard.datasets.inspection.profile import Column, Profile
from fusionguard.datasets.inspection.roles import Role
from fusionguard.datasets.moment_sql import unit_seconds

PERIODS = 20
"""A table is cut into so many equal spans of time."""

_DAY_SECONDS = 86_400
_FEWEST_EXPECTED = 8.0
_TIMES, _DEVIATIONS = 2.5, 6.0
_GAP_PERIODS = 3
_CHANCE = 0.01
"""So often a gap may be there by chance: far fewer stretches are reported than looked at."""


@dataclass(frozen=True)
class Span:
    """A stretch of time: its first second, and its rows with a label and how many of those are positive."""

    start: float
    rows: int
    labelled: int
    positives: int


@dataclass(frozen=True)
class Timeline:
    """A table along its time.

    Parameters
    ----------
    column
        The column of the time.
    first, last
        Seconds since 1970, or since the start that it counts from.
    since_epoch
        Whether they are moments.
    spans
        ``PERIODS`` equal stretches, in order.
    gaps
        Stretches without rows that are far longer than those between rows usually are, as seconds from and to.
    """

    column: str
    first: float
    last: float
    since_epoch: bool
    spans: tuple[Span, ...]
    gaps: tuple[tuple[float, float], ...]

    def shown(self, seconds: float) -> str:
        """Return a moment as text: a date where it has one, else days since the start."""
        if self.since_epoch:
            return f"{datetime(1970, 1, 1) + timedelta(seconds=seconds):%Y-%m-%d}"
        return f"day {seconds / _DAY_SECONDS:.1f}"


def rising_columns(table: OpenedTable, profile: Profile) -> frozenset[str]:
    """Return the names of columns of numbers that never fall from row to row in the sample."""
    numbers = [
        column for column in profile.columns if column.form.kind == "number" and column.distinct > 2 and not column.missing
    ]
    rising = set()
    for start in range(0, len(numbers), 25):
        batch = numbers[start : start + 25]
        falls = ", ".join(f"count(*) FILTER (WHERE v{at} < p{at})" for at in range(len(batch)))
        pairs = ", ".join(f"{column.sql} AS v{at}, lag({column.sql}) OVER w AS p{at}" for at, column in enumerate(batch))
        query = f'SELECT {falls} FROM (SELECT {pairs} FROM sample WINDOW w AS (ORDER BY "{ROW}"))'
        rising |= {column.name for column, count in zip(batch, table.ask(query)[0], strict=True) if count == 0}
    return frozenset(rising)


def read_timeline(table: OpenedTable, column: Column, role: Role, label: Label | None) -> Timeline | None:
    """Return the table along its time; None where that does not move."""
    seconds = f"epoch({column.sql})" if column.form.kind == "time" else unit_seconds(column.sql, role.unit)
    first, last = table.ask(f"SELECT min({seconds}), max({seconds}) FROM {table.relation}")[0]
    if first is None or last <= first:
        return None
    width = (last - first) / PERIODS
    positive, negative = (label.is_positive, label.is_negative) if label is not None else ("false", "false")
    place = f"least(CAST(floor(({seconds} - {first!r}) / {width!r}) AS BIGINT), {PERIODS - 1})"
    counted = {
        int(at): (int(rows), int(labelled), int(positives))
        for at, rows, labelled, positives in table.ask(
            f"SELECT {place} AS span, count(*), count(*) FILTER (WHERE {positive} OR {negative}), "
            f"count(*) FILTER (WHERE {positive}) FROM {table.relation} WHERE {seconds} IS NOT NULL GROUP BY span"
        )
    }
    spans = tuple(Span(first + at * width, *counted.get(at, (0, 0, 0))) for at in range(PERIODS))
    return Timeline(column.name, first, last, role.since != "start", spans, _gaps(table, seconds, first, last))


def _gaps(table: OpenedTable, seconds: str, first: float, last: float) -> tuple[tuple[float, float], ...]:
    """Return stretches of whole days (of hours, where the table is short) without rows, at least three in a row."""
    unit = _DAY_SECONDS if last - first > 10 * _DAY_SECONDS else 3_600
    number = f"CAST(floor({seconds} / {unit}) AS BIGINT) AS number"
    query = f"SELECT DISTINCT {number} FROM {table.relation} WHERE number IS NOT NULL ORDER BY number"
    places = [int(each[0]) for each in table.ask(query)]
    steps = [two - one for one, two in pairwise(places)]
    if not steps:
        return ()
    usual = sorted(steps)[len(steps) // 2]
    far = max(_GAP_PERIODS * usual, usual + _GAP_PERIODS)
    empty = max(1 - len(places) * usual / (places[-1] - places[0] + usual), 0.0)

    def is_chance(step: int) -> bool:
        """Return whether one of so many steps may well be so long, if each stretch were empty as often as they are."""
        return bool(len(steps) * empty ** (step / usual - 1) > _CHANCE)

    return tuple(((one + 1) * unit, two * unit) for one, two in pairwise(places) if two - one > far and not is_chance(two - one))


def time_findings(line: Timeline, label: Label | None, *, sure: bool) -> Iterator[Finding]:
    """Find gaps in what surely is a time, a share of positive rows that jumps, and labels that are not known yet at the end."""
    if line.gaps and sure:
        longest = max(line.gaps, key=lambda gap: gap[1] - gap[0])
        count = f"{len(line.gaps)} stretches" if len(line.gaps) > 1 else "a stretch"
        what = f"'{line.column}' has {count} without rows, the longest {line.shown(longest[0])} to {line.shown(longest[1])}."
        yield Finding(
            "time_gap", "look", (line.column,), what, "Rows may have been lost: counts over time would be too low there."
        )
    if label is not None:
        yield from _rate_findings(line, label)


def _rate_findings(line: Timeline, label: Label) -> Iterator[Finding]:
    share = label.share
    end = _silent_end(line.spans, share)
    if end is not None:
        what = f"From {line.shown(line.spans[end].start)} on hardly a row is positive: labels there are not known yet."
        remedy = "Cut the table there, and declare how long labels take (label: known: after)."
        yield Finding("labels_end", "stop", (label.column.name,), what, remedy)
    spans = line.spans[:end]
    place = _jump(spans)
    if place is not None:
        before, after = _rate(spans[:place]), _rate(spans[place:])
        what = f"The share of positive rows jumps at {line.shown(spans[place].start)}: {before:.2%} before, {after:.2%} after."
        yield Finding(
            "label_jump", "stop", (label.column.name,), what, "Find out what changed: the world, or how labels are made."
        )


def _rate(spans: Sequence[Span]) -> float:
    return sum(span.positives for span in spans) / max(sum(span.labelled for span in spans), 1)


def _silent_end(spans: Sequence[Span], share: float) -> int | None:
    """Return the first of the last spans that together have hardly a positive row where many were to be expected."""
    end = len(spans)
    while end > 0 and spans[end - 1].positives <= 0.1 * share * spans[end - 1].labelled:
        end -= 1
    expected = share * sum(span.labelled for span in spans[end:])
    return end if 0 < end < len(spans) and expected >= _FEWEST_EXPECTED else None


def _jump(spans: Sequence[Span]) -> int | None:
    """Return the place that parts spans into two of the most different shares, where these differ much and beyond chance.

    Chance is the binomial one times the spread of shares between neighbours, for rows of one card or customer belong together.
    """
    best: tuple[float, int] | None = None
    for place in range(2, len(spans) - 1):
        parts = spans[:place], spans[place:]
        rows = [sum(span.labelled for span in part) for part in parts]
        rates = [_rate(part) for part in parts]
        pooled = _rate(spans)
        if min(rows) == 0 or min(row * pooled for row in rows) < _FEWEST_EXPECTED:
            continue
        times = max(rates) / max(min(rates), 0.5 / max(rows))
        error = sqrt(pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1]))
        deviations = abs(rates[0] - rates[1]) / error if error else 0.0
        if times >= _TIMES and deviations >= _DEVIATIONS and (best is None or deviations > best[0]):
            best = (deviations, place)
    return None if best is None else best[1]
