"""A moment as a row tells it: what ``moment_sql`` says in SQL, as an instant and as what a clock on a wall of its zone showed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fusionguard.datasets.cells import as_category, as_number
from fusionguard.datasets.declaration import Time

DAY_SECONDS = 86_400.0
PER_SECOND = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
"""How many of a unit of times that are numbers are a second: numbers are divided by it, for a thousandth is no double."""

LARGEST_TIME = 2.0**40
"""Seconds before and after 1970: 34,000 years, within which every step of the calendar is exact in a DOUBLE."""

EARLIEST_YEAR, EARLIEST = 1000, -30_610_224_000.0
"""A year of fewer digits is one of two that was read as one of four; and the second since 1970 in which this one began."""

_DATE, _PADDED_DATE = r"([0-9]{4})([-/ ])([0-9]{1,2})([-/ ])([0-9]{1,2})", r"([0-9]{4})(-)([0-9]{2})(-)([0-9]{2})"
_OF_DAY = r"[T ] *([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]*))?)?"
WITHOUT_OFFSET = f"{_DATE}(?:{_OF_DAY})?()"
WITH_OFFSET = f"{_PADDED_DATE}{_OF_DAY} ?(Z|UTC|[+-][0-9]{{2}}(?::?[0-5][0-9])?)"
"""How a time in ISO 8601 may be written, in capital letters, with decimal points and without blanks around it; DuckDB reads
these patterns, too."""

_WITHOUT_OFFSET, _WITH_OFFSET = re.compile(WITHOUT_OFFSET), re.compile(WITH_OFFSET)
_EPOCH, _SECOND = datetime(1970, 1, 1), 1_000_000
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1).toordinal()

_DIGITS = {"Y": "4", "y": "1,2", "m": "1,2", "d": "1,2", "H": "1,2", "M": "1,2", "S": "1,2", "f": "1,6"}
"""How many digits the parts of a format have that are numbers."""
_FIRST_OF_1900 = 69
"""A year of two digits from here on is one of the twentieth century, as for ``strptime``."""

MomentReader = Callable[[Any], float | None]
"""From what a row holds to seconds; None for what is no such time."""


class _Shown(NamedTuple):
    """What becomes of a moment in microseconds, of one in UTC and of one as a clock showed it; None where no calendar reaches."""

    of_utc: Callable[[int], int | None]
    of_local: Callable[[int], int | None]


def clock_reader(time: Time) -> MomentReader:
    """Return the function that reads the times of a declared column as the seconds of a clock.

    It takes what JSON and Arrow hold, texts, numbers, dates and times: seconds since 1970 as a clock in the declared zone showed
    them, exact to the microsecond, or since the first day where times count from that. None is a time before the year 1000 or
    outside of its declared range.
    """
    zone = None if time.zone in (None, "UTC") else ZoneInfo(str(time.zone))
    return _reader(time, _Shown(lambda micros: _wall(micros, zone), _same), whole=zone is None)


def instant_reader(time: Time) -> MomentReader:
    """Return the function that reads the same times as seconds since 1970 in UTC.

    What a clock showed twice was the later moment, and what it never showed is as far behind the change as it says, as DuckDB
    has it.
    """
    zone = None if time.zone in (None, "UTC") else ZoneInfo(str(time.zone))
    return _reader(time, _Shown(_same, lambda micros: _utc(micros, zone)), whole=True)


def _reader(time: Time, shown: _Shown, *, whole: bool) -> MomentReader:
    if time.unit:
        return _number_reader(time, None if whole else shown)
    of_text = _format_reader(time.format, shown) if time.format else _iso_reader(shown)

    def read(value: Any) -> float | None:
        if isinstance(value, str):
            return of_text(value.strip(" "))
        if time.format and isinstance(value, int | float) and not isinstance(value, bool):
            return of_text(as_category(value) or "")
        if isinstance(value, datetime):
            micros = _micros(value.replace(tzinfo=None))
            return _seconds(shown.of_utc(micros - _offset(value)) if value.tzinfo else shown.of_local(micros))
        if isinstance(value, date):
            return _seconds(shown.of_local((value.toordinal() - _FIRST_DAY) * 86_400 * _SECOND))
        return None

    return read


def _number_reader(time: Time, shown: _Shown | None) -> MomentReader:
    low, high = time.range or (float("-inf"), float("inf"))

    def read(value: Any) -> float | None:
        number = as_number(value)
        if number is None or isinstance(value, bool) or not low <= number <= high:
            return None
        seconds = number * DAY_SECONDS if time.unit == "days" else number / PER_SECOND[str(time.unit)]
        if abs(seconds) > LARGEST_TIME:
            return None
        return seconds if shown is None else _seconds(shown.of_utc(round(seconds * _SECOND)))

    return read


def _format_reader(written: str, shown: _Shown) -> MomentReader:
    """Return the function that reads texts of a format: ten times as fast as ``strptime`` where all of its parts are numbers."""
    pattern = _number_pattern(written)
    return _strptime_reader(written, shown) if pattern is None else _pattern_reader(pattern, shown)


def _number_pattern(written: str) -> re.Pattern[str] | None:
    """Return the expression of a format whose parts are numbers, each named by its letter; None for any other format."""
    parts: list[str] = []
    letters = re.findall(r"%(.)", written)
    if len(set(letters)) < len(letters) or not set(letters) <= _DIGITS.keys():
        return None
    for part in re.split(r"(%.|\s+)", written):
        if part.startswith("%"):
            parts.append(f"(?P<{part[1]}>[0-9]{{{_DIGITS[part[1]]}}}+)")  # takes all that it can, as DuckDB does
        else:
            parts.append(r"\s+" if part.isspace() else re.escape(part))
    return re.compile("".join(parts))


def _pattern_reader(pattern: re.Pattern[str], shown: _Shown) -> MomentReader:
    def read(text: str) -> float | None:
        found = pattern.fullmatch(text)
        if found is None:
            return None
        part = found.groupdict().get
        short = part("y")
        year = int(part("Y", "0")) if short is None else int(short) + (1900 if int(short) >= _FIRST_OF_1900 else 2000)
        of_day = int(part("H", "0")), int(part("M", "0")), int(part("S", "0")), int(part("f", "0").ljust(6, "0"))
        try:
            moment = datetime(year, int(part("m", "1")), int(part("d", "1")), *of_day)
        except ValueError:
            return None
        return None if year < EARLIEST_YEAR else _seconds(shown.of_local(_micros(moment)))

    return read


def _strptime_reader(written: str, shown: _Shown) -> MomentReader:
    def read(text: str) -> float | None:
        if not text.isascii():  # other digits than these mean nothing to DuckDB
            return None
        try:
            moment = datetime.strptime(text, written)
        except ValueError:
            return None
        if moment.year < EARLIEST_YEAR:
            return None
        local = _micros(moment.replace(tzinfo=None))
        return _seconds(shown.of_local(local) if moment.tzinfo is None else shown.of_utc(local - _offset(moment)))

    return read


def _iso_reader(shown: _Shown) -> MomentReader:
    def read(text: str) -> float | None:
        text = text.upper().replace(",", ".") if text.isascii() else text
        found = _WITHOUT_OFFSET.fullmatch(text) or _WITH_OFFSET.fullmatch(text)
        if found is None:
            return None
        year, sign, month, other, day, hour, minute, second, fraction, offset = found.groups()
        if sign != other or int(year) < EARLIEST_YEAR:
            return None
        hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
        part = int((fraction or "0")[:6].ljust(6, "0"))
        if minutes > 59 or seconds > 59 or hours > 24 or (hours == 24 and minutes + seconds + part > 0):
            return None
        try:
            days = date(int(year), int(month), int(day)).toordinal() - _FIRST_DAY
        except ValueError:
            return None
        micros = ((days * 24 + hours) * 3600 + minutes * 60 + seconds) * _SECOND + part
        return _seconds(shown.of_utc(micros - _written_offset(offset)) if offset else shown.of_local(micros))

    return read


def _written_offset(text: str) -> int:
    """Return an offset such as ``+02:00`` in microseconds."""
    digits = text[1:].replace(":", "").ljust(4, "0")
    return 0 if text in ("Z", "UTC") else (int(digits[:2]) * 60 + int(digits[2:])) * 60 * _SECOND * (-1 if text[0] == "-" else 1)


def _offset(moment: datetime) -> int:
    return (moment.utcoffset() or timedelta()) // timedelta(microseconds=1)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _wall(micros: int, zone: ZoneInfo | None) -> int | None:
    """Return what a clock in a zone shows at a moment in UTC, both in microseconds; None where no calendar reaches."""
    if zone is None:
        return micros
    try:
        return micros + _offset((_EPOCH_UTC + timedelta(microseconds=micros)).astimezone(zone))
    except OverflowError:
        return None


def _utc(micros: int, zone: ZoneInfo | None) -> int | None:
    """Return when a clock in a zone shows a moment, in UTC, both in microseconds; None where no calendar reaches."""
    if zone is None:
        return micros
    try:
        local = (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=zone)
        return micros - min(_offset(local), _offset(local.replace(fold=1)))
    except OverflowError:
        return None


def _same(micros: int) -> int:
    return micros


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / _SECOND


def expected_time(time: Time) -> str:
    """Say what a cell of times must hold."""
    if time.unit:
        since = "the start of the first day" if time.since == "start" else "1970"
        bounds = f", from {time.range[0]:.15g} to {time.range[1]:.15g}" if time.range else ""
        return f"a time in {time.unit} since {since}{bounds}"
    if time.format:
        return f"a time written as {time.format}, such as '{example_time(time)}'"
    return f"a time in ISO 8601, such as '{example_time(time)}'; in {time.zone or 'UTC'} where it names no zone"


def example_time(time: Time) -> str | float:
    """Return a time as the column's owner writes it: a Thursday noon, or the middle of the range of times that are numbers."""
    moment = datetime(2026, 1, 15, 12, 30)
    if time.range:
        return (time.range[0] + time.range[1]) / 2
    if time.unit:
        seconds = 12.5 * 3600 if time.since == "start" else (moment - _EPOCH).total_seconds()
        return seconds / DAY_SECONDS if time.unit == "days" else seconds * PER_SECOND[time.unit]
    return moment.replace(tzinfo=UTC).strftime(time.format) if time.format else moment.isoformat(timespec="seconds")
