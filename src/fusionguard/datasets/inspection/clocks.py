"""Which column says when a row happened, and which ones are other clocks: times as text, as moments, and as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fusionguard.datasets.inspection.label import Label
from fusionguard.datasets.inspection.name_words import ID, OTHER_TIME, TENURE, TIME, name_words, says, word_set
from fusionguard.datasets.inspection.profile import Column
from fusionguard.datasets.inspection.relation import Relation
from fusionguard.datasets.moments import PER_SECOND

_EPOCHS = {unit: (6.3e8 * per, 2.1e9 * per) for unit, per in PER_SECOND.items()}
"""What has been counted since 1970 between 1990 and 2036."""
_ELAPSED = word_set("tx transaction event time seconds second secs sec days day ms milliseconds elapsed since start")
_AFTER_EVENT = 0.95
_HAPPENED = word_set(
    "time date datetime timestamp ts datum zeit zeitstempel epoch booked booking buchung posted created occurred transacted at on"
)
_SOUNDS = _HAPPENED | word_set("joined opened closed born eroffnet")
_EXCEL_START = datetime(1899, 12, 30)
EXCEL_DAYS = (20_000, 60_000)
"""Days that Excel has counted from 1899-12-30 until 1954 and 2064."""


@dataclass(frozen=True)
class Clock:
    """A column that may say when a row happened.

    Parameters
    ----------
    reason
        Why, in words.
    named
        Whether its name says so, too.
    unit, since
        Of numbers, what they count, and from when: ``epoch`` or ``start``.
    others
        The names of columns that would do, too.
    """

    column: Column
    reason: str
    named: bool
    unit: str
    since: str
    others: tuple[str, ...] = ()


def find_time(
    columns: Sequence[Column],
    relations: Mapping[str, Relation],
    label: Label | None,
    rising: frozenset[str],
    beginnings: Mapping[str, str],
) -> Clock | None:
    """Return the column that says best when a row happened; None where none does.

    Parameters
    ----------
    rising
        The names of number columns that never fall from row to row: clocks, perhaps.
    beginnings
        Times that belong to somebody and not to a row (:func:`find_beginnings`): none of them is chosen.
    """
    ranked = []
    for column in columns:
        relation = relations.get(column.name)
        if label is not None and relation is not None and after_event(column, relation, label):
            continue
        unit, since = read_clock(column, rising)
        if column.name in beginnings or (not unit and column.form.kind != "time"):
            continue
        named = says(column.name, TIME)
        points = 2.0 * (named is not None) - 4.0 * (says(column.name, OTHER_TIME) is not None)
        points += (
            1.0 * (column.form.kind == "time") + (column.distinct / column.rows) - 3.0 * (column.missing > 0.01 * column.rows)
        )
        why = f"'{named}' in its name" if named else "it holds times"
        if unit:
            why += f", numbers of {unit} since {'1970' if since == 'epoch' else 'a start'}"
        ranked.append((points, -column.place, Clock(column, why, named is not None, unit, since)))
    if not ranked or max(each[0] for each in ranked) <= 0:
        return None
    best = max(ranked, key=lambda each: each[:2])[2]
    others = tuple(clock.column.name for points, _, clock in ranked if clock is not best and points > 0)
    return replace(best, others=others)


def find_beginnings(copies: Sequence[tuple[Column, ...]]) -> dict[str, str]:
    """Return the times from which another column counts how long it has been, with that column: a contract's start, a birth.

    Such a time says when somebody came, and not when the row was made, which is later by what the other one counts.
    """
    found: dict[str, str] = {}
    for group in copies:
        lasting = [each.name for each in group if each.form.kind == "number" and says(each.name, TENURE)]
        times = [each.name for each in group if each.form.kind == "time"]
        found |= {time: lasting[0] for time in times if lasting}
    return found


def read_clock(column: Column, rising: frozenset[str]) -> tuple[str, str]:
    """Return what a column of numbers counts, and since when; nothing where it is no clock."""
    if column.form.kind != "number" or column.smallest is None or column.largest is None or column.distinct < 2:
        return "", ""
    if says(column.name, TIME) and not says(column.name, ID):
        for unit, (low, high) in _EPOCHS.items():
            if low <= column.smallest and column.largest <= high:
                return unit, "epoch"
    parts = set(name_words(column.name))
    if column.name in rising and column.smallest >= 0 and parts <= _ELAPSED and parts & (TIME | {"seconds", "days"}):
        return ("days" if parts & {"day", "days"} else "milliseconds" if parts & {"ms", "milliseconds"} else "seconds"), "start"
    return "", ""


def sounds_like_a_time(column: Column) -> bool:
    """Return whether a word of a column's name says when something happened."""
    return bool(set(name_words(column.name)) & _SOUNDS)


def is_excel_days(column: Column) -> bool:
    """Return whether a column that is called a time holds days as Excel counts them, which no declaration reads."""
    low, high = column.smallest, column.largest
    if column.form.kind != "number" or low is None or high is None or column.distinct <= 2 or says(column.name, ID):
        return False
    return sounds_like_a_time(column) and EXCEL_DAYS[0] <= low and high <= EXCEL_DAYS[1]


def excel_moment(days: float) -> str:
    """Return the moment of days as Excel counts them, to the minute."""
    return f"{_EXCEL_START + timedelta(days=days):%Y-%m-%d %H:%M}"


def after_event(column: Column, relation: Relation, label: Label) -> bool:
    """Return whether a column is filled for nearly all positive rows and hardly any other."""
    return (
        column.missing > 0
        and relation.filled_positive >= 0.5 * label.positives
        and relation.filled_positive >= _AFTER_EVENT * (relation.filled_positive + relation.filled_negative)
    )
