"""The last gate: an answer leaves without personal data, secrets, links out, or the words of a prompt."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import cache

from fusionguard.assistant.answers import Answer, Citation
from fusionguard.assistant.judging import first_match
from fusionguard.assistant.passages import Found
from fusionguard.assistant.redaction import redact
from fusionguard.assistant.refusals import messages, own_refusals
from fusionguard.assistant.retrieved import clean_text, without_markup
from fusionguard.assistant.rules import rules
from fusionguard.assistant.views import plain, views

_SHINGLE = 8
_NEVER_WRITTEN = frozenset({"prompt_injection", "jailbreak", "individual_targeting", "discrimination", "harmful_content"})


@cache
def canary() -> str:
    """Return a word for the system prompt that stands nowhere else, made anew in each process: an answer with it is withheld."""
    return "fgc" + secrets.token_hex(8)


def check_answer(answer: Answer, passages: Sequence[Found], *, prompt: str = "", names: frozenset[str] = frozenset()) -> Answer:
    """Return the answer as it may be shown, or one that says it was withheld.

    ``prompt`` is the system prompt that a model was given: eight words in a row of it that stand in no passage are an echo.
    """
    held = _withheld_for(answer, passages, prompt)
    if held is not None:
        return Answer(kind="unknown", text=messages()["withheld"], written_by="fixed", reason=held, redacted=answer.redacted)
    text = redact(without_markup(answer.text), names)
    citations = tuple(_clean(each, names) for each in answer.citations)
    kinds = tuple(sorted({*answer.redacted, *text.kinds}))
    return answer.model_copy(update={"text": text.text, "citations": citations, "redacted": kinds})


def _withheld_for(answer: Answer, passages: Sequence[Found], prompt: str) -> str | None:
    if answer.written_by == "fixed":
        return None
    forms = views(answer.text)
    bare = [re.sub(r"[^a-z0-9]", "", form) for form in forms]
    if any(canary() in form or canary() in form[::-1] for form in bare):
        return "withheld_canary"
    if prompt and _echoes(answer.text, prompt, passages):
        return "withheld_prompt_echo"
    if answer.written_by == "model":
        found = first_match(answer.text, [rule for rule in rules() if rule.reason in _NEVER_WRITTEN | own_refusals().keys()])
        if found is not None:
            return f"withheld_{found.reason}"
    return None


def _echoes(text: str, prompt: str, passages: Sequence[Found]) -> bool:
    known = set().union(*(_shingles(each.passage.text) for each in passages)) if passages else set()
    return bool((_shingles(text) & _shingles(prompt)) - known)


def _shingles(text: str) -> set[str]:
    words = re.findall(r"\w+", plain(text))
    return {" ".join(words[place : place + _SHINGLE]) for place in range(len(words) - _SHINGLE + 1)}


def _clean(citation: Citation, names: frozenset[str]) -> Citation:
    return citation.model_copy(update={"text": redact(clean_text(citation.text), names).text})
