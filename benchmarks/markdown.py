"""Markdown that every section of the document is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.measure import Measurement


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def numbers(taken: Measurement) -> tuple[str, str]:
    """Return seconds and peak MB as a table shows them."""
    return f"{taken.seconds:.1f}", f"{taken.peak_mb:,.0f}"
