"""The numbers in brackets: each passage gets one when it is cited first, and each number leads to a passage."""

from __future__ import annotations

from fusionguard.assistant.answers import Citation
from fusionguard.assistant.passages import Passage


class CitationList:
    """Citations of one answer, numbered from 1 in the order in which they are first needed."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._citations: list[Citation] = []

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All there are."""
        return tuple(self._citations)

    def cite(self, passage: Passage) -> int:
        """Return a passage's number."""
        return self.add(passage.id, file=passage.file, heading=passage.heading, source=passage.source, text=passage.text)

    def add(self, id: str, *, file: str, heading: str, source: str, text: str) -> int:
        """Return the number of what has this id."""
        if id not in self._numbers:
            self._numbers[id] = len(self._citations) + 1
            self._citations.append(
                Citation(number=self._numbers[id], passage=id, file=file, heading=heading, source=source, text=text)
            )
        return self._numbers[id]
