"""A question as words to search for: its own, and those that the documents use instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fusionguard.assistant.vocabulary import documents_words

_STOP_WORDS = """
    a about all also am an and any are as at be been but by can could did do does doing for from get give had has have how i if
    in into is it its itself just may me many might mine more most much my of off on one or our out own please
    quite really say says shall
    she he should so some such tell than that the their them then there these they this those to too us use used using
    want was we were what when where which while who whom whose why will with would you your yours vs not no only
    mean means meaning explain describe show know happen happens happened let lets
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that say nothing about what is asked."""

_WORD = re.compile(r"[^\W_]+")
LONGEST_QUESTION_CHARACTERS = 2_000
LONGEST_QUESTION_WORDS = 64
"""Words beyond these are not searched for: no honest question needs them, and they cost time."""


@dataclass(frozen=True)
class SearchWords:
    """The words of a question, in lower case, each once."""

    own: tuple[str, ...]
    """Those of its own words that say what it is about."""
    all: tuple[str, ...]
    """With those that the documents use instead; at most :data:`LONGEST_QUESTION_WORDS`."""


def search_words(question: str) -> SearchWords:
    """Return what to search for; nothing where no word says what a question is about."""
    own = _content(question)
    more = _content(" ".join(documents_words(question))) if own else []
    both = list(dict.fromkeys([*own, *more]))[:LONGEST_QUESTION_WORDS]
    return SearchWords(own=tuple(own[:LONGEST_QUESTION_WORDS]), all=tuple(both))


def _content(text: str) -> list[str]:
    words = dict.fromkeys(word.lower() for word in _WORD.findall(text))
    return [word for word in words if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())]
