"""A rule: what to look for in plain text, what makes it harmless, and the name of the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ENDS = ".!?\n。！？؟।"
_GAP = r"(?:[ ,:;\"'_\-\n]{1,4})"


@dataclass(frozen=True)
class Rule:
    """A pattern over plain text (:func:`fusionguard.assistant.views.plain`) and the reason it is refused for."""

    reason: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    """Found in the sentences that the pattern matches in, it makes the match harmless; in other sentences it does not."""

    as_written: bool = False
    """It looks at how a sentence is built, so it means nothing for text that is read backwards."""

    def find(self, text: str, begin: int = 0) -> re.Match[str] | None:
        """Return the first match at or after a place, or None."""
        match = self.pattern.search(text, begin)
        while match is not None and self.unless is not None and self.unless.search(_sentences_of(match)):
            match = self.pattern.search(text, max(match.end(), match.start() + 1))
        return match


def _sentences_of(match: re.Match[str]) -> str:
    """Return the whole sentences around a match."""
    begin = max((match.string.rfind(mark, 0, match.start()) for mark in _ENDS), default=-1) + 1
    ends = [end for end in (match.string.find(mark, match.end()) for mark in _ENDS) if end >= 0]
    return match.string[begin : min(ends, default=len(match.string))]


def read_rules(content: Mapping[str, Any], shared: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules of a file of English rules.

    Patterns are verbose: spaces and line breaks mean nothing, ``_`` stands for what parts two words, ``{{name}}`` for one of the
    file's ``words``, or of those that all files share.
    """
    words: dict[str, str] = {**shared, **content["words"]}
    return tuple(
        Rule(
            each["reason"],
            _compiled(each["pattern"], words),
            _compiled(each["unless"], words) if "unless" in each else None,
            each.get("as_written", False),
        )
        for each in content["rules"]
    )


def read_language_rules(content: Mapping[str, Mapping[str, list[str]]]) -> tuple[Rule, ...]:
    """Return one rule for each reason and language: words near other words in either order, and words that make it harmless."""
    return tuple(
        Rule(reason, _near(words[0], words[1]), re.compile(words[2]) if len(words) > 2 else None)
        for reason, languages in content.items()
        for words in languages.values()
    )


def _compiled(pattern: str, words: dict[str, str]) -> re.Pattern[str]:
    while "{{" in pattern:
        pattern = re.sub(r"\{\{(\w+)\}\}", lambda match: f"(?:{words[match.group(1)]})", pattern)
    return re.compile(pattern.replace("_", _GAP), re.VERBOSE | re.DOTALL)


def _near(first: str, second: str) -> re.Pattern[str]:
    """Words begin where a word does, in scripts that part words."""
    one, other = (rf"(?:\b(?:{each})|(?<=[\u3040-\u9fff])(?:{each}))" for each in (first, second))
    return re.compile(rf"{one}.{{0,60}}?{other}|{other}.{{0,60}}?{one}", re.DOTALL)
