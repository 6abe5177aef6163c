"""Questions that lean on the one before: ``and for the other model?`` becomes a question that stands alone, by rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from fusionguard.families.catalog import family_names, model_family

_OPENS = re.compile(r"^\s*(?:and|also|what about|how about|same (?:for|of|with)|now (?:for|the)|or)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(?:it|its|that|this|those|these|they|them|there|the same)\b", re.IGNORECASE)
_FILLING = re.compile(
    r"^\s*(?:(?:and|also|or|so|then|now|what about|how about|same)\b[\s,]*)*(?:(?:for|of|with|on|in)\b\s*)?(?:the\b\s*)?",
    re.IGNORECASE,
)
_SHORT_WORDS = 6


def stand_alone(question: str, earlier: Sequence[str]) -> str:
    """Return a question with what it takes over from the last one; one that needs nothing comes back as it is.

    A question that opens like a continuation and names the other kind of model repeats the last one for that kind. Other
    continuations, and short questions that point back, get the last question's words in front.
    """
    if not earlier:
        return question
    last = earlier[-1]
    words = question.split()
    continues = bool(_OPENS.match(question))
    if not continues and not (len(words) <= _SHORT_WORDS and _POINTS_BACK.search(question)):
        return question
    rest = _FILLING.sub("", question).strip(" ?.!") if continues else question
    named, before = mentioned_family(rest), mentioned_family(last)
    if continues and named and before and named != before and len(rest.split()) <= 3:
        return _swap(last, before, named)
    return f"{last.rstrip(' ?.!')} {rest.strip() or question}"


def mentioned_family(text: str) -> str | None:
    """Return the kind of model that a text names; none where it names none or several."""
    found = [name for name in family_names() if _named_by(name).search(text)]
    return found[0] if len(found) == 1 else None


def _swap(question: str, old: str, new: str) -> str:
    return _named_by(old).sub(new, question)


@cache
def _named_by(family: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{model_family(family).words.named_by})\b", re.IGNORECASE)
