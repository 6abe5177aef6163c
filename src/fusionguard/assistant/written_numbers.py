"""The numbers of a text as people write them: ``1.250,00 €``, ``$2k``, ``−5``, ``1e3``, ``two thousand``.

A number is read whole or said to be unclear, never in part. What its marks mean is decided so:

- Of a comma and a point in one number the last is the decimal mark, the other separates thousands.
- A mark that occurs more than once, an apostrophe, an underscore or a blank separates thousands, which come in groups of three.
- A single comma before exactly three digits separates thousands (``1,250``), unless the number begins with 0; any other single
  comma is a decimal mark (``12,50``).
- A single point is a decimal mark. Where a sum of money has three decimals (``1.250 EUR``) it is unclear: :attr:`WrittenNumber.
  three_decimals` says so.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal

_CURRENCY = r"(?:€|\$|£|¥|(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?|francs?)(?![A-Za-z]))"
_SCALES = dict.fromkeys(("k", "tsd", "thousand"), Decimal(1_000)) | dict.fromkeys(("bn", "billion"), Decimal(10**9))
_SCALES |= dict.fromkeys(("m", "mn", "mio", "million", "millions"), Decimal(10**6))
_LARGEST_EXPONENT = 400
"""Beyond it a number is infinite, as far as a model is concerned."""
_SCALE = r"thousand|millions?|billion|tsd|mio|mn|bn|k|m"
_DIGITS = r"(?:\d{1,3}(?: \d{3})+(?:[.,]\d+)?(?! ?\d)|\d+(?:[.,'_]\d+)*|[.,]\d+)"
_SIGNED = re.compile(
    rf"(?<![\w.,'])(?P<word>(?:minus|negative|plus)\s+)?(?P<sign>[-+])?(?P<before>{_CURRENCY}\s?)?(?P<inner>[-+])?"
    rf"(?P<digits>{_DIGITS})(?P<exponent>e[-+]?\d+)?(?:\s?(?P<scale>{_SCALE})(?![A-Za-z]))?"
    rf"(?P<percent>\s?(?:%|percent\b|per cent\b))?(?P<after>\s?{_CURRENCY})?",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[\w%/×^*°'€$£]|[.,]\d|-\d|\s?(?:\.{2,}|…)|\s?(?:\*|×|\^|/)\s?\d"
    r"|\s?(?:grand|lakhs?|crores?|trillions?|tn|b)\b",
    re.IGNORECASE,
)
"""What may not follow a number: then it is a part of something else (``5-10``, ``1/2``, ``3rd``, ``10^6``)."""
_RUN = re.compile(r"\S+")

_ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen"""
_WORDS = {word: float(value) for value, word in enumerate(_ONES.split())}
_WORDS |= dict.fromkeys(("nil", "nought", "naught"), 0.0)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS |= {word: 10.0 * value for value, word in enumerate(_TENS.split(), start=2)}
_MULTIPLES = {"hundred": 100.0, "thousand": 1e3, "million": 1e6}
_WORD = "|".join([*_WORDS, *_MULTIPLES])
_IN_WORDS = re.compile(
    rf"(?<![\w-])(?P<minus>(?:minus|negative)\s+)?(?P<words>(?:{_WORD})(?:(?:\s+and\s+|[\s-]+)(?:{_WORD}))*)\b(?P<after>\s{_CURRENCY})?",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:half|quarters?|dozens?|couple|few|several|hundreds|thousands)\b|\bNaN\b|[-+]?\binf(?:inity|inite)?\b|∞|[½¼¾]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class WrittenNumber:
    """A number where it stands; ``value`` is None where it is unclear."""

    start: int
    end: int
    text: str
    value: float | None
    money: bool = False
    """A currency stands beside it."""
    percent: bool = False
    three_decimals: bool = False
    """Its single point stands before three digits, where somebody else would separate thousands."""


def plain_signs(text: str) -> str:
    """Return a text of the same length with one form of each sign: minus, blank, apostrophe, digit."""
    return "".join(map(_plain, text))


def find_numbers(text: str) -> list[WrittenNumber]:
    """Return the numbers of a text, which :func:`plain_signs` has been through, in their order."""
    found = [_read(match, text) for match in _SIGNED.finditer(text)]
    for pattern, make in ((_IN_WORDS, _from_words), (_VAGUE, _vague)):
        for match in pattern.finditer(text):
            if not any(number.start < match.end() and match.start() < number.end for number in found):
                found.append(make(match))
    found.sort(key=lambda number: number.start)
    return _joined(found, text)


def read_number(text: str) -> float | None:
    """Return the number that a text is; None where it is none, or unclear. A percentage is a share: ``5 %`` is 0.05."""
    numbers = find_numbers(plain_signs(text.strip()))
    if len(numbers) != 1 or (numbers[0].start, numbers[0].end) != (0, len(text.strip())):
        return None
    (number,) = numbers
    return number.value / 100 if number.percent and number.value is not None else number.value


def _plain(sign: str) -> str:
    if sign in "−–‐‑‒﹣－":
        return "-"
    if sign in "’ʼ＇`´":
        return "'"
    if unicodedata.category(sign) == "Zs":
        return " "
    return str(unicodedata.decimal(sign, sign)) if sign.isdecimal() else sign


def _read(match: re.Match[str], text: str) -> WrittenNumber:
    start, end = match.span()
    if tail := _TAIL.match(text, end):
        run = _RUN.match(text, tail.end())
        end = run.end() if run else tail.end()
        return WrittenNumber(start, end, text[start:end].rstrip(".,;:!?)"), None)
    digits, exponent = match["digits"], int((match["exponent"] or "e0")[1:])
    number = _digits(digits)
    signs = [sign.strip().lower() for sign in (match["word"], match["sign"], match["inner"]) if sign]
    value = None
    if number is not None and len(signs) <= 1:
        scale = _SCALES[match["scale"].lower()] if match["scale"] else Decimal(1)
        value = float(number.scaleb(exponent) * scale) if abs(exponent) <= _LARGEST_EXPONENT else float("inf")
        value = -value if signs and signs[0] in ("-", "minus", "negative") else value
    return WrittenNumber(
        start,
        end,
        match[0],
        value,
        money=bool(match["before"] or match["after"]),
        percent=bool(match["percent"]),
        three_decimals=re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", digits) is not None and not (match["exponent"] or match["scale"]),
    )


def _digits(digits: str) -> Decimal | None:
    """Return the value of digits with their marks, None where the groups are not of three."""
    marks = re.findall(r"[^\d]", digits)
    kinds = list(dict.fromkeys(marks))
    decimal = ""
    if len(kinds) == 1 and kinds[0] in ".," and len(marks) == 1:
        thousands = kinds[0] == "," and re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits)
        decimal = "" if thousands else kinds[0]
    elif len(kinds) == 2 and kinds[1] in ".," and marks.count(kinds[1]) == 1:
        decimal = kinds[1]
    elif len(kinds) > 1:
        return None
    whole, _, fraction = digits.rpartition(decimal) if decimal else (digits, "", "")
    groups = re.split(r"[^\d]", whole)
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return None
    return Decimal(f"{''.join(groups) or '0'}.{fraction or '0'}")


def _from_words(match: re.Match[str]) -> WrittenNumber:
    total = part = 0.0
    last = 1e9
    value: float | None
    for name in re.split(r"[\s-]+(?:and\s+)?", match["words"].lower()):
        if name in _MULTIPLES:
            part = (part or 1.0) * _MULTIPLES[name]
            if name != "hundred":
                total, part = total + part, 0.0
            last = 1e9
        else:
            step = _WORDS[name]
            if last < 20 or (last < 100 and step >= 10):
                return WrittenNumber(*match.span(), match[0], None)  # "two three" is no number
            part, last = part + step, step
    value = total + part
    return WrittenNumber(*match.span(), match[0], -value if match["minus"] else value, money=bool(match["after"]))


def _vague(match: re.Match[str]) -> WrittenNumber:
    return WrittenNumber(*match.span(), match[0], None)


def _joined(numbers: list[WrittenNumber], text: str) -> list[WrittenNumber]:
    """Take neighbours with an unclear one among them for one unclear number: ``half a million``, ``2 dozen``, ``1 1/2``."""
    joined: list[WrittenNumber] = []
    for number in numbers:
        before = joined[-1] if joined else None
        apart = text[before.end : number.start] if before else ""
        if before and None in (before.value, number.value) and re.fullmatch(r"\s*(?:of|an?|-)?\s*", apart):
            joined[-1] = replace(before, end=number.end, text=text[before.start : number.end], value=None)
        else:
            joined.append(number)
    return joined
