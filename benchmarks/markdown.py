"""Markdown that every section of the document is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.measure import Measurement

END = "<!-- end -->"
"""What closes a section that is written anew; each has a mark of its own that opens it."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def numbers(taken: Measurement) -> tuple[str, str]:
    """Return seconds and peak MB as a table shows them."""
    return f"{taken.seconds:.1f}", f"{taken.peak_mb:,.0f}"


def kept(document: str, begin: str) -> str:
    """Return the section of a document from the mark ``begin`` to the next ``END``, marks included; empty where it has none."""
    _, found, rest = document.partition(begin)
    inside, end, _ = rest.partition(END)
    return f"{begin}{inside}{END}" if found and end else ""


def insert(document: str, text: str, begin: str) -> str:
    """Return the document with ``text`` between the mark ``begin`` and the next ``END``; raise ValueError where it lacks them."""
    before, found, rest = document.partition(begin)
    _, end, after = rest.partition(END)
    if not (found and end):
        raise ValueError(f"the document lacks {begin} or {END}")
    return f"{before}{begin}\n{text}\n{END}{after}"
