"""Personal data and secrets, found in text and taken out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from fusionguard.assistant.folding import fold
from fusionguard.assistant.person_patterns import EMAIL, HEX, NAME, PHONE, customer_number, not_a_name, private_value
from fusionguard.assistant.secret_patterns import SECRET
from fusionguard.checksums import IBAN_LENGTHS, is_card, is_iban

_Span = tuple[int, int, str]
_CARD_RUN = re.compile(r"\d(?:(?:[ ]{0,2}[-._/*|:,]?[ ]{0,2}|[ ]?[A-Za-z]{1,2}[ ]?)\d){12,}")
_GROUPINGS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5), (8, 8), (4, 12), (6, 10)}
_NO_DIGITS = str.maketrans("", "", "0123456789")
_CARD_WORD = re.compile(
    r"card|karte|carte|tarjeta|carta|cart[aã]o|kaart|karta|карт|visa|master|amex|卡|カード|بطاق|कार्ड|\bpan\b", re.I
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z][ .-]?[A-Za-z][ .-]?\d[ .-]?\d(?:[ .\-_/]{0,2}[A-Za-z0-9]){11,40}))")


class Redacted(BaseModel):
    """Text without personal data and secrets, and the kinds that were in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    kinds: tuple[str, ...] = ()
    """Sorted: ``card``, ``customer_id``, ``email``, ``iban``, ``name``, ``phone``, ``private_value``, ``secret``."""


def redact(text: str, names: frozenset[str] = frozenset(), columns: frozenset[str] = frozenset()) -> Redacted:
    """Replace each piece of personal data and each secret by its kind in brackets, such as ``[card removed]``.

    ``names`` are customers' names that are known; they are found in any case and with any spaces between their words.
    ``columns`` are private ones of declared data sets: what is said to be a value of one is taken out, too.
    """
    spans = _merged([*_personal(text, names, columns), *_secrets(text)])
    if not spans:
        return Redacted(text=text)
    pieces, done = [], 0
    for start, end, kind in spans:
        pieces += [text[done:start], f"[{kind.replace('_', ' ')} removed]"]
        done = end
    return Redacted(text="".join(pieces) + text[done:], kinds=_kinds(spans))


def find_personal_data(text: str, names: frozenset[str] = frozenset(), columns: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the kinds of personal data in a text, sorted; nothing of the data itself."""
    return _kinds(_personal(text, names, columns))


def find_secrets(text: str) -> tuple[str, ...]:
    """Return ``("secret",)`` where a text holds a key, a token, a private key or a password; nothing of the secret itself."""
    return _kinds(_secrets(text))


def _kinds(spans: Iterable[_Span]) -> tuple[str, ...]:
    return tuple(sorted({kind for _, _, kind in spans}))


def _personal(text: str, names: frozenset[str], columns: frozenset[str]) -> Iterator[_Span]:
    folded = fold(text)
    for start, end, kind in _in_folded(folded.text, names, columns):
        yield *folded.span(start, end), kind


def _secrets(text: str) -> Iterator[_Span]:
    folded = fold(text)
    for match in SECRET.finditer(folded.text):
        yield *folded.span(*match.span()), "secret"


def _in_folded(text: str, names: frozenset[str], columns: frozenset[str]) -> Iterator[_Span]:
    hexadecimal = [match.span() for match in HEX.finditer(text)]
    for match in EMAIL.finditer(text):
        yield *match.span(), "email"
    for match in _IBAN.finditer(text):
        yield from _ibans(match, hexadecimal)
    for match in _CARD_RUN.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in hexadecimal):
            yield from _cards(match, text)
    for match in PHONE.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in hexadecimal):
            yield *match.span(match.lastgroup or 0), "phone"
    for match in customer_number().finditer(text):
        yield *match.span(match.lastgroup or 0), "customer_id"
    for match in NAME.finditer(text):
        if match.group(match.lastgroup or 0).split()[0] not in not_a_name():
            yield *match.span(match.lastgroup or 0), "name"
    if names:
        for match in _known(names).finditer(text):
            yield *match.span(), "name"
    if columns:
        for match in private_value(columns).finditer(text):
            yield *match.span(match.lastgroup or 0), "private_value"


@lru_cache(maxsize=4)
def _known(names: frozenset[str]) -> re.Pattern[str]:
    known = sorted((each for each in names if each.strip()), key=len, reverse=True)
    words = "|".join(r"[\s\-_.]*".join(re.escape(word) for word in fold(each).text.split()) for each in known)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.I)


def _cards(match: re.Match[str], text: str) -> Iterator[_Span]:
    """Look at each row of digits that begins and ends where a group does."""
    groups = [(each.start() + match.start(), each.end() + match.start()) for each in re.finditer(r"\d+", match.group())]
    named = _CARD_WORD.search(text[max(0, match.start() - 40) : match.end() + 20]) is not None
    for first in range(len(groups)):
        for last in range(first, min(len(groups), first + 19)):
            inside = groups[first : last + 1]
            digits = "".join(text[start:end] for start, end in inside)
            if len(digits) > 19:
                break
            sizes = tuple(end - start for start, end in inside)
            gaps = text[inside[0][0] : inside[-1][1]].translate(_NO_DIGITS)
            pairs = max(sizes) <= 2 and not gaps.strip(" -._/")
            regular = len(sizes) == 1 or sizes in _GROUPINGS or set(sizes) == {1} or pairs or named
            if regular and len(digits) >= 13 and is_card(digits):
                yield inside[0][0], inside[-1][1], "card"


def _ibans(match: re.Match[str], hexadecimal: list[tuple[int, int]]) -> Iterator[_Span]:
    places = [place for place in range(match.start(1), match.end(1)) if match.string[place].isalnum()]
    letters = "".join(match.string[place] for place in places).upper()
    length = IBAN_LENGTHS.get(letters[:2], 0)
    if length == 0 or not is_iban(letters[:length]):
        return
    start, end = places[0], places[length - 1] + 1
    sizes = [len(group) for group in re.split(r"[ .\-_/]+", match.string[start:end])]
    if sizes[:2] == [2, 2]:
        sizes = [4, *sizes[2:]]
    regular = len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0]  # words in a row would not be
    if regular and not any(first <= start and end < last for first, last in hexadecimal):
        yield start, end, "iban"


def _merged(spans: list[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, kind))
    return merged
