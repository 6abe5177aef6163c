"""The numbers of a text, however they are written, in a form in which two texts can be compared."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

_DATE = re.compile(r"(?<![\w.-])(\d{4})-(\d{2})-(\d{2})(?![\w-]|\.\d)")
_MIXED = re.compile(r"(?<![\w.])(?=[\w.-]*\d)(?=[\w.-]*[^\W\d_])[\w.-]*\w", re.UNICODE)
_DOTTED = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w.]*\d)")
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+])?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<fraction>\.\d+)?(?P<percent>\s?(?:%|percent\b|per cent\b))?",
    re.IGNORECASE,
)
_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_NUMBER_WORDS = {
    **{word: str(number) for number, word in enumerate(_UNITS.split())},
    **{word: str(10 * number) for number, word in enumerate(_TENS.split(), start=2)},
    **{word: f"{number}." for number, word in enumerate(_ORDINALS.split())},
    **{"hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000", "dozen": "12", "both": "2"},
    **{"half": "half", "quarter": "quarter", "once": "1x", "twice": "2x", "double": "2x", "triple": "3x"},
}
_WORD = re.compile(r"[A-Za-z]+")
_ORDINAL = re.compile(r"(?<![\w.])(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
_MONTHS = "january february march april june july august september october november december"
_MONTH_WORDS = frozenset(_MONTHS.split())
"""Without May, which is a word of its own."""


def numbers_in(text: str) -> frozenset[str]:
    """Return a text's numbers: digits, numbers as words, percents (``95%``), dates, and names with digits such as ``v14``.

    Values that are equal are equal here: ``0.70`` and ``0.7``, ``14,271`` and ``14271``, ``two`` and ``2``. A percent is not the
    same as the plain number.
    """
    return frozenset(number_sequence(text))


def number_sequence(text: str) -> tuple[str, ...]:
    """Return them in their order, as often as they stand there."""
    rest = unicodedata.normalize("NFKC", text).replace("−", "-").replace("‑", "-")
    found: list[tuple[int, str]] = []
    for pattern, form in _FORMS:
        for match in pattern.finditer(rest):
            value = form(match)
            if value:
                found.append((match.start(), value))
        if pattern is not _WORD:
            rest = pattern.sub(lambda match: " " * len(match[0]), rest)
    return tuple(value for _, value in sorted(found))


def missing_numbers(claim: str, source: str) -> frozenset[str]:
    """Return the numbers of a claim that do not stand in a source; a date's parts stand in it where the date does."""
    known = numbers_in(source)
    parts = {str(int(part)) for date in known if _DATE.fullmatch(date) for part in date.split("-")}
    return numbers_in(claim) - known - parts


def is_number_word(word: str) -> bool:
    """Tell whether a word in lower case is a number, such as ``twelve``."""
    return word in _NUMBER_WORDS


def _date(match: re.Match[str]) -> str:
    return match[0]


def _ordinal(match: re.Match[str]) -> str:
    return f"{int(match[1])}."


def _whole(match: re.Match[str]) -> str:
    return match[0].rstrip(".-").lower()


def _word(match: re.Match[str]) -> str:
    word = match[0].lower()
    return word if word in _MONTH_WORDS else _NUMBER_WORDS.get(word, "")


def _number(match: re.Match[str]) -> str:
    digits = match["digits"].replace(",", "") + (match["fraction"] or "")
    value = Decimal(f"-{digits}" if match["sign"] == "-" else digits)
    plain = format(value.normalize(), "f") if value else "0"
    return f"{plain}%" if match["percent"] else plain


_FORMS = ((_DATE, _date), (_ORDINAL, _ordinal), (_DOTTED, _whole), (_MIXED, _whole), (_NUMBER, _number), (_WORD, _word))
"""In this order: what one finds is not there for the next."""
