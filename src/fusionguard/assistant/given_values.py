"""The fields of a made-up transaction or customer that a question names: ``V14 = -5``, ``1.250,00 €``, ``aged 52``, ``inactive``.

Every number of a question is either the value of a field or something that was not understood; none is left out in silence.
"""

from __future__ import annotations

import re
from functools import cache

from fusionguard.assistant.written_numbers import WrittenNumber, find_numbers, plain_signs
from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.request_fields import Number
from fusionguard.families.words import NO, YES, FieldWords, GivenValues

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


@cache
def _words(family: str) -> FieldWords:
    return model_family(family).words.fields


@cache
def _named(family: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in _words(family).before.items())


@cache
def _units(family: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(rf"{unit}\b", re.IGNORECASE)) for name, unit in _words(family).after.items())


@cache
def _numbered(letters: str) -> re.Pattern[str]:
    """Find fields that are called by a letter and a number: ``V14``, ``v 14``."""
    return re.compile(rf"(?<![\w.])(?:{letters}) ?(\d+)(?!\d)", re.IGNORECASE)


@cache
def _any_numbered() -> re.Pattern[str] | None:
    """Find those of any family, whose numbers are nobody's values."""
    letters = [words.numbered[0] for words in map(_words, family_names()) if words.numbered]
    return _numbered("|".join(letters)) if letters else None


@cache
def _understood_words() -> frozenset[str]:
    return frozenset().union(*(_words(name).in_words for name in family_names()))


@cache
def _whole(family: str) -> dict[str, Number]:
    return {each.name: each for each in model_family(family).request_fields.numbers if each.whole}


def given_values(question: str, family: str) -> GivenValues:
    """Return the fields that a question gives, as the model's requests have them; whether they are in range is not checked."""
    text = re.sub(r"(?<=[A-Za-z])_(?=[A-Za-z])", " ", plain_signs(question))  # credit_score
    given = GivenValues()
    words = _words(family)
    rest, numbered = words.read(text, given), _any_numbered()
    bare = rest if numbered is None else numbered.sub(lambda found: f"v{'_' * (len(found[0]) - 1)}", rest)
    numbers = find_numbers(bare)
    names = _mentions(rest, family, given)
    for number in numbers:
        name = _before(names, number, rest) or _after(number, rest, family)
        if name is None and number.value is not None and number.money:
            name = words.any_money
        if name is None:
            if number.text.lower() not in ("one", "half", "several", "few", "couple"):
                given.leftover.append(f"'{number.text}'")
        else:
            _take(given, family, name, number, rest)
    ends = {end for end, _ in names}
    given.leftover += [
        f"'{match[0]}' (no such field)"
        for match in _SET_TO_A_WORD.finditer(text)
        if match.end(1) not in ends and match[1].lower() not in _understood_words()
    ]
    told = " ".join((*given.values, *given.unclear))
    spoken_of = [name for _, name in names if name not in words.everyday] + given.unsaid
    given.leftover += [
        f"{name}, which has no value" for name in dict.fromkeys(spoken_of) if not re.search(rf"\b{name.split()[0]}\b", told)
    ]
    return given


def _mentions(text: str, family: str, given: GivenValues) -> list[tuple[int, str]]:
    """Return where the names of fields end, with the fields; one that is given what is no number is unclear."""
    found: list[tuple[int, str]] = []
    for name, pattern in _named(family):
        found += [(match.end(), name) for match in pattern.finditer(text)]
    if numbered := _words(family).numbered:
        letter, last = numbered
        for match in _numbered(letter).finditer(text):
            number = int(match[1])
            if 1 <= number <= last:
                found.append((match.end(), f"{letter}{number}"))
            else:
                given.unclear.append(f"'{match[0]}' (there are {letter}1 to {letter}{last})")
    for end, name in found:
        if (words := _no_value(family, name, text, end)) is not None:
            given.unclear.append(f"{name} '{words}'")
    return sorted(found)


def _no_value(family: str, name: str, text: str, end: int) -> str | None:
    """Return what a field is set to where that is no number, such as ``= high`` and ``is unknown``; None for all else."""
    match = _NOTHING.match(text, end)
    if match is None:
        return None
    words = str(match[1] or match[2]).strip(".,;?!'\"()")
    flag = _whole(family).get(name)
    answers_yes_or_no = flag is not None and (flag.low, flag.high) == (0, 1) and words.lower() in YES | NO
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
    for name, unit in _units(family):
        if unit.match(text, number.end):
            return name
    return None


def _take(given: GivenValues, family: str, name: str, number: WrittenNumber, text: str) -> None:
    """Note a number as a field's value, or why it is none."""
    ahead, behind = text[: number.start], text[number.end :]
    if number.value is None:
        given.unclear.append(f"{name} '{number.text}'")
    elif number.percent:
        given.unclear.append(f"{name} '{number.text}' (it is no percentage)")
    elif number.three_decimals and (name in _words(family).money or number.money):
        given.unclear.append(f"{name} '{number.text}' (write {1000 * number.value:.0f} or {number.value:g}, whichever is meant)")
    elif compared := _COMPARED.search(ahead):
        given.unclear.append(f"{name} '{compared[0].strip()} {number.text}' (one value is needed)")
    elif apart := re.search(r"(?:-\s*|\()$", ahead):
        given.unclear.append(f"{name} '{apart[0]}{number.text}'")
    elif cents := re.match(r"\s*(?:cents?|ct)\b", behind, re.IGNORECASE):
        given.unclear.append(f"{name} '{number.text}{cents[0]}'")
    else:
        value = number.value
        whole = name in _whole(family) and value.is_integer()
        given.add(name, int(value) if whole else value, number.text)
