"""What a question says of a customer in words: active or not, with a card or without, a country, a gender; negations included."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NEGATION = re.compile(
    r"\b(?:not(?! only\b)|no|non|never|neither|nor|without|lacks?|lacking|hardly|barely|rarely|seldom|formerly"
    r"|previously|used to (?:be|have)|lost|stopped|ceased|cannot|nobody|(?:is|does|do|has|have|are|was|were)nt"
    r"|anything but|far from|outside|except|excluding|(?:other|rather) than|instead of)\b"
    r"|n't\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:.!?()]|\b(?:and|(?<!anything )but|who|whose|yet|however|while|although)\b"
    r"|(?<!nor )(?<!not )(?<!or )\bwith\b|\b(?=nor\b)",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"\s*(?:[=:?(-]|\bis\b)?\s*\b(?:(yes|true|y)|(no|false|n))\b(?! longer| more)", re.IGNORECASE)
_NO_LONGER = re.compile(r"\s+no (?:longer|more)\b", re.IGNORECASE)

_ACTIVE = re.compile(
    r"\bisactive ?member\b|\b(?P<un>in-?|un-?|non[- ]?)?active(?: ?members?)?\b|\b(?P<asleep>dormant|passive|deactivated)\b",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"\bcredit[- ]?cards?\b|\bhas ?cr ?card\b|(?<=\ba )cards?\b|(?<=\b(?:no|of) )cards?\b|(?<=\bany )cards?\b"
    r"|(?<=\bwith )cards?\b|(?<=\bwithout )cards?\b|(?:^|(?<=[,;.] ))cards?(?=\s*\?)|\b(?P<asleep>cardless)\b",
    re.IGNORECASE,
)
"""A card of another kind (a debit card) says nothing of it."""
_IS_ACTIVE = re.compile(r"\bis ?active ?member\b", re.IGNORECASE)

_COUNTRIES = {"france": "France", "french": "France", "germany": "Germany", "german": "Germany", "spain": "Spain"}
_COUNTRIES |= {"spanish": "Spain"}
_GENDERS = {"female": "Female", "woman": "Female", "lady": "Female", "male": "Male", "man": "Male", "gentleman": "Male"}
_ELSEWHERE = re.compile(r"\b(?:from\b|lives in\b|living in\b|(?i:geography|country)\s*(?:=|:|is)?)\s*(?:\bthe )?([A-Z][\w-]+)")
_OTHER_GENDER = re.compile(r"\b(?:gender|sex)\s*(?:=|:|is)\s*([\w-]+)", re.IGNORECASE)


@dataclass
class Said:
    """Fields by name, and what was not understood."""

    values: dict[str, int | str] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)

    def add(self, name: str, value: int | str, words: str) -> None:
        """Note a value; a second one that differs makes both unclear."""
        if self.values.setdefault(name, value) != value:
            self.unclear.append(f"{name}, which is said twice ('{words}')")


def said_of_customer(text: str) -> Said:
    """Return ``IsActiveMember``, ``HasCrCard``, ``Geography`` and ``Gender`` as a question says them in words."""
    said = Said()
    _flag(said, "IsActiveMember", _ACTIVE, _IS_ACTIVE, text)
    _flag(said, "HasCrCard", _CARD, re.compile(r"\bhas ?cr ?card\b", re.IGNORECASE), text)
    for name, known in (("Geography", _COUNTRIES), ("Gender", _GENDERS)):
        for found in re.finditer(rf"\b(?:{'|'.join(known)})\b", text, re.IGNORECASE):
            if _negations(text, found.start()):
                said.unclear.append(f"{name} in '{_before(text, found.start())}{found[0]}'")
            else:
                said.add(name, known[found[0].lower()], found[0])
    for name, pattern, known in (("Geography", _ELSEWHERE, _COUNTRIES), ("Gender", _OTHER_GENDER, _GENDERS)):
        for found in pattern.finditer(text):
            if found[1].lower() not in known:
                said.unclear.append(f"{name} '{found[1]}'")
    return said


def _flag(said: Said, name: str, pattern: re.Pattern[str], field_name: re.Pattern[str], text: str) -> None:
    """Read a flag from every place that speaks of it: a prefix (inactive), a negation before it, or a yes or no after it."""
    for found in pattern.finditer(text):
        if re.match(r"\s*(?:=|:|is)?\s*[-+]?\d", text[found.end() :]):
            continue  # a number, which is read as one
        after = _YES_NO.match(text, found.end())
        against = len(_negations(text, found.start()))
        groups = found.groupdict()
        against += bool(groups.get("un") or groups.get("asleep")) + bool(_NO_LONGER.match(text, found.end()))
        if field_name.fullmatch(found[0]) and not after:
            continue  # the field's name alone says nothing
        if against > 1 or (after and against):
            said.unclear.append(f"{name} in '{_before(text, found.start())}{found[0]}{after[0] if after else ''}'")
        else:
            said.add(name, int(not (after[2] if after else against)), found[0])


def _before(text: str, end: int) -> str:
    """Return the words of the same clause that stand before a place."""
    start = max((boundary.end() for boundary in _CLAUSE.finditer(text, 0, end)), default=0)
    return text[start:end].lstrip()


def _negations(text: str, end: int) -> list[str]:
    return _NEGATION.findall(_before(text, end))
