"""Markdown cut into passages: one for each heading, long ones split between paragraphs; tables and code stay readable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST_CHARACTERS = 1200
"""Above this a section is split; an embedding model reads about 250 words."""

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = re.compile(r"[`*]|!?\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Chunk:
    """A piece of a document: the headings above it, outermost first, and its Markdown."""

    headings: tuple[str, ...]
    text: str

    @property
    def heading(self) -> str:
        """The headings as one line."""
        return " > ".join(self.headings)


def chunks_of(markdown: str, title: str) -> list[Chunk]:
    """Cut a document into chunks in its order; ``title`` stands above what comes before the first heading."""
    lines = markdown.splitlines()
    chunks: list[Chunk] = []
    above: list[tuple[int, str]] = []
    section: list[str] = []

    def close() -> None:
        headings = tuple(heading for _, heading in above) or (title,)
        chunks.extend(Chunk(headings, text) for text in _pieces(section))
        section.clear()

    tokens = _parser().parse(markdown)
    for index, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        if token.type == "heading_open":
            close()
            depth = int(token.tag[1])
            above = [(level, heading) for level, heading in above if level < depth]
            above.append((depth, plain_heading(tokens[index + 1].content)))
            continue
        section.extend(_blocks(lines, tokens, index))
    close()
    return chunks


def plain_heading(heading: str) -> str:
    """Return a heading without Markdown's signs."""
    return re.sub(r"\s+", " ", _INLINE.sub(lambda match: match.group(1) or "", heading)).strip()


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").disable("inline")


def _blocks(lines: list[str], tokens: list[Token], index: int) -> Iterator[str]:
    """Yield the block that begins at a token, in pieces where it is a long list or table."""
    token = tokens[index]
    assert token.map is not None
    text = _text(lines, *token.map)
    if token.type == "html_block":
        text = _COMMENT.sub("", text).strip()
    if len(text) <= LONGEST_CHARACTERS:
        if text:
            yield text
    elif token.type == "table_open":
        yield from _table(lines[token.map[0] : token.map[1]])
    elif token.type in {"bullet_list_open", "ordered_list_open"}:
        for item in tokens[index + 1 :]:
            if item.level == 0:
                break
            if item.level == 1 and item.type == "list_item_open" and item.map is not None:
                yield _text(lines, *item.map)
    else:
        yield text


def _table(lines: list[str]) -> Iterator[str]:
    """Yield a long table in parts, each below the table's own head."""
    head, rows = lines[:2], lines[2:]
    part: list[str] = []
    for row in rows:
        if part and sum(map(len, [*head, *part, row])) > LONGEST_CHARACTERS:
            yield "\n".join([*head, *part])
            part = []
        part.append(row)
    yield "\n".join([*head, *part])


def _pieces(blocks: list[str]) -> Iterator[str]:
    """Yield a section's text, in as few pieces as hold whole blocks below the longest size."""
    piece: list[str] = []
    for block in blocks:
        if piece and sum(map(len, piece)) + len(block) > LONGEST_CHARACTERS:
            yield "\n\n".join(piece)
            piece = []
        piece.append(block)
    if piece:
        yield "\n\n".join(piece)


def _text(lines: list[str], first: int, end: int) -> str:
    return "\n".join(lines[first:end]).strip("\n").rstrip()
