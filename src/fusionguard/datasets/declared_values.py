"""The kinds of values that a declaration holds, each with the sentence that refuses what is none."""

from __future__ import annotations

import math
import re
import zoneinfo
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator

from fusionguard.datasets.durations import EXAMPLES, duration_seconds
from fusionguard.datasets.expressions import parse_expression

Scalar = str | int | float | bool
"""A value as a cell of a table may hold it."""

LARGEST_NUMBER = 1e300
"""Numbers whose range nobody declared are not refused up to here, beyond which what is computed of them is infinite."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LABEL_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]*)?")
_AGGREGATE = re.compile(r"([a-z_]+)(?:\(([^()]+)\))?")
_LONGEST_COLUMN = 200
LABEL_AGGREGATES = ("label_count", "label_rate", "label_since_positive", "label_since_negative", "label_run")
"""Of outcomes that have become known."""
PLAIN_AGGREGATES = ("count", "since_last", *LABEL_AGGREGATES)
COLUMN_AGGREGATES = ("sum", "mean", "maximum", "ratio", "change", "peak")
"""Of the amount or, in parentheses, of a numeric column."""
ENTITY_AGGREGATES = ("new", "distinct")
"""Of another entity, in parentheses."""
_Values = TypeVar("_Values", bound=Collection[Any])
_MOMENT = datetime(2031, 11, 23, 17, 46, 39, tzinfo=UTC)


ISO = "iso"
"""As a format: times are written as ISO 8601 says, although others have a format or a unit."""

ALL_DAYS = "all"
"""Instead of a number of days: all that there are."""

SECONDS_PER_DAY = 86_400
_MOST_COUNTED = 1_000_000


def _checked(wrong: str, right: Callable[[Any], bool]) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not right(value):
            raise ValueError(wrong)
        return value

    return BeforeValidator(check)


def as_text(value: Scalar) -> str:
    """Return a declared value as the text of the cells that hold it: 1 and 1.0 are ``1``, true is ``true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def same_label(text: str) -> str:
    """Return the text that stands for all ways to write one label: ``1.0`` and ``1`` are one, ``True`` and ``true``, too."""
    text = text.strip()
    if _LABEL_NUMBER.fullmatch(text) and float(text).is_integer():
        return str(int(float(text)))
    return text.lower() if text.lower() in ("true", "false") else text


def split_aggregate(text: str) -> tuple[str, str | None]:
    """Return the name of an aggregate and what its parentheses hold: ``new(merchant)`` is ``("new", "merchant")``."""
    found = _AGGREGATE.fullmatch(text)
    if found is None:
        raise ValueError("it must be an aggregate, such as count or new(merchant)")
    return found[1], found[2]


def _aggregate(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be an aggregate, such as count or new(merchant)")
    name, of = split_aggregate(value)
    known = (*PLAIN_AGGREGATES, *COLUMN_AGGREGATES, *(f"{each}(ENTITY)" for each in ENTITY_AGGREGATES))
    if name not in (*PLAIN_AGGREGATES, *COLUMN_AGGREGATES, *ENTITY_AGGREGATES):
        raise ValueError(f"it must be one of {', '.join(known)}")
    if name in PLAIN_AGGREGATES and of is not None:
        raise ValueError(f"{name} takes nothing in parentheses")
    if name in ENTITY_AGGREGATES and of is None:
        raise ValueError(f"{name} must name an entity in parentheses, such as {name}(merchant)")
    return value


def _duration(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"it must be a duration, {EXAMPLES}")
    duration_seconds(value)
    return value


def _span(value: Any) -> str:
    if duration_seconds(_duration(value)) == 0:
        raise ValueError("a window must be longer than nothing")
    return str(value)


def _days(value: Any) -> str:
    if duration_seconds(_duration(value)) % SECONDS_PER_DAY:
        raise ValueError("it must be whole days, such as 7d or 2w")
    return str(value)


def _some_days(value: Any) -> str:
    if duration_seconds(_days(value)) == 0:
        raise ValueError("it must be at least 1d")
    return str(value)


def _or_all(read: Callable[[Any], str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value == ALL_DAYS:
            return ALL_DAYS
        try:
            return read(value)
        except ValueError as error:
            raise ValueError(f"{error}, or {ALL_DAYS}") from None

    return check


def _counted(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_COUNTED


def _formula(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError('it must be a formula, such as "balance / (salary + 1000)"')
    parse_expression(value)
    return value


def _zone(value: Any) -> str:
    if not isinstance(value, str) or not _known_zone(value):
        raise ValueError("it must be the name of a time zone, such as Europe/London or UTC")
    return value


def _known_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # what is missing, what is a folder, and what would leave the folder of zones
        return False
    return True


def _time_format(value: Any) -> str:
    wrong = 'it must say how year, month and day are written, such as "%d.%m.%Y %H:%M:%S"'
    if not isinstance(value, str):
        raise ValueError(wrong)
    try:
        back = datetime.strptime(_MOMENT.strftime(value), value)
    except ValueError:
        raise ValueError(wrong) from None
    if back.date() != _MOMENT.date():
        raise ValueError(wrong)
    return value


def _known_format(value: Any) -> str:
    if value == ISO:
        return ISO
    try:
        return _time_format(value)
    except ValueError as error:
        raise ValueError(f"{error}, or {ISO} for ISO 8601") from None


def _file_name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it must name a file")
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\\" in value:
        raise ValueError("it must lie beside the declaration or in a folder there")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("it must be a number")
    return float(value)


def differing(values: _Values) -> _Values:
    """Return values that differ from each other; raise :class:`ValueError` that names the first one that is there twice."""
    seen: set[tuple[type, Any]] = set()
    for value in values:
        if (type(value), value) in seen:
            raise ValueError(f"it names {value} twice")
        seen.add((type(value), value))
    return values


def filled(values: _Values) -> _Values:
    """Return values where there are any; raise :class:`ValueError` otherwise."""
    if not values:
        raise ValueError("it must hold at least one value")
    return values


def _ordered(values: tuple[float, float]) -> tuple[float, float]:
    if values[0] > values[1]:
        raise ValueError("its lower bound is above its upper one")
    return values


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if not values or any(low >= high for low, high in pairwise(values)):
        raise ValueError("it must hold numbers that rise")
    return values


def _is_column(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_COLUMN and value.isprintable() and value.strip() == value


def _is_sign(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 5 and not any(each.isdigit() or each in ".,+- '" for each in value)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_COLUMN_WANTED = "it must be the name of a column (in quotes, where it looks like a number)"


def _entity_columns(value: Any) -> Any:
    columns = value if isinstance(value, list | tuple) else [value]
    if not columns or not all(_is_column(each) for each in columns):
        raise ValueError(f"{_COLUMN_WANTED}, or a list of those that tell it together, such as [card, shop]")
    differing(columns)
    return columns[0] if len(columns) == 1 else tuple(columns)


ColumnName = Annotated[str, _checked(_COLUMN_WANTED, _is_column)]
Identifier = Annotated[
    str, _checked("it must be a name of letters, digits and underscores that begins with a letter", _matches(_IDENTIFIER))
]
DatasetName = Annotated[str, _checked("it must be small letters, digits, - and _, 40 at most", _matches(_NAME))]
Currency = Annotated[str, _checked("it must be a currency's three capital letters, such as GBP", _matches(_CURRENCY))]
Words = Annotated[str, _checked("it must be words", lambda value: isinstance(value, str) and bool(value.strip()))]
Cell = Annotated[Scalar, _checked("it must be a text, a number, true or false", lambda value: isinstance(value, Scalar))]
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, _checked("it must be true or false", lambda value: isinstance(value, bool))]
Duration = Annotated[str, BeforeValidator(_duration)]
Span = Annotated[str, BeforeValidator(_span)]
Days = Annotated[str, BeforeValidator(_days)]
SomeDays = Annotated[str, BeforeValidator(_some_days)]
LearnedDays = Annotated[str, BeforeValidator(_or_all(_some_days))]
BlockedDays = Annotated[str, BeforeValidator(_or_all(_days))]
Count = Annotated[int, _checked(f"it must be a whole number from 1 to {_MOST_COUNTED:,}", _counted)]
Formula = Annotated[str, BeforeValidator(_formula)]
Zone = Annotated[str, BeforeValidator(_zone)]
TimeFormat = Annotated[str, BeforeValidator(_time_format)]
KnownFormat = Annotated[str, BeforeValidator(_known_format)]
FileName = Annotated[str, BeforeValidator(_file_name)]
Aggregate = Annotated[str, BeforeValidator(_aggregate)]
Range = Annotated[
    tuple[Number, Number],
    AfterValidator(_ordered),
    _checked("it must be two numbers, such as [0, 100]", lambda value: isinstance(value, list | tuple) and len(value) == 2),
]
Edges = Annotated[tuple[Number, ...], AfterValidator(_ascending)]
Signs = Annotated[
    tuple[Annotated[str, _checked("it must be a sign, such as £ or EUR", _is_sign)], ...], AfterValidator(differing)
]
Columns = Annotated[tuple[ColumnName, ...], AfterValidator(differing)]
EntityColumns = Annotated[str | tuple[str, ...], BeforeValidator(_entity_columns)]
Cells = Annotated[tuple[Cell, ...], AfterValidator(filled), AfterValidator(differing)]
