"""What a question says of a customer in words: active or not, with a card or without, a country, a gender; negations included."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fusionguard.families.words import NO, YES

_NEGATION = re.compile(
    r"\b(?:not(?! only\b)|no|non|never|neither|nor|without|lacks?|lacking|hardly|barely|rarely|seldom|formerly"
    r"|previously|used to (?:be|have)|lost|stopped|ceased|cannot|nobody|(?:is|does|do|has|have|are|was|were)nt"
    r"|(?:gave|given|gives?|giving) up|cancell?ed|closed|returned|ex|former"
    r"|anything but|far from|outside|except|excluding|(?:other|rather) than|instead of)\b"
    r"|n't\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:.!?()]|\b(?:and|(?<!anything )but|who|whose|yet|however|while|although)\b"
    r"|(?<!nor )(?<!not )(?<!or )\bwith\b|\b(?=nor\b)",
    re.IGNORECASE,
)
_ANSWER = rf"(?:(?P<yes>{'|'.join(sorted(YES))})|(?P<no>{'|'.join(sorted(NO))}))"
_YES_NO = re.compile(
    rf"\s*(?:[=:?(-]|\bis\b)\s*['\"]?{_ANSWER}\b(?! longer| more)|\s*['\"]{_ANSWER.replace('P<', 'P<quoted_')}\b"
    rf"|\s+{_ANSWER.replace('P<', 'P<bare_')}(?=\s*(?:[,;.:!?)]|$|and\b|but\b))",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(
    r"\s*['\"]\w+|\s+(?:is )?(?:unknown|unclear|missing)\b|\s*\?\s*(?:unsure|unknown|unclear|maybe|perhaps|not sure|no idea)\b"
    r"|\s+or not\b|\s+(?:until|till)\b",
    re.IGNORECASE,
)
_NO_LONGER = re.compile(
    r"\s+no (?:longer|more)\b|\s+(?:(?:was|is|has been|got|were|are)\s+)?"
    r"(?:cancell?ed|closed|returned|lapsed|ended|expired|revoked|withdrawn|terminated)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|presumably|might|whether|unsure|half|semi|partly|partially|somewhat|sometimes"
    r"|occasionally|once|little|low)\b",
    re.IGNORECASE,
)

_ACTIVE = re.compile(
    r"\bisactive(?: ?member)?\b"
    r"|\b(?P<un>in-?|un-?|dis|non[- ]?|zero |nil )?(?:active(?: ?members?)?|(?P<noun>activit(?:y|ies)))\b"
    r"|\b(?P<asleep>dormant|passive|d(?:e|is)activated|(?:ex|former|lapsed|resigned)[- ]members?)\b"
    r"|\b(?P<only_denied>member(?:s|ship)?)\b",
    re.IGNORECASE,
)
"""Every customer is a member in a way: the word by itself says something only where it is denied."""
_CARD = re.compile(
    r"\bhas ?cr ?card\b"
    r"|\b(?P<un>non[- ]?|zero |nil )?(?:credit[- ]?)?cards?(?:[- ]?(?:holder|owner)s?)?\b(?P<asleep>-(?:free|less)\b)?"
    r"|\b(?P<cardless>cardless)\b",
    re.IGNORECASE,
)
_OTHER_CARD = re.compile(
    r"\b(?:debit|prepaid|bank|charge|store|gift|sim|loyalty|id|identity|model|report|score)[- ]$", re.IGNORECASE
)
"""A card of another kind says nothing of it."""
_ANY_CARD = re.compile(
    r"(?:^|[^\w\s-]\s*|\b(?:an?|any|the|his|her|its|their|this|my|no|not|non|nor|neither|either|or|and|but|of|with|without|has|have|had"
    r"|having|owns?|holds?|got|lacks?|lacking|lost|never|up|ex|former|cancell?ed|closed|returned|yes|one|active|inactive|is|to|valid)[\s-]+)$",
    re.IGNORECASE,
)
"""What stands before a card of the kind that is meant; what sort of card ``Visa card`` is nobody says."""
_CARD_BEFORE = re.compile(r"\bcards?(?:\s+(?:is|was|are|not|no longer|currently))*\s+$", re.IGNORECASE)
_IS_ACTIVE = re.compile(r"\bis ?active ?member\b|\bisactive\b", re.IGNORECASE)

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
    unsaid: list[str] = field(default_factory=list)
    """Fields that are spoken of without a value."""

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
        before, groups = _before(text, found.start()), found.groupdict()
        if name == "HasCrCard" and _OTHER_CARD.search(before):
            continue
        after = _YES_NO.match(text, found.end())
        ended = bool(_NO_LONGER.match(text, found.end()))
        against = len(_NEGATION.findall(before)) + any(groups.get(each) for each in ("un", "asleep", "cardless")) + ended
        if groups.get("only_denied") and not against:
            continue
        answer = after.group("yes", "quoted_yes", "bare_yes") if after else ()
        words = f"{name} in '{before}{found[0]}{after[0] if after else ''}'"
        unsaid = (field_name.fullmatch(found[0]) or groups.get("noun")) and not after and not against
        sort = name == "HasCrCard" and not field_name.fullmatch(found[0]) and not _is_the_card(before, found[0])
        if unsaid or sort:
            said.unsaid.append(name if field_name.fullmatch(found[0]) else words)
        elif (
            against > 1
            or (after and against)
            or _HEDGE.search(before)
            or (against and _of_another(before))
            or _is_the_cards(text, found)
        ):
            said.unclear.append(words)
        elif not after and (reason := _NO_ANSWER.match(text, found.end())):
            said.unclear.append(f"{words[:-1]}{reason[0]}'")
        else:
            said.add(name, int(any(answer) if after else not against), found[0])


def _is_the_card(before: str, found: str) -> bool:
    return "credit" in found.lower() or len(found) > len("cards") or _ANY_CARD.search(before) is not None


def _is_the_cards(text: str, found: re.Match[str]) -> bool:
    """Tell whether it is a card that is active or not, which says nothing of its holder."""
    ahead, behind = text[: found.start()], text[found.end() :]
    beside = re.match(r"\s+(?:credit[- ]?)?cards?\b", behind, re.IGNORECASE)
    return _ACTIVE.fullmatch(found[0]) is not None and bool(beside or _CARD_BEFORE.search(ahead))


def _of_another(before: str) -> bool:
    """Tell whether the negation before a flag may belong to another one between them: ``no card active customer``."""
    negation = max(match.end() for match in _NEGATION.finditer(before)) if _NEGATION.search(before) else len(before)
    between = before[negation:]
    return bool(_ACTIVE.search(between) or _CARD.search(between)) and not re.search(r"\bn?or\b", between, re.IGNORECASE)


def _before(text: str, end: int) -> str:
    """Return the words of the same clause that stand before a place."""
    start = max((boundary.end() for boundary in _CLAUSE.finditer(text, 0, end)), default=0)
    return text[start:end].lstrip()


def _negations(text: str, end: int) -> list[str]:
    return _NEGATION.findall(_before(text, end))
