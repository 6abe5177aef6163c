"""An answer while it is written: what may not be shown never enters it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from fusionguard.assistant.answers import Answer, Citation, Writer
from fusionguard.assistant.citing import CitationList
from fusionguard.assistant.guard import check_answer, clean_passages
from fusionguard.assistant.layout import Layout, Line
from fusionguard.assistant.passages import Found, Passage

SIMULATED_FIGURES = "These figures come from SIMULATED data."


class Piece(BaseModel):
    """What a stream hands on: more of the text, or at the end the whole answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    answer: Answer | None = None


class Page:
    """Lines that have each passed the last gate, together with those before them.

    Parameters
    ----------
    written_by
        Who writes; see :class:`~fusionguard.assistant.answers.Answer`.
    found
        The passages that the answer may be made of.
    names
        Customers' names that are known.
    """

    def __init__(self, written_by: Writer, found: Sequence[Found] = (), names: frozenset[str] = frozenset()) -> None:
        self.citations = CitationList()
        self.prompt = ""
        """The system prompt that a model was given: no answer may echo it."""
        self.simulated = False
        """Whether numbers on it come from a model or rows that were simulated."""
        self._written_by, self._found, self._names = written_by, found, names
        self._layout = Layout()
        self._redacted: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been shown."""
        return not self._layout.lines

    def add(self, line: Line) -> Iterator[Piece]:
        """Add a line and yield what it adds to the text, where it may be shown."""
        cleaned = self._checked(line.text)
        if cleaned is None or not cleaned.text.strip():
            return
        line = line._replace(text=cleaned.text)
        together = self._layout.text + self._layout.preview(line)
        whole = self._checked(together) if self._layout.lines else cleaned
        if whole is None or (self._layout.lines and whole.text != together):
            return  # only together with what stands before it does it say what must not be said
        self._redacted |= set(cleaned.redacted)
        yield Piece(text=self._layout.add(line))

    def add_all(self, lines: Sequence[Line]) -> Iterator[Piece]:
        """Add lines that are all known: one look at the whole spares a look at each."""
        draft = Layout()
        for line in lines:
            draft.add(line)
        whole = self._checked(draft.text) if self.is_empty else None
        for line in lines:
            if whole is not None and whole.text == draft.text:
                yield Piece(text=self._layout.add(line))
            else:
                yield from self.add(line)

    def mark_simulated(self, marks: Mapping[str, Passage]) -> Iterator[Piece]:
        """Say that figures are simulated, where passages that are cited are so: ``marks`` has the passage that says it by id."""
        says = [marks[each.passage] for each in self.citations.citations if each.passage in marks]
        if not says or not re.search(r"\d", re.sub(r"\[\d+\]", "", self._layout.text)):
            return
        self.simulated = True
        if "simulated" not in self._layout.text.lower():
            numbers = tuple(dict.fromkeys(self.citations.cite(passage) for passage in says))
            yield from self.add(Line(SIMULATED_FIGURES, numbers, opens_paragraph=True))

    def whole(self, *, support: float, reason: str) -> Piece:
        """Return the answer."""
        cited = {number for line in self._layout.lines for number in line.cites}
        citations = tuple(_clean_citation(each, self._names) for each in self.citations.citations if each.number in cited)
        answer = Answer(
            kind="answer",
            text=self._layout.text,
            written_by=self._written_by,
            reason=reason,
            support=support,
            redacted=tuple(sorted(self._redacted)),
            simulated=self.simulated,
        )
        checked = check_answer(answer, self._found, prompt=self.prompt, names=self._names)
        return Piece(answer=checked.model_copy(update={"citations": citations}) if checked.kind == "answer" else checked)

    def _checked(self, text: str) -> Answer | None:
        """Return a text as it may be shown, or None where it may not."""
        answer = Answer(kind="answer", text=text, written_by=self._written_by)
        answer = check_answer(answer, self._found, prompt=self.prompt, names=self._names)
        return answer if answer.kind == "answer" else None


def clean_found(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return what was found as it may be read, without passages of which nothing is left."""
    cleaned = [(each, _clean_passage(each.passage)) for each in found]
    return tuple(each.model_copy(update={"passage": passage}) for each, passage in cleaned if passage is not None)


@lru_cache(maxsize=4096)
def _clean_passage(passage: Passage) -> Passage | None:
    """Clean a passage once, not with each question: it takes longer than all the rest of an answer."""
    cleaned = clean_passages((Found(passage=passage, score=0.0),))
    return cleaned[0].passage if cleaned else None


@lru_cache(maxsize=4096)
def _clean_citation(citation: Citation, names: frozenset[str]) -> Citation:
    whole = Answer(kind="answer", text="", citations=(citation,), written_by="fixed")
    return check_answer(whole, (), names=names).citations[0]
