"""A passage's Markdown as units that can be quoted alone: sentences, items of lists, rows of tables, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

UnitKind = Literal["sentence", "item", "row", "code"]

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(?<![\w`])(\*\*|__|\*)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_HTML = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”)]?\s+(?=[A-Z0-9`\"'“(\[*$€])")
_NO_END = re.compile(r"(?:\b(?i:e\.g|i\.e|cf|vs|no|fig|approx|resp|etc|dr|mr|ms)\.|\b[A-Z]\.)$")
_QUOTABLE_CODE = {"sh", "bash", "console", "python", "yaml", "json", "sql", "text", ""}
_LONGEST_CODE_LINES = 12


class Unit(NamedTuple):
    """A piece of a passage that says something by itself; ``place`` counts the passage's units, ``block`` its paragraphs."""

    kind: UnitKind
    text: str
    place: int
    block: int


@lru_cache(maxsize=4096)
def split_units(markdown: str) -> tuple[Unit, ...]:
    """Return the units of a passage in their order. Pictures, comments and diagrams are left out, links lose their targets."""
    units: list[Unit] = []
    for block, (kind, text) in enumerate(_blocks(markdown)):
        texts = split_sentences(text) if kind in ("sentence", "item") else (text,)
        for each in texts:
            if each:
                units.append(Unit(kind, each, len(units), block))
    return tuple(units)


def split_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of running text."""
    sentences: list[str] = []
    for piece in _SENTENCE_END.split(" ".join(text.split())):
        if sentences and (_NO_END.search(sentences[-1]) or sentences[-1].count("`") % 2):
            sentences[-1] += f" {piece}"
        elif piece:
            sentences.append(piece)
    return tuple(sentences)


def plain(inline: str) -> str:
    """Return a line of Markdown without links' targets, pictures, emphasis and HTML; code marks stay."""
    text = _HTML.sub(" ", _LINK.sub(r"\1", _IMAGE.sub("", inline)))
    return " ".join(_EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", text)).split())


def _blocks(markdown: str) -> Iterator[tuple[UnitKind, str]]:
    tokens = _MARKDOWN.parse(markdown)
    place, lists = 0, 0
    while place < len(tokens):
        token = tokens[place]
        if token.type == "table_open":
            end = _end(tokens, place)
            yield from (("row", text) for text in _rows(tokens[place:end]))
            place = end
            continue
        if token.type in ("bullet_list_open", "ordered_list_open"):
            lists += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists -= 1
        elif token.type in ("fence", "code_block"):
            yield from _code(token)
        elif token.type == "inline":
            yield ("item" if lists else "sentence"), plain(token.content)
        place += 1


def _end(tokens: list[Token], start: int) -> int:
    level = tokens[start].level
    for place in range(start + 1, len(tokens)):
        if tokens[place].type == "table_close" and tokens[place].level == level:
            return place + 1
    return len(tokens)


def _rows(tokens: list[Token]) -> Iterator[str]:
    header: list[str] = []
    row: list[str] = []
    in_head = False
    for token in tokens:
        if token.type == "thead_open":
            in_head = True
        elif token.type == "thead_close":
            in_head = False
        elif token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(plain(token.content))
        elif token.type == "tr_close":
            if in_head:
                header = row
            else:
                yield _row_text(header, row)


def _row_text(header: list[str], row: list[str]) -> str:
    """Say a row in one line: its first cell names it, the others say what they are where the table has more than two."""
    if len(row) < 2:
        return " ".join(row)
    first, *rest = row
    if len(rest) == 1:
        return f"{first}: {rest[0]}" if first else rest[0]
    told = [f"{name}: {cell}" if name else cell for name, cell in zip(header[1:], rest, strict=False) if cell]
    return f"{first}: {'; '.join(told)}" if first else "; ".join(told)


def _code(token: Token) -> Iterator[tuple[UnitKind, str]]:
    """Give each command with its comment; other code whole, where it is short."""
    language = (token.info or "").split(" ")[0].strip().lower()
    if language not in _QUOTABLE_CODE:
        return
    lines = token.content.replace("\\\n", " ").strip("\n").splitlines()
    if language in ("sh", "bash", "console"):
        for line in lines:
            command, _, comment = line.partition(" # ")
            if command.strip() and not command.lstrip().startswith("#"):
                yield "code", f"`{' '.join(command.split())}`" + (f": {comment.strip()}" if comment.strip() else "")
    elif 0 < len(lines) <= _LONGEST_CODE_LINES:
        text = " ".join(" ".join(lines).replace("`", "'").split())
        yield "code", f"`{text}`"
