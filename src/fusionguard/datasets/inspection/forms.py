"""How the cells of a column are written, found in a sample of them, and the SQL that reads them so."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from fusionguard.datasets.inspection.text_table import quoted

Kind = Literal["number", "time", "text", "boolean"]

STAND_INS = frozenset(
    [
        *("unknown", "unk", "unkn", "n/a", "na", "n.a.", "#n/a", "nan", "none", "null", "nil", "missing", "not available"),
        *("not applicable", "undefined", "?", "-", "--", ".", "\\n", "(null)", "<na>", "unbekannt", "k.a.", "keine angabe"),
    ]
)
"""Words that stand where a value is missing, in small letters."""

ENOUGH = 0.9
"""The share of the cells that must be written in a form for the column to have it; the others are then faults."""


@dataclass(frozen=True)
class Form:
    """How a column is written.

    Parameters
    ----------
    kind
        What it holds.
    read
        SQL that makes a value of ``{}``, the trimmed text, or of the column itself where it is not text.
    words
        How it is written, where that is not as numbers and ISO 8601 times are: ``with decimal commas``.
    pattern
        How Python and DuckDB call the way in which a time is written; None for ISO 8601.
    ambiguous
        Whether days and months of times cannot be told apart.
    coded
        Whether numbers are written as codes: with leading zeros.
    """

    kind: Kind
    read: str = "{}"
    words: str = ""
    pattern: str | None = None
    ambiguous: bool = False
    coded: bool = False
    currencies: tuple[str, ...] = ()


TEXT = Form("text")
_TYPED = {"DOUBLE": Form("number"), "BIGINT": Form("number"), "TIMESTAMP": Form("time"), "BOOLEAN": Form("boolean")}
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LEADING_ZERO = re.compile(r"0\d+", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", re.ASCII)
_COMMA_SURE = re.compile(r".*,\d{1,2}|.*,\d{4,}|.*\.\d{3}\.\d{3}.*|0,\d+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)
_SIGNS = "$€£¥₹₺₽"
_ISO_CURRENCIES = "AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF INR JPY KRW MXN NOK NZD PLN RON RUB SEK SGD TRY UAH USD ZAR"
CURRENCIES = frozenset(_ISO_CURRENCIES.split())
"""The codes of currencies that are traded most (ISO 4217)."""
_MONEY = re.compile(
    rf"[+-]?\s*(?P<before>[{_SIGNS}]|{'|'.join(CURRENCIES)})\s*(?P<first>[+-]?[\d.,]*\d)"
    rf"|(?P<second>[+-]?[\d.,]*\d)\s*(?P<after>[{_SIGNS}]|{'|'.join(CURRENCIES)})"
)
_PERCENT = re.compile(r"[+-]?\d+([.,]\d+)?\s*%", re.ASCII)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(\s?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?", re.ASCII)
_DAY_FIRST_OR_NOT = re.compile(
    r"(?P<one>\d{1,2})(?P<mark>[./-])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})"
    r"(?P<time>[ T]\d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<half>\s?[AaPp][Mm])?)?",
    re.ASCII,
)
_YEAR_FIRST = re.compile(r"\d{4}(?P<mark>[./])\d{1,2}(?P=mark)\d{1,2}(?P<time>[ T]\d{1,2}:\d{2}(?P<seconds>:\d{2})?)?", re.ASCII)
_COMPACT = re.compile(
    r"(19[89]\d|20[0-3]\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?P<time>([01]\d|2[0-3])[0-5]\d(?P<seconds>[0-5]\d)?)?", re.ASCII
)
_MONTHS = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_CLOCK = r"(?P<time>,? \d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<half>\s?[AaPp][Mm])?)?"
_NAMED_MONTH = re.compile(rf"\d{{1,2}}(?P<mark>[ -]){_MONTHS}(?P=mark)\d{{4}}{_CLOCK}", re.ASCII)
_MONTH_FIRST = re.compile(rf"{_MONTHS} \d{{1,2}}(?P<mark>,? )\d{{4}}{_CLOCK}", re.ASCII)
_FEWEST_COMPACT_DATES = 5


def find_form(values: Sequence[str], duckdb_type: str) -> Form:
    """Return how a column is written, from a sample of its filled cells, trimmed; stand-ins for missing ones are left out.

    ``values`` may repeat; where a column is not text in the file, its type says all but whether whole numbers are dates.
    """
    if duckdb_type in _TYPED:
        return (duckdb_type == "BIGINT" and _compact(values)) or _TYPED[duckdb_type]
    filled = [value for value in values if value.lower() not in STAND_INS]
    if not filled:
        return TEXT
    for find in (_compact, _plain, _named, _iso, _parted, _spelt, _money, _percent):
        if (form := find(filled)) is not None:
            return form
    return TEXT


def share(pattern: re.Pattern[str], values: Collection[str]) -> float:
    """Return the share of values that a pattern matches as a whole; 0 where there are none."""
    return sum(pattern.fullmatch(value) is not None for value in values) / len(values) if values else 0.0


def numbers_among(values: Sequence[str]) -> float:
    """Return the share of filled cells that are plain numbers, stand-ins for missing ones left out."""
    return share(_PLAIN, [value for value in values if value.lower() not in STAND_INS])


def _fits(pattern: re.Pattern[str], values: Collection[str]) -> bool:
    return share(pattern, values) >= ENOUGH


def _number(text: str) -> str:
    number = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"  # nan and inf are read as numbers, too


def _plain(values: Sequence[str]) -> Form | None:
    plain = share(_PLAIN, values)
    if plain < ENOUGH or max(share(_COMMA, values), share(_THOUSANDS, values)) > plain:
        return None  # a few thousands may be all that is written with commas
    coded = sum(_LEADING_ZERO.fullmatch(value) is not None for value in values) > 0.01 * len(values)
    return Form("text", coded=True) if coded else Form("number", _number("{}"))


def _named(values: Sequence[str]) -> Form | None:
    """Return the form of numbers with commas: whether they mark decimals or thousands is seen where only one can be."""
    comma, thousands = _fits(_COMMA, values), _fits(_THOUSANDS, values)
    if comma and (not thousands or any(_COMMA_SURE.fullmatch(value) for value in values)):
        return Form("number", _number(_without_points("{}")), "with decimal commas")
    if thousands:
        return Form("number", _number("replace({}, ',', '')"), "with commas between thousands")
    return None


def _without_points(text: str) -> str:
    return f"replace(replace({text}, '.', ''), ',', '.')"


def _money(values: Sequence[str]) -> Form | None:
    found = [match for value in values if (match := _MONEY.fullmatch(value))]
    if len(found) < ENOUGH * len(values):
        return None
    signs = tuple(sorted({str(match["before"] or match["after"]) for match in found}))
    amounts = [str(match["first"] or match["second"]) for match in found]
    digits = "regexp_replace({}, '[^0-9.,+-]', '', 'g')"
    inner = _named(amounts) if not _fits(_PLAIN, amounts) else None
    if inner is not None and "decimal" in inner.words:
        return Form("number", _number(_without_points(digits)), "with currency signs and decimal commas", currencies=signs)
    words = "with currency signs" + (" and commas between thousands" if inner is not None else "")
    return Form("number", _number(f"replace({digits}, ',', '')"), words, currencies=signs)


def _percent(values: Sequence[str]) -> Form | None:
    if not _fits(_PERCENT, values):
        return None
    return Form("number", _number("replace(rtrim({}, ' %'), ',', '.')"), "with per cent signs")


def _iso(values: Sequence[str]) -> Form | None:
    if not _fits(_ISO, values):
        return None
    return Form("time", "TRY_CAST(replace({}, ',', '.') AS TIMESTAMP)")


def _compact(values: Sequence[str]) -> Form | None:
    if not _fits(_COMPACT, values) or len(set(values)) < _FEWEST_COMPACT_DATES:
        return None
    match = next(found for value in values if (found := _COMPACT.fullmatch(value)))
    clock, shown = ("", "") if not match["time"] else ("%H%M%S", "130500") if match["seconds"] else ("%H%M", "1305")
    return _timed(f"%Y%m%d{clock}", f"dates as numbers, 20240131{shown}")


def _spelt(values: Sequence[str]) -> Form | None:
    for pattern in (_NAMED_MONTH, _MONTH_FIRST):
        if _fits(pattern, values):
            match = next(found for value in values if (found := pattern.fullmatch(value)))
            mark, clock = match["mark"], _clock(match["time"], match["seconds"], match["half"])
            if pattern is _MONTH_FIRST:
                return _timed(f"%b %d{mark}%Y{clock}", f"dates as Jan 31{mark}2024")
            return _timed(f"%d{mark}%b{mark}%Y{clock}", f"dates as 31{mark}Jan{mark}2024")
    return None


def _parted(values: Sequence[str]) -> Form | None:
    if _fits(_YEAR_FIRST, values):
        match = next(found for value in values if (found := _YEAR_FIRST.fullmatch(value)))
        mark = match["mark"]
        return _timed(f"%Y{mark}%m{mark}%d" + _clock(match["time"], match["seconds"], None), f"dates as 2024{mark}01{mark}31")
    return _days_and_months(values)


def _days_and_months(values: Sequence[str]) -> Form | None:
    matches = (match for value in values if (match := _DAY_FIRST_OR_NOT.fullmatch(value)))
    found = [match for match in matches if _is_day(int(match["one"]), int(match["two"]))]
    if len(found) < ENOUGH * len(values):
        return None
    first = found[0]
    mark, year = first["mark"], "%Y" if len(first["year"]) == 4 else "%y"
    beyond = [sum(int(match[part]) > 12 for match in found) for part in ("one", "two")]
    days_first = beyond[0] > beyond[1] or (beyond[0] == beyond[1] and mark == ".")
    ambiguous = not any(beyond) and mark != "."
    shown = f"31{mark}01{mark}2024" if days_first or ambiguous else f"01{mark}31{mark}2024"
    parts = ("%d", "%m") if days_first or ambiguous else ("%m", "%d")
    clock = _clock(first["time"], first["seconds"], first["half"])
    return _timed(f"{parts[0]}{mark}{parts[1]}{mark}{year}{clock}", f"dates as {shown}", ambiguous=ambiguous)


def _is_day(one: int, two: int) -> bool:
    """Return whether two numbers can be a day and a month, either first: a sort code's cannot."""
    return 1 <= min(one, two) <= 12 and max(one, two) <= 31


def _clock(time: str | None, seconds: str | None, half: str | None) -> str:
    if not time:
        return ""
    hours = "%I" if half else "%H"
    return (
        f"{time[: len(time) - len(time.lstrip(', T'))]}{hours}:%M"
        + (":%S" if seconds else "")
        + (f"{' ' if half.startswith(' ') else ''}%p" if half else "")
    )


def _timed(pattern: str, words: str, *, ambiguous: bool = False) -> Form:
    return Form("time", f"try_strptime({{}}, {quoted(pattern)})", words, pattern=pattern, ambiguous=ambiguous)
