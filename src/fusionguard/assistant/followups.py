"""Questions that lean on the one before: ``and for the other model?`` becomes a question that stands alone, by rules."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fusionguard.assistant.asked import AskedModel, mentioned_models

_OPENS = re.compile(r"^\s*(?:and|also|what about|how about|same (?:for|of|with)|now (?:for|the)|or)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(?:it|its|that|this|those|these|they|them|there|the same)\b", re.IGNORECASE)
_FILLING = re.compile(
    r"^\s*(?:(?:and|also|or|so|then|now|what about|how about|same)\b[\s,]*)*(?:(?:for|of|with|on|in)\b\s*)?(?:the\b\s*)?",
    re.IGNORECASE,
)
_SHORT_WORDS = 6


def stand_alone(question: str, earlier: Sequence[str], models: Sequence[AskedModel]) -> str:
    """Return a question with what it takes over from the last one; one that needs nothing comes back as it is.

    A question that opens like a continuation and names another one of the models repeats the last one for that. Other
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
    named, before = _one(rest, models), _one(last, models)
    if continues and named and before and named.name != before.name and len(rest.split()) <= 3:
        return before.named_by.sub(named.name, last)
    return f"{last.rstrip(' ?.!')} {rest.strip() or question}"


def _one(text: str, models: Sequence[AskedModel]) -> AskedModel | None:
    found = mentioned_models(text, models)
    return found[0] if len(found) == 1 else None
