"""A passage in the small parts whose meaning is compared with a question: a long text has no one meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fusionguard.assistant.passages import Passage

PART_CHARACTERS = 300

_SENTENCE = re.compile(r"(?<=[.!?:])\s+")
_ITEM = re.compile(r"\n(?=- |\d+\. )")
_SIGNS = re.compile(r"[|*`]")
_RULES = re.compile(r"[ \-]{3,}")


def parts_of(passage: Passage) -> tuple[str, ...]:
    """Return a passage's sentences, rows and items in groups, each below its headings and without Markdown's signs."""
    above = " ".join(passage.heading.split(" > ")[-2:])
    return tuple(f"{above}: {_plain(group)}" for group in _groups(passage.text)) or (above,)


def _groups(text: str) -> Iterator[str]:
    group = ""
    for block in text.split("\n\n"):
        for piece in _pieces(block):
            if group and len(group) + len(piece) > PART_CHARACTERS:
                yield group
                group = ""
            group = f"{group} {piece}".strip()
        if len(group) > 0.6 * PART_CHARACTERS:  # a short block goes with the next one
            yield group
            group = ""
    if group:
        yield group


def _pieces(block: str) -> list[str]:
    lines = block.split("\n")
    if block.startswith("|"):
        return lines[2:] or lines
    if block.startswith(("- ", "1. ", "```")):
        return _ITEM.split(block)
    return _SENTENCE.split(" ".join(lines))


def _plain(text: str) -> str:
    return _RULES.sub(" ", _SIGNS.sub(" ", text))
