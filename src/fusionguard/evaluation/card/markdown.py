"""Small pieces of Markdown: tables whose source reads well too, numbers and times for people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import Any


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Return a Markdown table with padded columns, right-aligned as numbers are; those in ``left`` hold words."""
    cells = [[text(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *(len(row[place]) for row in cells)) for place in range(len(header))]
    right = [place not in left for place in range(len(header))]

    def line(row: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in zip(row, widths, right, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = (f"{'-' * (width - 1)}:" if flush else "-" * width for width, flush in zip(widths, right, strict=True))
    return "\n".join([line(cells[0]), f"| {' | '.join(rule)} |", *(line(row) for row in cells[1:])])


def text(value: Any) -> str:
    """Return a value as one line that cannot break a table; of an absolute path only the name is told."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(text(part) for part in value)
    words = [PurePath(word).name if word.startswith("/") and len(word) > 1 else word for word in str(value).split()]
    return " ".join(words).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def count(number: float) -> str:
    """Return a whole number with thousands separated: 284,807."""
    return f"{number:,.0f}"


def percent(share: float, digits: int = 1) -> str:
    """Return a share as per cent: ``4.2 %``."""
    return f"{100 * share:.{digits}f} %"


def clock(second: int) -> str:
    """Return a time of the data: ``day 2, 14:53``."""
    day, rest = divmod(second, 86_400)
    return f"day {day + 1}, {rest // 3600:02d}:{rest % 3600 // 60:02d}"


def image(name: str, description: str, folder: str | None) -> str:
    """Return the image ``NAME.png`` in ``folder``, or nothing without a folder."""
    return "" if folder is None else f"![{description}]({folder.rstrip('/')}/{name}.png)"
