"""The numbers of a text, however they are written, in a form in which two texts can be compared."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

_DATE = re.compile(r"(?<![\w.-])(\d{4})-(\d{2})-(\d{2})(?![\w-]|\.\d)")
_MIXED = re.compile(r"(?<![\w.])(?=[\w.-]*\d)(?=[\w.-]*[^\W\d_])[\w.-]*\w", re.UNICODE)
_DOTTED = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w.]*\d)")
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+])?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<fraction>\.\d+)?(?P<percent>\s?(?:%|percent\b|per cent\b))?",
    re.IGNORECASE,
)
_NUMBER_WORDS = {
    **{word: str(number) for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
        " nineteen twenty".split()
    )},
    **{word: str(number) for number, word in zip(
        range(30, 100, 10), ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), strict=True
    )},
    "hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000", "dozen": "12", "both": "2",
    "half": "half", "quarter": "quarter", "third": "3.", "twice": "2x", "double": "2x", "once": "1x", "triple": "3x",
    **{word: f"{number}." for number, word in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"), 1
    )},
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")
_ORDINAL = re.compile(r"(?<![\w.])(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
_MONTH_WORDS = (
    "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def numbers_in(text: str) -> frozenset[str]:
    """Return a text's numbers: digits, numbers as words, percents (``95%``), dates, and names with digits such as ``V14``.

    Values that are equal are equal here: ``0.70`` and ``0.7``, ``14,271`` and ``14271``, ``two`` and ``2``. A percent is not the
    same as the plain number.
    """
    rest = unicodedata.normalize("NFKC", text).replace("−", "-").replace("‑", "-")
    found: set[str] = set()
    for pattern, forms in ((_DATE, _date_forms), (_ORDINAL, _ordinal_forms), (_DOTTED, _whole), (_MIXED, _whole)):
        for match in pattern.finditer(rest):
            found |= forms(match)
        rest = pattern.sub(" ", rest)
    for match in _NUMBER.finditer(rest):
        found.add(_canonical(match))
    for word in _WORD.findall(rest.lower()):
        if word in _NUMBER_WORDS:
            found.add(_NUMBER_WORDS[word])
        elif word in _MONTH_WORDS:
            found.add(word)
    return frozenset(found)


def missing_numbers(claim: str, source: str) -> frozenset[str]:
    """Return the numbers of a claim that do not stand in a source; a date's parts stand in it where the date does."""
    known = numbers_in(source)
    parts = {str(int(part)) for date in known if _DATE.fullmatch(date) for part in date.split("-")}
    return numbers_in(claim) - known - parts


def _date_forms(match: re.Match[str]) -> set[str]:
    return {match[0]}


def _ordinal_forms(match: re.Match[str]) -> set[str]:
    return {f"{int(match[1])}."}


def _whole(match: re.Match[str]) -> set[str]:
    return {match[0].rstrip(".-").lower()}


def _canonical(match: re.Match[str]) -> str:
    digits = match["digits"].replace(",", "") + (match["fraction"] or "")
    sign = "-" if match["sign"] == "-" else ""
    try:
        value = Decimal(sign + digits)
    except InvalidOperation:  # pragma: no cover - the pattern gives digits alone
        return digits
    plain = format(value.normalize(), "f")
    return f"{plain}%" if match["percent"] else plain
