"""Whether a sentence that a model wrote stands in what it cites: words, numbers, names and the yes or no of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from fusionguard.assistant.numbers import is_number_word, missing_numbers, number_sequence, numbers_in
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.units import plain, split_units
from fusionguard.assistant.words import content_word_list, content_words, stem

CITATION = re.compile(r"\s*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")

WORDS_IN_WINDOW = 0.7
"""The share of a claim's words that must stand in the one or two sentences it comes from, or their heading."""
WORDS_IN_PASSAGE = 0.85
"""The share that must stand anywhere in what it cites."""
_EACH_CITED = 0.25
_NEGATIONS = re.compile(r"\b(?:no|not|never|none|nor|neither|nothing|nobody|without|cannot|unless)\b|n['’]t\b", re.IGNORECASE)
_TURNING = """above below over under more less most least fewer higher lower highest lowest better worse best worst larger smaller
    increase increases increased decrease decreases decreased raise raises raised lowers lowered rise rises fall falls gain loss
    improve improves improved worsen worsens only always must may should can before after first last early late enabled disabled
    promoted rejected refused accepted allowed forbidden required optional safe unsafe true false fail fails failed pass passes
    passed include includes exclude excludes all any every some few many"""
_TURNS_THE_MEANING = frozenset(_TURNING.split())
_PLAIN_WORD = re.compile(r"[A-Za-z]+")
_AFTER_A_NUMBER = re.compile(r"\d\s*%?\s+([A-Za-z]{1,20})")
_CODE = re.compile(r"`([^`]+)`")
_LOOKS_LIKE_CODE = re.compile(r"[/_=\\<>|{}$]|--|[A-Za-z]\.[A-Za-z]|\(\)")
_WHOLE = re.compile(r"[.!?][\"'”’)]*\Z")


class Claim(NamedTuple):
    """A sentence without its marks, and the numbers in brackets that it carried."""

    text: str
    cited: tuple[int, ...]


def read_claim(sentence: str) -> Claim:
    """Take a sentence apart into its words and its citations."""
    cited = [int(number) for found in CITATION.findall(sentence) for number in found.split(",")]
    return Claim(" ".join(CITATION.sub("", sentence).split()), tuple(dict.fromkeys(cited)))


def fault_of(text: str, cited: Sequence[Passage]) -> str:
    """Say in a word why a sentence does not stand in the passages it cites; empty where it does.

    Returns
    -------
    str
        ``unfinished``; ``citation``: none is given, or one has nothing to do with it; ``number``: it stands nowhere near, or two
        changed places; ``words``; ``meaning``: a negation or a word such as "above" turns it round; ``code``: a command or a name
        stands nowhere; else empty.
    """
    words = _topic_words(text)
    if not _WHOLE.search(text):
        return "unfinished"
    if not cited or not words:
        return "citation"
    windows = [_best_window(text, passage) for passage in cited]
    if any(window.share < _EACH_CITED for window in windows):
        return "citation"
    source = "\n".join(window.text for window in windows)
    if missing_numbers(text, source) or not _in_order(number_sequence(text), source):
        return "number"
    whole = "\n".join(f"{passage.heading}\n{_readable(passage)}" for passage in cited)
    headings = "\n".join(passage.heading for passage in cited)
    near = content_words(f"{headings}\n{source}")
    if _share(words, near) < WORDS_IN_WINDOW or _share(words, content_words(whole)) < WORDS_IN_PASSAGE:
        return "words"
    if any(code not in whole for code in _code_in(text)):
        return "code"
    return "" if _means_the_same(text, source, windows) else "meaning"


def _topic_words(text: str) -> list[str]:
    """Return the words of a claim that must stand in its source; numbers written as words are compared as numbers."""
    return content_word_list(_PLAIN_WORD.sub(lambda found: " " if is_number_word(found[0].lower()) else found[0], text))


def _code_in(text: str) -> list[str]:
    """Return what must stand in a source letter by letter: what is marked as code, and what looks like a command or a path."""
    words = (word.strip(".,;:!?()[]\"'`") for word in _CODE.sub(" ", text).split())
    return [*_CODE.findall(text), *(word for word in words if _LOOKS_LIKE_CODE.search(word))]


def _in_order(numbers: Sequence[str], source: str) -> bool:
    """Tell whether numbers come in a source in the order they have in a claim: two that change places say something else."""
    rest = iter(number_sequence(source))
    known = numbers_in(source)
    return all(number in rest for number in numbers if number in known)


class _Window(NamedTuple):
    share: float
    text: str
    best_unit: str


def _best_window(text: str, passage: Passage) -> _Window:
    """Return the sentence of a passage that shares most with a claim, together with the neighbour that adds most."""
    words, numbers = _topic_words(text), numbers_in(text)
    units = [unit.text for unit in split_units(passage.text)]
    best = _Window(0.0, "", "")
    for place, unit in enumerate(units):
        alone = _share(words, content_words(unit)) + 0.1 * len(numbers & numbers_in(unit))
        for first, last in ((place, place), (max(0, place - 1), place), (place, place + 1)):
            together = "\n".join(units[first : last + 1])
            share = _share(words, content_words(together)) + 0.1 * len(numbers & numbers_in(together))
            # the better single sentence decides between windows of the same words
            if (share, alone, -len(together)) > (best.share, _share(words, content_words(best.best_unit)), -len(best.text)):
                best = _Window(share, together, unit)
    return best


def _means_the_same(text: str, source: str, windows: Sequence[_Window]) -> bool:
    near = {stem(word.lower()) for word in _PLAIN_WORD.findall(source)}
    said = [word.lower() for word in _PLAIN_WORD.findall(text)]
    if any(word in _TURNS_THE_MEANING and stem(word) not in near for word in said):
        return False
    if any(stem(unit.lower()) not in near for unit in _AFTER_A_NUMBER.findall(text) if content_words(unit)):
        return False
    return len(_NEGATIONS.findall(text)) == sum(len(_NEGATIONS.findall(window.best_unit)) for window in windows)


def _readable(passage: Passage) -> str:
    return "\n".join([plain(passage.text), *(unit.text for unit in split_units(passage.text))])


def _share(words: Sequence[str], known: frozenset[str]) -> float:
    return sum(word in known for word in words) / len(words)
