"""Retrieved text without what is meant for the assistant instead of its reader: orders, hidden text, links out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fusionguard.assistant.folding import visible
from fusionguard.assistant.judging import first_match
from fusionguard.assistant.passages import Found
from fusionguard.assistant.rules import rules_for_passages

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|iframe|object|embed|svg|template)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.I)
_TAG = re.compile(
    r"</?(?:a|abbr|audio|b|base|blockquote|body|br|button|center|code|details|div|em|font|form|frame|h[1-6]|head|hr|html|i|img|input|link|marquee"
    r"|math|meta|p|picture|pre|source|span|strong|sub|summary|sup|table|tbody|td|textarea|th|thead|tr|u|ul|ol|li|video)\b[^>]*>",
    re.I,
)
_IMAGE = re.compile(r"!\[([^\]]*)\](?:\([^)]*\)?|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\]]*)\]\(\s*<?((?:[a-z][a-z0-9+.-]*:|//)[^)]*)\)?", re.I)
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.M)
_ADDRESS = re.compile(
    r"\b(?:https?|ftp|wss?|data|javascript|file|mailto):(?://)?[^\s)>\]\"'`]+|(?<![\w/.])//[\w-]+\.[\w.-]+/\S*", re.I
)
_LOOPBACK = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:[/\s]|$)", re.I)
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n")


def clean_passages(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return passages without sentences that give orders to the assistant, hidden text and links out; drop those left empty."""
    kept = []
    for each in found:
        passage = each.passage
        if _commands(passage.heading) or _commands(passage.file):
            continue
        text = clean_text(passage.text)
        if text.strip():
            kept.append(
                each if text == passage.text else each.model_copy(update={"passage": passage.model_copy(update={"text": text})})
            )
    return tuple(kept)


def clean_text(text: str) -> str:
    """Return a text without orders to the assistant, hidden text and links out."""
    text = without_markup(text)
    if not _commands(text):
        return text
    pieces, begin = [], 0
    for match in [*_SENTENCE.finditer(text), None]:
        end = len(text) if match is None else match.start()
        after = len(text) if match is None else match.end()
        if not _commands(text[begin:end]):
            pieces.append(text[begin:after])
        begin = after
    kept = "".join(pieces).strip()
    return "" if _commands(kept) else kept  # an order that runs over several sentences


def without_markup(text: str) -> str:
    """Return a text without hidden text, HTML, images and links to other machines; the words of a link stay."""
    text = _HIDDEN.sub("", visible(text))
    text = _REFERENCE.sub(_reference, _LINK.sub(_link, _IMAGE.sub("", _TAG.sub("", text))))
    return _ADDRESS.sub(lambda match: match.group() if _LOOPBACK.match(match.group()) else "(link removed)", text)


def _link(match: re.Match[str]) -> str:
    return match.group() if _LOOPBACK.match(match.group(2)) else match.group(1)


def _reference(match: re.Match[str]) -> str:
    return "" if _ADDRESS.search(match.group()) else match.group()


def _commands(text: str) -> bool:
    return first_match(text, rules_for_passages()) is not None
