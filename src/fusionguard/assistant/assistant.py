"""The assistant: a question in, a short answer with its sources out, or an honest "I don't know"."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from fusionguard.assistant import fixed
from fusionguard.assistant.answers import Answer, Persona, Question
from fusionguard.assistant.citing import CitationList
from fusionguard.assistant.conversations import Conversations
from fusionguard.assistant.extract import Quoted, extract
from fusionguard.assistant.followups import stand_alone
from fusionguard.assistant.index import Index, is_supported, open_index
from fusionguard.assistant.layout import Layout, Line
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.assistant.tools.toolbox import Toolbox
from fusionguard.assistant.writer import Writer
from fusionguard.home import Home

_SIMULATED = re.compile(r"\bSIMULATED\b|\bsimulated data\b")


class Piece(BaseModel):
    """What a stream hands on: more of the text, or at the end the whole answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    answer: Answer | None = None


class Assistant:
    """Answers questions; many threads may ask at once.

    Parameters
    ----------
    index
        Where passages are searched.
    settings
        Its limits.
    tools
        What it may call.
    writer
        A language model; None quotes.
    audit
        Where questions and answers are noted without personal data; None notes nothing.
    """

    def __init__(
        self,
        index: Index,
        settings: AssistantSettings,
        tools: Toolbox,
        writer: Writer | None = None,
        audit: object | None = None,
    ) -> None:
        self.index, self.settings, self.tools, self.writer, self.audit = index, settings, tools, writer, audit
        self._conversations = Conversations(settings.conversation_turns, settings.conversations)

    @classmethod
    def open(cls, home: Home, settings: AssistantSettings, environment: Mapping[str, str] = os.environ) -> Assistant:
        """Open a home's index and tools, and the language model where the settings name one.

        Raises
        ------
        StorageError
            There is no index, or it is damaged.
        UsageError
            A setting is not what it must be.
        """
        index = open_index(settings.index or home.assistant_index)
        return cls(index, settings, Toolbox(()))

    def close(self) -> None:
        """End the language model, and give back what the index holds."""
        if self.writer is not None:
            self.writer.close()
        self.index.close()

    def answer(self, question: Question, cancel: threading.Event | None = None) -> Answer:
        """Answer a question; ``cancel`` stops it."""
        *_, last = self.stream(question, cancel)
        assert last.answer is not None
        return last.answer

    def stream(self, question: Question, cancel: threading.Event | None = None) -> Iterator[Piece]:
        """Answer a question piece by piece, the whole answer last.

        Only text that has been checked is handed on: of an ``answer``, the pieces are its text in the end.
        """
        earlier = self._conversations.earlier(question.conversation)
        text = stand_alone(question.text.strip(), earlier)
        self._conversations.remember(question.conversation, text)
        if cancel is not None and cancel.is_set():
            yield Piece(answer=fixed.stopped())
            return
        retrieval = self.index.search(text, limit=self.settings.passages)
        passages = [found.passage for found in retrieval.found]
        quoted = extract(text, passages, question.persona) if is_supported(retrieval) else ()
        if not quoted:
            yield Piece(answer=fixed.unknown(retrieval, [tool.about for tool in self.tools.tools]))
            return
        citations, layout = CitationList(), Layout()
        for line in _quoted_lines(quoted, passages, citations, question.persona):
            yield Piece(text=layout.add(line))
        yield Piece(
            answer=Answer(
                kind="answer",
                text=layout.text,
                citations=citations.citations,
                written_by="extract",
                support=retrieval.support,
                simulated=any(_SIMULATED.search(citation.text) for citation in citations.citations),
            )
        )


def _quoted_lines(
    quoted: tuple[Quoted, ...], passages: list[Passage], citations: CitationList, persona: Persona
) -> Iterator[Line]:
    """Give quotes as lines with their citations."""
    last = None
    for quote in quoted:
        number = citations.cite(passages[quote.passage])
        listed = quote.kind != "sentence" and persona is not Persona.EXECUTIVE
        yield Line(quote.text, (number,), listed=listed, opens_paragraph=last not in (None, quote.passage))
        last = quote.passage
