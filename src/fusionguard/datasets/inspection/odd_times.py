"""What is odd about times: dates that stand for none, numbers that are no seconds, and columns that only sound like times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fusionguard.datasets.inspection.clocks import EXCEL_DAYS, excel_moment, is_excel_days, sounds_like_a_time
from fusionguard.datasets.inspection.findings import Finding
from fusionguard.datasets.inspection.name_words import FREE_TEXT, ID, OTHER_TIME, says
from fusionguard.datasets.inspection.over_time import Timeline
from fusionguard.datasets.inspection.profile import MOST_VALUES, Column, Profile
from fusionguard.datasets.inspection.roles import Role

_DAY_SECONDS = 86_400
_FIRST_YEAR, _LAST_YEAR = 1901, 2100
_SHORTEST_DATE, _FEWEST_DIGITS = 6, 3
_LIKE_TIMES = (
    (*EXCEL_DAYS, "days as Excel counts them"),
    (199_001, 209_912, "months, YYYYMM"),
    (1_990_001, 2_099_366, "days of years, YYYYDDD"),
    (19_900_101, 20_991_231, "days, YYYYMMDD"),
    (199_001_010_000, 209_912_312_359, "minutes, YYYYMMDDHHMM"),
    (19_900_101_000_000, 20_991_231_235_959, "seconds, YYYYMMDDHHMMSS"),
    (6.3e17, 6.6e17, "ticks of .NET"),
)
"""What numbers of a column that is called a time are, all of them between two."""


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
        elif (how := _unread(column, roles[column.name])) is not None:
            what = f"'{column.name}' is called a time, and is not read as one: {how}."
            untimed = all(role.name != "time" for role in roles.values()) and says(column.name, OTHER_TIME) is None
            remedy = "Write ISO 8601 where the file is made, or declare it under time with its format or unit"
            if is_excel_days(column):
                remedy = _as_dates(column)
            remedy += "; until then rows are judged by folds, and not on the latest." if untimed else "."
            yield Finding("unread_time", "stop" if untimed else "look", (column.name,), what, remedy)
    if line is not None and line.last - line.first < _DAY_SECONDS:
        column = profile.by_name[line.column]
        what = f"All rows lie within {(line.last - line.first) / 3_600:.1f} hours by '{line.column}'{_rather(column)}."
        remedy = "Write ISO 8601 where the file is made, or correct the unit in the draft."
        if is_excel_days(column):
            remedy = f"{_as_dates(column)}."
        yield Finding("short_time", "stop", (line.column,), what, remedy)


def stands_for_none(column: Column) -> bool:
    """Return whether the ends of a column of times are dates that people write where there is none, such as 9999-12-31."""
    if column.first is None or column.last is None:
        return False
    return column.first.year < _FIRST_YEAR or column.last.year >= _LAST_YEAR


def _unread(column: Column, role: Role) -> str | None:
    """Return what the cells of a column are that is called a time and not read as one; None where it is none."""
    other = says(column.name, OTHER_TIME)
    if role.name in ("label", "entity", "time", "known") or says(column.name, ID | FREE_TEXT) or (role.private and other):
        return None
    if not sounds_like_a_time(column):
        return None
    if column.form.kind == "number":
        low, high = column.smallest, column.largest
        if low is None or high is None or column.distinct <= 2:
            return None
        return next((f"its numbers may be {what}" for first, last, what in _LIKE_TIMES if first <= low and high <= last), None)
    few = column.distinct <= MOST_VALUES
    digits = all(sum(map(str.isdigit, value.text)) >= _FEWEST_DIGITS for value in column.values)
    if column.form.kind != "text" or column.shortest < _SHORTEST_DATE or (few and not (column.values and digits)):
        return None
    return "its cells are written in several ways, or in an unusual one"


def _as_dates(column: Column) -> str:
    shown = "" if column.smallest is None else f" ({column.smallest:.10g} is {excel_moment(column.smallest)})"
    return f"In the spreadsheet, format the column as yyyy-mm-dd hh:mm:ss{shown} and save the file again"


def _rather(column: Column) -> str:
    """Return what numbers that were taken for seconds rather are."""
    low, high = column.smallest, column.largest
    if low is None or high is None or (not column.whole and low < EXCEL_DAYS[0]):
        return ""
    if low >= 190_001 and high <= 210_012 and 1 <= low % 100 <= 12 and 1 <= high % 100 <= 12:
        return f": {low:.0f} to {high:.0f} are months, YYYYMM, and no seconds"
    if low >= EXCEL_DAYS[0] and high <= EXCEL_DAYS[1]:
        return f": {low:.0f} to {high:.0f} may be days as Excel counts them, and no seconds"
    return ""
