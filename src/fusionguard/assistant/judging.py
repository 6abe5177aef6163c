# ruff: noqa: E501
"""Rules applied to a question, to each form it may have been meant in, and to what a conversation adds up to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fusionguard.assistant.rules import rules
from fusionguard.assistant.views import plain, views

_GO_ON = re.compile(
    r"^(?:ok(?:ay)?|yes|sure|great|good|thanks?|please|now|then|and|so|but|well|[, .!])*\b(?:continue|go on|go ahead|proceed|carry on|keep going|next (?:step|part)"
    r"|(?:do|run|answer|try|say|execute|apply|repeat) (?:it|that|this|them|so)\b|step (?:\d|two|three|four|2)|part (?:\d|two|three)|the (?:rest|second|third|next)|more detail|as (?:i )?(?:said|asked|agreed|before)"
    r"|in (?:that|this|your) (?:role|character)|stay in character|combine|put (?:it|them|these|those) together|join|concatenate|again|anyway|weiter|mach weiter|continua|continue[rz]|suivant)"
)


def judge(text: str) -> str | None:
    """Return the reason to refuse a text, or None."""
    for view in views(text):
        for rule in rules():
            if rule.find(view) is not None:
                return rule.reason
    return None


def judge_together(earlier: Sequence[str], text: str) -> str | None:
    """Return the reason to refuse a question for what was asked before it, or None.

    That is a request that was parted over questions, or one that goes on with what was refused.
    """
    if not earlier:
        return None
    before = [plain(each) for each in earlier]
    now = plain(text)
    if _GO_ON.search(now):
        refused = judge(earlier[-1])
        if refused is not None:
            return refused
    for begin in range(len(before)):
        for glue in (" ", ""):
            together = glue.join([*before[begin:], now])
            boundary = len(together) - len(now)
            for rule in rules():
                match = rule.find(together)
                while match is not None and match.end() <= boundary:
                    match = rule.find(together, match.start() + 1)
                if match is not None and match.start() < boundary:
                    return rule.reason
    return None
