"""The assistant's own words, where no passage and no tool speaks: it says so, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fusionguard.assistant.answers import Answer
from fusionguard.assistant.passages import Retrieval

DISCLOSURE = "You are talking to an automated assistant. It quotes documents and results with their sources; check what matters."

_NEAREST = 3
_PATH = re.compile(r"(?:[a-z]+:/{2})?(?<![\w.])/(?:[^\s/'\"]+/)+([^\s/'\"]+)")


def unknown(retrieval: Retrieval | None, tools: Sequence[str], *, reason: str = "unsupported") -> Answer:
    """Say that nothing answers the question, with the headings that come nearest and what else can be asked."""
    parts = ["I don't know: neither the documents nor the latest runs answer that."]
    headings = list(dict.fromkeys(_name(found.passage.heading) for found in retrieval.found)) if retrieval else []
    if headings:
        parts.append(f"The nearest {'headings are' if len(headings) > 1 else 'heading is'} {_listed(headings[:_NEAREST])}.")
    if tools:
        parts.append(f"You can also ask for {_listed(tools)}.")
    return Answer(
        kind="unknown",
        text=" ".join(parts),
        written_by="fixed",
        reason=reason,
        support=retrieval.support if retrieval else 0.0,
    )


def refused(message: str, reason: str, redacted: Sequence[str]) -> Answer:
    """Say that a question is not answered, and what to ask instead."""
    return Answer(kind="refused", text=message, written_by="fixed", reason=reason, redacted=tuple(redacted))


def stopped() -> Answer:
    """Say that nothing was answered before somebody stopped it."""
    return Answer(kind="unknown", text="Stopped before there was an answer.", written_by="fixed", reason="cancelled")


def failed(what: str, remedy: str, reason: str) -> Answer:
    """Say what could not be read, and what to do about it."""
    told = without_folders(f"I cannot tell at the moment. {what} {remedy}".strip())
    return Answer(kind="unknown", text=told, written_by="fixed", reason=reason)


def without_folders(text: str) -> str:
    """Leave of paths on this machine the file's name alone: who asks need not know where things lie."""
    return _PATH.sub(r"\1", text)


def _name(heading: str) -> str:
    return f"'{heading.rpartition(' > ')[2]}'"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
