"""A question as words to search for."""

from __future__ import annotations

import re

_STOP_WORDS = """
    a about all am an and any are as at be been but by can could did do does doing for from get give had has have how i if
    in into is it its itself just may me might mine more most much my of off on one or our out own please say says shall
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


def content_words(question: str) -> list[str]:
    """Return a question's words that say what it is about, in lower case, each once, at most :data:`LONGEST_QUESTION_WORDS`."""
    words = dict.fromkeys(word.lower() for word in _WORD.findall(question))
    content = [word for word in words if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())]
    return content[:LONGEST_QUESTION_WORDS]
