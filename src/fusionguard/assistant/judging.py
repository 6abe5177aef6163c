"""Rules applied to a question, to each form it may have been meant in, and to what a conversation adds up to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fusionguard.assistant.rules import rules, rules_for_follow_ups
from fusionguard.assistant.rules.rule import Rule
from fusionguard.assistant.views import plain, views

_NAMED = re.compile(r"\b(\w{1,12})\s*(?:=|:=|:|\bis\b|\bmeans\b|\bstands for\b)\s*[\"']([^\"'\n]{2,200})[\"']")
_STILL_MEANT = 3
_REACH = 300  # characters before and after the place where two questions meet: no rule spans more


def judge(text: str) -> str | None:
    """Return the reason to refuse a text, or None."""
    found = first_match(text, rules())
    return None if found is None else found.reason


def first_match(text: str, among: Sequence[Rule]) -> Rule | None:
    """Return the first rule that matches a form of a text, or None."""
    for view, backwards in views(text).items():
        for rule in among:
            if not (backwards and rule.as_written) and rule.find(view) is not None:
                return rule
    return None


def judge_together(earlier: Sequence[str], text: str) -> str | None:
    """Return the reason to refuse a question for what was asked before it, or None.

    That is a request that was parted over questions, or one that goes on with what was refused.
    """
    if not earlier:
        return None
    before = [plain(each) for each in earlier]
    now = plain(text)
    if any(rule.find(now) for rule in rules_for_follow_ups()):
        for each in reversed(earlier[-_STILL_MEANT:]):
            refused = judge(each)
            if refused is not None:
                return refused
    filled = _filled(before, now)
    if filled != now and (reason := judge(filled)) is not None:
        return reason
    for start in dict.fromkeys(glue.join([*before[begin:], ""])[-_REACH:] for begin in range(len(before)) for glue in (" ", "")):
        together, boundary = start + now[:_REACH], len(start)
        for rule in rules():
            match = rule.find(together)
            while match is not None and match.end() <= boundary:
                match = rule.find(together, match.start() + 1)
            if match is not None and match.start() < boundary:
                return rule.reason
    return None


def _filled(earlier: Sequence[str], now: str) -> str:
    """Put what earlier questions gave names to (``x = "..."``) in the place of the names."""
    for name, meaning in _NAMED.findall(" ".join([*earlier, now])):
        now = re.sub(rf"\b{re.escape(name)}\b", meaning.replace("\\", r"\\"), now)
    return now
