"""Which columns say who somebody is: by their names, and by what a sample of their cells looks like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from fusionguard.checksums import is_card, is_iban
from fusionguard.datasets.inspection.name_words import (
    ENTITY,
    NAME_WORDS,
    NUMBER_SIDE,
    NUMBERED,
    PEOPLE_WORDS,
    PERSONAL,
    PERSONAL_ALONE,
    name_words,
    says,
    word_set,
)
from fusionguard.given_names import GIVEN_NAMES

MAILS = r"[\w.+-]{1,64}@\w[\w-]*(\.[\w-]+)+"
"""An e-mail address, as Python and DuckDB find it."""
_MAIL = re.compile(MAILS)
_PHONE = re.compile(
    r"(\+|00)[1-9][\d ()/.-]{6,18}\d|\(?0[1-9]\d{1,4}\)?[ /-][\d /-]{5,12}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}", re.ASCII
)
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?![\w.])", re.ASCII)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")
_STREET = re.compile(
    r"(?i)\b\d+\w?,? [\w .'-]+ (street|st|road|rd|avenue|ave|lane|ln|drive|dr|way|close|square|boulevard|blvd)\b"
    r"|\b[\w .-]*(stra(ß|ss)e|str\.|weg|platz|gasse|allee) ?\d+|\b\d+,? (rue|avenue|place|boulevard|via|calle) "
)
_INTERNET = re.compile(
    r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.I
)
_CAPITALISED = re.compile(r"[^\W\d_][\w'’.-]*(,? [^\W\d_][\w'’.-]*){0,3}")
_GIVEN = frozenset(name.casefold() for name in GIVEN_NAMES)

_FLAGS = frozenset(["yes", "no", "y", "n", "true", "false", "t", "f", "1", "0", "ja", "nein"])
_COUNTING = word_set("count counts cnt distinct ratio share score similarity velocity rate months days minutes avg mean valid")
"""Words for numbers that are made of what names persons, and name none."""

_MOSTLY, _SOME = 0.5, 0.2
_FEWEST_FLAGS = 4
"""What has fewer values is a kind of phone or address, whatever its name says, and not somebody's; names are, however few."""
_SHORTEST_PHONE, _SHORTEST_CARD = 10**6, 10**11
_NUMBERS_TOO = frozenset(
    [
        "lat",
        "lon",
        "lng",
        "latitude",
        "longitude",
        "zip",
        "zipcode",
        "postcode",
        "postalcode",
        "plz",
        "ssn",
        "passport",
        "nin",
        "taxid",
        "pin",
        "cvv",
        "cvc",
    ]
)
_GERMAN_NAME = re.compile(
    "(kunden|inhaber|kontoinhaber|karteninhaber|mitglieds|versicherten|halter|vor|nach|familien|geburts)namen?"
)
_LETTERS = re.compile(r"[^\W\d_][^\d_]*")
_MANY_PEOPLE = 20
_NUMBER_SIGNS = str.maketrans("", "", " +-/()\u00a0")


def looks_personal(
    name: str, texts: Sequence[str], *, distinct: int, textual: bool, largest: float | None = None, moment: bool = False
) -> str | None:
    """Return why a column looks as if it said who somebody is, in words; None where it does not.

    Parameters
    ----------
    texts
        A sample of its filled cells. One e-mail address, card number or IBAN in it is enough, for one is somebody's.
    distinct
        How many values it has.
    textual, moment
        Whether it holds text, or times.
    largest
        Of numbers, the largest.
    """
    by_name = _by_name(name, textual, largest, moment)
    if by_name and (distinct >= _FEWEST_FLAGS or by_name == "a name") and not _is_flag(texts):
        return f"its name says {by_name}"
    if not moment and _numbers_somebody(name, texts):
        return "its name says a card, account or phone, and its cells are long numbers"
    if textual and distinct >= _MANY_PEOPLE and _is_people(name, texts):
        return "its name says people, and its cells may be their names"
    content = _by_content(texts) if textual else _by_digits(texts, largest)
    return f"its cells look like {content}" if content else None


def _numbers_somebody(name: str, texts: Sequence[str]) -> bool:
    """Return whether all words say a card, an account or a phone, and cells are numbers of their length, valid or not."""
    words = set(name_words(name))
    if not words & NUMBERED or not words <= NUMBERED | NUMBER_SIDE | {"no", "nr", "num", "number"}:
        return False
    plain = (text.removesuffix(".0").translate(_NUMBER_SIGNS) for text in texts)
    return sum(each.isascii() and each.isdigit() and 7 <= len(each) <= 19 for each in plain) > _MOSTLY * len(texts)


def _is_people(name: str, texts: Sequence[str]) -> bool:
    """Return whether all words are for people, such as ``owner``, and cells are made of letters as names are."""
    return set(name_words(name)) <= PEOPLE_WORDS and sum(map(bool, map(_LETTERS.fullmatch, texts))) > _MOSTLY * len(texts)


def _is_name(name: str) -> bool:
    """Return whether a name says that of a person: ``Policyholder Name``, ``cust_nm``, ``Kundenname``."""
    words = name_words(name)
    german = any(_GERMAN_NAME.fullmatch(word) for word in words)
    return german or any(one in PEOPLE_WORDS and two in NAME_WORDS for one, two in pairwise(words))


def _is_flag(texts: Sequence[str]) -> bool:
    """Return whether cells say yes or no, such as whether there is a phone, whatever the name of their column says."""
    return bool(texts) and all(text.lower() in _FLAGS for text in texts)


def _by_name(name: str, textual: bool, largest: float | None, moment: bool) -> str | None:
    if textual and ("".join(name_words(name)) in PERSONAL_ALONE or _is_name(name)):
        return "a name"
    place = any(says(name, ENTITY[kind]) for kind in ("merchant", "terminal"))
    for what, words in PERSONAL.items():
        if place and what == "an address":
            continue
        word = says(name, words)
        if word is None:
            continue
        number = not textual and not moment
        if number and says(name, _COUNTING):
            continue
        if what == "a date of birth":
            return what
        if moment or (number and word not in _NUMBERS_TOO and not (what in _LONG and (largest or 0) >= _LONG[what])):
            continue  # minutes on the mobile phone, and distances from an address
        return what
    return None


_LONG = {"a phone number": _SHORTEST_PHONE, "a card or account number": 10**5, "a number that names a person": 10**4}


def _by_content(texts: Sequence[str]) -> str | None:
    if not texts:
        return None
    if any("@" in text and _MAIL.search(text) for text in texts):
        return "e-mail addresses"
    if any(_holds_iban(text) for text in texts):
        return "IBANs"
    cards = sum(_holds_card(text) for text in texts)
    whole = sum(_DIGITS.fullmatch(text) is not None for text in texts)
    if cards > (_SOME * len(texts) if whole > _MOSTLY * len(texts) else 0):  # one in ten of any long numbers passes the check
        return "card numbers"
    for pattern, what in ((_PHONE, "phone numbers"), (_INTERNET, "internet addresses")):
        if sum(pattern.fullmatch(text) is not None for text in texts) > _MOSTLY * len(texts):
            return what
    if sum(_STREET.search(text) is not None for text in texts) > _SOME * len(texts):
        return "addresses"
    named = sum(_CAPITALISED.fullmatch(text) is not None and _is_given(text) for text in texts)
    return "names" if named > _SOME * len(texts) else None


def _by_digits(texts: Sequence[str], largest: float | None) -> str | None:
    if largest is None or largest < _SHORTEST_PHONE:
        return None
    signed = sum(text.startswith(("+", "00")) and _PHONE.fullmatch(text) is not None for text in texts)
    if signed > _MOSTLY * len(texts):
        return "phone numbers"
    if largest < _SHORTEST_CARD:
        return None
    cards = sum(_holds_card(text.removesuffix(".0")) for text in texts)
    return "card numbers" if texts and cards > _SOME * len(texts) else None


def _holds_card(text: str) -> bool:
    return any(is_card(re.sub(r"\D", "", found[0])) for found in _DIGITS.finditer(text))


def _holds_iban(text: str) -> bool:
    return any(is_iban(found[0].replace(" ", "")) for found in _IBAN.finditer(text))


def _is_given(text: str) -> bool:
    return any(word.casefold() in _GIVEN for word in re.split(r"[\s,]+", text))
