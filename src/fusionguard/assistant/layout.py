"""How lines become an answer's text, one after another, so that what was shown never has to change."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A sentence of an answer; ``cites`` are the numbers it rests on, ``listed`` puts it into a list of its own row."""

    text: str
    cites: tuple[int, ...] = ()
    listed: bool = False
    opens_paragraph: bool = False


class Layout:
    """Text that grows line by line: :meth:`add` returns what a line adds to it, white space included."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def preview(self, line: Line) -> str:
        """Return what a line would append to the text."""
        marks = "".join(f"[{number}]" for number in line.cites)
        return f"{self._before(line)}{line.text.rstrip()}{' ' if marks else ''}{marks}"

    def add(self, line: Line) -> str:
        """Append a line and return what that appended to the text."""
        self._parts.append(self.preview(line))
        self.lines.append(line)
        return self._parts[-1]

    def _before(self, line: Line) -> str:
        bullet = "- " if line.listed else ""
        if not self.lines:
            return bullet
        last = self.lines[-1]
        if line.listed and last.listed and not line.opens_paragraph:
            return f"\n{bullet}"
        if line.listed or last.listed or line.opens_paragraph:
            return f"\n\n{bullet}"
        return " "
