"""What is odd about times: dates that stand for none, numbers that are no seconds, and columns that only sound like times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fusionguard.datasets.inspection.findings import Finding
from fusionguard.datasets.inspection.name_words import name_words, word_set
from fusionguard.datasets.inspection.over_time import Timeline
from fusionguard.datasets.inspection.profile import MOST_VALUES, Column, Profile
from fusionguard.datasets.inspection.roles import Role

_DAY_SECONDS = 86_400
_FIRST_YEAR, _LAST_YEAR = 1901, 2100
_SOUNDS = word_set("time date datetime timestamp datum zeit joined opened closed born eroffnet")
_SHORTEST_DATE = 6
_EXCEL_DAYS = (20_000, 60_000)
"""Days that Excel has counted from 1899-12-30 until 1954 and 2064."""


def odd_times(profile: Profile, roles: Mapping[str, Role], line: Timeline | None) -> Iterator[Finding]:
    """Find placeholders among times, a time that hardly moves, and columns called a time that are not read as one."""
    for column in profile.columns:
        if stands_for_none(column):
            end = column.last if column.last is not None and column.last.year >= _LAST_YEAR else column.first
            what = f"'{column.name}' has the date {end:%Y-%m-%d}, which stands for no date."
            weight, remedy = "look", "Leave such cells empty."
            if roles[column.name].name in ("time", "known"):
                weight, remedy = "stop", "Leave such rows out, or find out when they happened: all of time is cut by it."
            yield Finding("placeholder_date", "stop" if weight == "stop" else "look", (column.name,), what, remedy)
        elif _sounds(column, roles[column.name]):
            what = f"'{column.name}' is called a time, and its cells are not read as one."
            remedy = "They are written in several ways, or in an unusual one: write ISO 8601."
            yield Finding("unread_time", "look", (column.name,), what, remedy)
    if line is not None and line.last - line.first < _DAY_SECONDS:
        column = profile.by_name[line.column]
        what = f"All rows lie within {(line.last - line.first) / 3_600:.1f} hours by '{line.column}'{_rather(column)}."
        remedy = "Write ISO 8601 where the file is made, or correct the unit in the draft."
        yield Finding("short_time", "stop", (line.column,), what, remedy)


def stands_for_none(column: Column) -> bool:
    """Return whether the ends of a column of times are dates that people write where there is none, such as 9999-12-31."""
    if column.first is None or column.last is None:
        return False
    return column.first.year < _FIRST_YEAR or column.last.year >= _LAST_YEAR


def _sounds(column: Column, role: Role) -> bool:
    if column.form.kind != "text" or role.private or role.name in ("id", "entity", "label") or column.distinct <= MOST_VALUES:
        return False
    return column.shortest >= _SHORTEST_DATE and bool(set(name_words(column.name)) & _SOUNDS)


def _rather(column: Column) -> str:
    """Return what numbers that were taken for seconds rather are."""
    low, high = column.smallest, column.largest
    if low is None or high is None or (not column.whole and low < _EXCEL_DAYS[0]):
        return ""
    if low >= 190_001 and high <= 210_012 and 1 <= low % 100 <= 12 and 1 <= high % 100 <= 12:
        return f": {low:.0f} to {high:.0f} are months, YYYYMM, and no seconds"
    if low >= _EXCEL_DAYS[0] and high <= _EXCEL_DAYS[1]:
        return f": {low:.0f} to {high:.0f} may be days as Excel counts them, and no seconds"
    return ""
