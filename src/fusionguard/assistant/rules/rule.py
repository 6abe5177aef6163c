"""A rule: what to look for in plain text, what makes it harmless, and the name of the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A pattern over plain text (:func:`fusionguard.assistant.views.plain`) and the reason it is refused for."""

    reason: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    """Found somewhere in the text, it makes the rule silent."""

    def find(self, text: str, begin: int = 0) -> re.Match[str] | None:
        """Return the first match at or after a place, or None."""
        if self.unless is not None and self.unless.search(text):
            return None
        return self.pattern.search(text, begin)


def rule(reason: str, pattern: str, *, unless: str | None = None) -> Rule:
    """Make a rule; patterns are verbose: spaces in them mean nothing, ``_`` stands for a space between words."""
    return Rule(reason, _compiled(pattern), None if unless is None else _compiled(unless))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("_", r"[ ,:;\"'\-\n]{1,4}"), re.VERBOSE | re.DOTALL)
