"""The gates around the assistant: what may be asked, what retrieved text may say, what an answer may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from fusionguard.assistant.answers import Question
from fusionguard.assistant.folding import fold, is_invisible
from fusionguard.assistant.gate_out import check_answer
from fusionguard.assistant.judging import judge, judge_together
from fusionguard.assistant.redaction import redact
from fusionguard.assistant.refusals import messages
from fusionguard.assistant.retrieved import clean_passages
from fusionguard.assistant.views import decoded_views

__all__ = ["LONGEST_QUESTION", "Decision", "check_answer", "check_question", "clean_passages"]

LONGEST_QUESTION = 2000
"""Characters of a question that are read."""
_EARLIER = 6


class Decision(BaseModel):
    """Whether a question goes on, and in what form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed: bool
    reason: str = ""
    """Why not, as a short name; empty where it goes on."""
    message: str = ""
    """Why not and what to ask instead, in plain words; empty where it goes on."""
    question: str = ""
    """The question without disguises and personal data; empty where it is refused."""
    redacted: tuple[str, ...] = ()
    """The kinds of personal data and secrets that were in it."""


def check_question(
    question: Question,
    *,
    earlier: Sequence[str] = (),
    names: frozenset[str] = frozenset(),
    columns: frozenset[str] = frozenset(),
    longest: int = LONGEST_QUESTION,
) -> Decision:
    """Decide whether a question goes on to retrieval, tools and a model.

    ``earlier`` are the questions of the same conversation, oldest first, as they came, refused ones too: what is spread over
    several of them is judged together. ``names`` are customers' names that are known, ``columns`` those of declared data
    sets whose values are private.
    """
    text = question.text
    if not text.strip():
        return _refused("empty")
    if len(text) > longest:
        return _refused("too_long", limit=longest)
    if _unreadable(text):
        return _refused("unreadable")
    shown = redact(re.sub(r"\s+", " ", fold(text).text).strip(), names, columns)
    found = judge(text) or judge(shown.text) or judge_together([each[:longest] for each in earlier[-_EARLIER:]], text)
    if found is not None:
        return _refused(found, shown.kinds)
    if _encoded(text):
        return _refused("encoded", shown.kinds)
    return Decision(allowed=True, question=shown.text, redacted=shown.kinds)


def _refused(reason: str, redacted: tuple[str, ...] = (), **words: int) -> Decision:
    return Decision(allowed=False, reason=reason, message=messages()[reason].format(**words), redacted=redacted)


def _unreadable(text: str) -> bool:
    hidden = sum(is_invisible(each) for each in text)
    letters = sum(each.isalpha() for each in text)
    marks = sum(not (each.isalnum() or each.isspace()) for each in text)
    return letters < 2 or hidden > max(4, letters // 2) or marks > 2 * letters + 20


def _encoded(text: str) -> bool:
    """Whether a good part of it has to be decoded to be read."""
    return any(len(each) >= 16 for each in decoded_views(text) if each not in text.casefold())
