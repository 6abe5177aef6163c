"""Words as the assistant compares them: lower case, without endings, without those that say nothing."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_][\w'’]*|\d+(?:\.\d+)?", re.UNICODE)

_STOP_TEXT = """
    a about above after again all also am an and any are as at be because been before being below between both but by can could
    did do does doing down during each few for from further had has have having he her here hers him his how i if in into is it
    its itself just let may me might more most much must my no nor not now of off on once one only or other our ours out over own
    please same shall she should so some such tell than that the their theirs them then there these they this those through to
    too under until up us very was we were what when where which while who whom why will with would you your yours
    show give explain describe want know need get got make made mean means
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())
"""English words that carry no topic of their own."""


def content_words(text: str) -> frozenset[str]:
    """Return the stems of the words that carry a text's topic; numbers are none of them."""
    return frozenset(content_word_list(text))


def content_word_list(text: str) -> list[str]:
    """Return them in order, as often as they stand there."""
    found = (word.lower().replace("’", "'").removesuffix("'s") for word in _WORD.findall(text.replace("_", " ")))
    return [stem(word) for word in found if word not in STOP_WORDS and not word[0].isdigit() and len(word) > 1]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return a word without its ending, so that `calibrated` and `calibration` are one; a coarse cousin of Porter's stemmer."""
    word = word.removesuffix("'")
    if len(word) <= 3:
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ations", "ation", "ating", "ated", "ate", "ions", "ion", "ings", "ing", "ed", "ers", "er", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    if len(word) > 4 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 4 and word.endswith("y") else word
