"""The fields of a made-up transaction or customer that a question names: ``V14 = -5``, ``1.250,00 €``, ``aged 52``, ``inactive``.

Every number of a question is either the value of a field or something that was not understood; none is left out in silence.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from fusionguard.assistant.asked import AskedModel, shipped_models
from fusionguard.assistant.field_patterns import FieldPatterns, numbered_pattern
from fusionguard.assistant.written_numbers import WrittenNumber, find_numbers, plain_signs
from fusionguard.families.words import MISSING, NO, YES, GivenValues

_FILLERS = r"is|was|were|be|of|at|to|set|equals|about|around|approximately|exactly|only|just"
_IS = rf"\s*(?:=|:|\b(?:{_FILLERS})\b|\s)*"
"""What may stand between a field's name and its value."""
_NOTHING = re.compile(
    r"\s*(?:=|:)\s*(?![-+€$£.,\d(])(\S+)|\s+(?:is\s+)?(NaN|null|none|missing|unknown|n/?a|empty|inf\w*)\b", re.IGNORECASE
)
_COMPARED = re.compile(
    r"(?:[<>≤≥≠~]=?|\b(?:not|never|no|except|other than|instead of|over|under|above|below|between|at least|at most"
    r"|more than|less than|up to))\s*$",
    re.IGNORECASE,
)
"""What makes a number a limit, or the value that is not meant."""
_SET_TO_A_WORD = re.compile(r"\b([A-Za-z]\w*)\s*=\s*([A-Za-z]\w*)")


class _Mention(NamedTuple):
    """Where a field is named."""

    start: int
    end: int
    name: str


@cache
def _any_numbered() -> re.Pattern[str] | None:
    """Find fields of any data set that ships that are called by a letter and a number, which is nobody's value."""
    letters = [numbered[0] for model in shipped_models() if (numbered := model.fields.words.numbered)]
    return numbered_pattern("|".join(letters)) if letters else None


@cache
def _understood_words() -> frozenset[str]:
    return frozenset().union(*(model.fields.words.in_words for model in shipped_models()))


def given_values(question: str, model: AskedModel) -> GivenValues:
    """Return the fields that a question gives, as the model's requests have them; whether they are in range is not checked."""
    text = plain_signs(question)
    if model.ships:
        text = re.sub(r"(?<=[A-Za-z])_(?=[A-Za-z])", " ", text)  # credit_score
    else:
        text = model.named_by.sub(lambda found: " " * len(found[0]), text)  # the data set's name is no field's
    given = GivenValues()
    words = model.fields.words
    rest = words.read(text, given)
    names = _mentions(rest, model.fields, given)
    for number in find_numbers(_without_names(rest, names)):
        name = _before(names, number, rest) or _after(number, rest, model.fields)
        if name is None and number.value is not None and number.money:
            name = words.any_money
        if name is None:
            if number.text.lower() not in ("one", "half", "several", "few", "couple"):
                given.leftover.append(f"'{number.text}'")
        else:
            _take(given, model.fields, name, number, rest)
    ends, understood = {mention.end for mention in names}, _understood_words() if model.ships else words.in_words
    given.leftover += [
        f"'{match[0]}' (no such field)"
        for match in _SET_TO_A_WORD.finditer(rest)
        if match.end(1) not in ends and match[1].lower() not in understood
    ]
    spoken_of = [mention.name for mention in names if mention.name not in words.everyday] + given.unsaid
    given.leftover += [
        f"{name}, which has no value" for name in dict.fromkeys(spoken_of) if not _is_told(name, given, model.fields.names)
    ]
    return given


def _is_told(name: str, given: GivenValues, fields: frozenset[str]) -> bool:
    """Tell whether a field that is spoken of has a value or is unclear; behind the name there may be how it was spoken of."""
    field = name if name in fields else name.split()[0]
    return field in given.values or any(re.search(rf"(?<!\w){re.escape(field)}(?!\w)", each) for each in given.unclear)


def _without_names(text: str, names: list[_Mention]) -> str:
    """Return a text in which the digits of fields' names are no numbers."""
    numbered = _any_numbered()
    bare = text if numbered is None else numbered.sub(lambda found: f"v{'_' * (len(found[0]) - 1)}", text)
    for mention in names:
        name = re.sub(r"\d", "_", bare[mention.start : mention.end])
        bare = f"{bare[: mention.start]}{name}{bare[mention.end :]}"
    return bare


def _mentions(text: str, fields: FieldPatterns, given: GivenValues) -> list[_Mention]:
    """Return where fields are named, in order; one that is given what is no number is unclear, or lacks its value."""
    found = [_Mention(*match.span(), name) for name, pattern in fields.named for match in pattern.finditer(text)]
    found = [each for each in found if not any(_lies_within(each, other) for other in found)]
    for one, other in pairwise(sorted(found)):
        if (one.start, one.end) == (other.start, other.end):
            given.unclear.append(f"'{text[one.start : one.end]}', which may be {one.name} or {other.name}")
    if fields.numbered is not None and fields.words.numbered is not None:
        letter, last = fields.words.numbered
        for match in fields.numbered.finditer(text):
            number = int(match[1])
            if 1 <= number <= last:
                found.append(_Mention(*match.span(), f"{letter}{number}"))
            else:
                given.unclear.append(f"'{match[0]}' (there are {letter}1 to {letter}{last})")
    for mention in found:
        words = _no_value(fields, mention.name, text, mention.end)
        if words is not None and mention.name in fields.words.optional and re.fullmatch(MISSING, words, re.IGNORECASE):
            given.add(mention.name, None, words)
        elif words is not None:
            given.unclear.append(f"{mention.name} '{words}'")
    return sorted(found)


def _lies_within(one: _Mention, other: _Mention) -> bool:
    """Tell whether a name is a part of another field's longer one."""
    inside = other.start <= one.start and one.end <= other.end
    return one.name != other.name and inside and one.end - one.start < other.end - other.start


def _no_value(fields: FieldPatterns, name: str, text: str, end: int) -> str | None:
    """Return what a field is set to where that is no number, such as ``= high`` and ``is unknown``; None for all else."""
    match = _NOTHING.match(text, end)
    if match is None:
        return None
    words = str(match[1] or match[2]).strip(".,;?!'\"()")
    flag = fields.whole.get(name)
    answers_yes_or_no = flag is not None and (flag.low, flag.high) == (0, 1) and words.lower() in YES | NO
    numbers = find_numbers(words)
    begins_as_one = bool(numbers) and numbers[0].start == 0
    return None if answers_yes_or_no or begins_as_one or re.fullmatch(_FILLERS, words, re.IGNORECASE) else words


def _before(names: list[_Mention], number: WrittenNumber, text: str) -> str | None:
    """Return the field whose name stands right before a number."""
    for mention in sorted(names, key=lambda each: (each.end, each.name), reverse=True):
        if mention.end <= number.start:
            between = _COMPARED.sub("", text[mention.end : number.start])
            return mention.name if re.fullmatch(rf"{_IS}(?:-\s*|\()?", between, re.IGNORECASE) else None
    return None


def _after(number: WrittenNumber, text: str, fields: FieldPatterns) -> str | None:
    """Return the field whose unit stands right after a number."""
    for name, unit in fields.units:
        if unit.match(text, number.end):
            return name
    return None


def _take(given: GivenValues, fields: FieldPatterns, name: str, number: WrittenNumber, text: str) -> None:
    """Note a number as a field's value, or why it is none."""
    ahead, behind = text[: number.start], text[number.end :]
    if number.value is None:
        given.unclear.append(f"{name} '{number.text}'")
    elif number.percent:
        given.unclear.append(f"{name} '{number.text}' (it is no percentage)")
    elif number.three_decimals and (name in fields.words.money or number.money):
        given.unclear.append(f"{name} '{number.text}' (write {1000 * number.value:.0f} or {number.value:g}, whichever is meant)")
    elif compared := _COMPARED.search(ahead):
        given.unclear.append(f"{name} '{compared[0].strip()} {number.text}' (one value is needed)")
    elif apart := re.search(r"(?:-\s*|\()$", ahead):
        given.unclear.append(f"{name} '{apart[0]}{number.text}'")
    elif cents := re.match(r"\s*(?:cents?|ct)\b", behind, re.IGNORECASE):
        given.unclear.append(f"{name} '{number.text}{cents[0]}'")
    else:
        value = number.value
        whole = name in fields.whole and value.is_integer()
        given.add(name, int(value) if whole else value, number.text)
