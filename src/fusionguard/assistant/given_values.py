"""The fields of a made-up transaction or customer that a question names: ``V14 = -5``, ``1.250,00 €``, ``aged 52``, ``inactive``.

Every number of a question is either the value of a field or something that was not understood; none is left out in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fusionguard.assistant.written_flags import NO, YES, said_of_customer
from fusionguard.assistant.written_numbers import WrittenNumber, find_numbers, plain_signs

Value = float | int | str

_FILLERS = r"is|was|were|be|of|at|to|set|equals|about|around|approximately|exactly|only|just"
_IS = rf"\s*(?:=|:|\b(?:{_FILLERS})\b|\s)*"
"""What may stand between a field's name and its value."""
_MONEY = frozenset({"Amount", "Balance", "EstimatedSalary"})
_WHOLE = frozenset({"CreditScore", "Age", "Tenure", "NumOfProducts", "HasCrCard", "IsActiveMember"})

_NAMED = {
    "fraud": {"Amount": r"amount|(?:transaction|payment) (?:of|over|for|worth)", "Time": r"time"},
    "churn": {
        "Balance": r"balance",
        "EstimatedSalary": r"(?:estimated ?)?salary",
        "CreditScore": r"credit ?score",
        "Age": r"aged?",
        "Tenure": r"tenure",
        "NumOfProducts": r"num(?:ber)? ?of ?products|products",
        "HasCrCard": r"has ?cr ?card|(?<![-\w])(?:credit[- ])?card(?=\s*[=:])",
        "IsActiveMember": r"is ?active ?member|(?<![-\w])(?<!non )active(?: member)?(?=\s*[=:])",
    },
}
"""What stands before a field's value."""
_UNITS = {
    "fraud": {},
    "churn": {
        "Age": r"[- ]?(?:years?|yrs?)[- ]?old|[- ]?y/?o",
        "NumOfProducts": r" ?products?",
        "Balance": r" ?balance",
        "EstimatedSalary": r" ?(?:estimated )?salary",
        "CreditScore": r" ?credit ?score",
        "Tenure": r" ?years? (?:of )?tenure",
    },
}
"""What stands after it."""
_V = re.compile(r"(?<![\w.])V ?(\d+)(?!\d)", re.IGNORECASE)
_NOTHING = re.compile(
    r"\s*(?:=|:)\s*(?![-+€$£.,\d(])(\S+)|\s+(?:is\s+)?(NaN|null|none|missing|unknown|n/?a|empty|inf\w*)\b", re.IGNORECASE
)
_COMPARED = re.compile(
    r"(?:[<>≤≥≠~]=?|\b(?:not|never|no|except|other than|instead of|over|under|above|below|between|at least|at most"
    r"|more than|less than|up to))\s*$",
    re.IGNORECASE,
)
"""What makes a number a limit, or the value that is not meant."""
_HOUR = r"\bhour\s*(?:=|:|of|is)?\s*"
_CLOCK = re.compile(
    rf"(?:\bat |{_HOUR}|\b)(?P<hour>\d{{1,2}})(?::(?P<minute>\d{{2}}))?\s?(?:o'clock|(?P<half>[ap])\.?m\b\.?)"
    r"|\bat (?P<hour2>\d{1,2})(?::(?P<minute2>\d{2})(?!\d)|\s?(?:h|hours?)\b)"
    rf"|{_HOUR}(?P<hour3>\d{{1,2}})(?![\d.,])|\bat (?P<named>midnight|noon)\b",
    re.IGNORECASE,
)
_IN_WORDS = tuple(
    (name, value, re.compile(words, re.IGNORECASE))
    for name, value, words in (
        ("Balance", 0.0, r"\b(?:no|without(?: an?y?)?) balance\b|\bbalance (?:of |is )?nothing\b"),
        ("NumOfProducts", 0, r"\b(?:no|without(?: any)?) products?\b(?!\s*[=:])"),
        ("NumOfProducts", 1, r"\b(?:a )?single product\b(?!\s*[=:])"),
    )
)
"""Values that no number writes."""
_NO_NUMBER = re.compile(r"\b(?:zero|nil)(?=\s+(?:activit|cards?\b|credit[- ]?card))", re.IGNORECASE)
"""A number that says of a flag that it is not set, and is no field's value."""
_SET_TO_A_WORD = re.compile(r"\b([A-Za-z]\w*)\s*=\s*([A-Za-z]\w*)")
_KNOWN_IN_WORDS = frozenset({"active", "member", "isactivemember", "card", "creditcard", "geography", "country", "gender", "sex"})


@dataclass
class GivenValues:
    """What a question gives: fields with their values, and in words what of it was not understood."""

    values: dict[str, Value] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)
    """Numbers that belong to no field, and fields without a value."""
    unsaid: list[str] = field(default_factory=list)
    """Flags that are spoken of without a value."""

    def add(self, name: str, value: Value, words: str) -> None:
        """Note a value; a second one that differs makes the field unclear."""
        if self.values.setdefault(name, value) != value:
            self.unclear.append(f"{name}, which is given twice ('{words}')")


def given_values(question: str, family: str) -> GivenValues:
    """Return the fields that a question gives, as the model's requests have them; whether they are in range is not checked."""
    text = re.sub(r"(?<=[A-Za-z])_(?=[A-Za-z])", " ", plain_signs(question))  # credit_score
    given = GivenValues()
    rest = _clock(text, given) if family == "fraud" else _words(text, given)
    numbers = find_numbers(_V.sub(lambda found: f"v{'_' * (len(found[0]) - 1)}", rest))
    names = _mentions(rest, family, given)
    for number in numbers:
        name = _before(names, number, rest) or _after(number, rest, family)
        if name is None and number.value is not None and family == "fraud" and number.money:
            name = "Amount"
        if name is None:
            if number.text.lower() not in ("one", "half", "several", "few", "couple"):
                given.leftover.append(f"'{number.text}'")
        else:
            _take(given, name, number, rest)
    ends = {end for end, _ in names}
    given.leftover += [
        f"'{match[0]}' (no such field)"
        for match in _SET_TO_A_WORD.finditer(text)
        if match.end(1) not in ends and match[1].lower() not in _KNOWN_IN_WORDS
    ]
    told = " ".join((*given.values, *given.unclear))
    spoken_of = [name for _, name in names if name != "Time"] + given.unsaid  # "this time" is no hour
    given.leftover += [
        f"{name}, which has no value" for name in dict.fromkeys(spoken_of) if not re.search(rf"\b{name.split()[0]}\b", told)
    ]
    return given


def _mentions(text: str, family: str, given: GivenValues) -> list[tuple[int, str]]:
    """Return where the names of fields end, with the fields; one that is given what is no number is unclear."""
    found: list[tuple[int, str]] = []
    patterns = [(name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in _NAMED[family].items()]
    for name, pattern in patterns:
        found += [(match.end(), name) for match in pattern.finditer(text)]
    if family == "fraud":
        for match in _V.finditer(text):
            number = int(match[1])
            if 1 <= number <= 28:
                found.append((match.end(), f"V{number}"))
            else:
                given.unclear.append(f"'{match[0]}' (there are V1 to V28)")
    for end, name in found:
        if (words := _no_value(name, text, end)) is not None:
            given.unclear.append(f"{name} '{words}'")
    return sorted(found)


def _no_value(name: str, text: str, end: int) -> str | None:
    """Return what a field is set to where that is no number, such as ``= high`` and ``is unknown``; None for all else."""
    match = _NOTHING.match(text, end)
    if match is None:
        return None
    words = str(match[1] or match[2]).strip(".,;?!'\"()")
    answers_yes_or_no = name in ("HasCrCard", "IsActiveMember") and words.lower() in YES | NO
    numbers = find_numbers(words)
    begins_as_one = bool(numbers) and numbers[0].start == 0
    return None if answers_yes_or_no or begins_as_one or re.fullmatch(_FILLERS, words, re.IGNORECASE) else words


def _before(names: list[tuple[int, str]], number: WrittenNumber, text: str) -> str | None:
    """Return the field whose name stands right before a number."""
    for end, name in reversed(names):
        if end <= number.start:
            between = _COMPARED.sub("", text[end : number.start])
            return name if re.fullmatch(rf"{_IS}(?:-\s*|\()?", between, re.IGNORECASE) else None
    return None


def _after(number: WrittenNumber, text: str, family: str) -> str | None:
    """Return the field whose unit stands right after a number."""
    for name, unit in _UNITS[family].items():
        if re.compile(rf"{unit}\b", re.IGNORECASE).match(text, number.end):
            return name
    return None


def _take(given: GivenValues, name: str, number: WrittenNumber, text: str) -> None:
    """Note a number as a field's value, or why it is none."""
    ahead, behind = text[: number.start], text[number.end :]
    if number.value is None:
        given.unclear.append(f"{name} '{number.text}'")
    elif number.percent:
        given.unclear.append(f"{name} '{number.text}' (it is no percentage)")
    elif number.three_decimals and (name in _MONEY or number.money):
        given.unclear.append(f"{name} '{number.text}' (write {1000 * number.value:.0f} or {number.value:g}, whichever is meant)")
    elif compared := _COMPARED.search(ahead):
        given.unclear.append(f"{name} '{compared[0].strip()} {number.text}' (one value is needed)")
    elif apart := re.search(r"(?:-\s*|\()$", ahead):
        given.unclear.append(f"{name} '{apart[0]}{number.text}'")
    elif cents := re.match(r"\s*(?:cents?|ct)\b", behind, re.IGNORECASE):
        given.unclear.append(f"{name} '{number.text}{cents[0]}'")
    else:
        value = number.value
        whole = name in _WHOLE and value.is_integer()
        given.add(name, int(value) if whole else value, number.text)


def _clock(text: str, given: GivenValues) -> str:
    """Note the time of day, and return the text without it."""

    def note(match: re.Match[str]) -> str:
        named = match["named"]
        hour = {"midnight": 0, "noon": 12}[named.lower()] if named else int(match["hour"] or match["hour2"] or match["hour3"])
        minute = int(match["minute"] or match["minute2"] or 0)
        half = (match["half"] or "").lower()
        if hour > (12 if half else 23) or minute > 59 or (half and hour == 0):
            given.unclear.append(f"the hour in '{match[0].strip()}'")
        else:
            hour = hour % 12 + (12 if half == "p" else 0) if half else hour
            given.add("Time", 3600.0 * hour + 60.0 * minute, match[0].strip())
        return " " * len(match[0])

    return _CLOCK.sub(note, text)


def _words(text: str, given: GivenValues) -> str:
    """Note what is said of a customer in words, and return the text without what is a number there."""
    rest = text
    for name, value, pattern in _IN_WORDS:
        for found in pattern.finditer(text):
            given.add(name, value, found[0])
            # What is denied here is nothing else: a mark ends the clause.
            rest = f"{rest[: found.start()]},{' ' * (len(found[0]) - 1)}{rest[found.end() :]}"
    said = said_of_customer(rest)
    given.values.update(said.values)
    given.unclear += said.unclear
    given.unsaid += said.unsaid
    return _NO_NUMBER.sub(lambda found: " " * len(found[0]), rest)
