"""How a question that may be answered becomes an answer: by tools, by quoted passages, or by a model that is checked."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

from fusionguard.assistant import fixed
from fusionguard.assistant.answers import Persona
from fusionguard.assistant.citing import CitationList
from fusionguard.assistant.extract import Quoted, extract, next_step
from fusionguard.assistant.gate_out import canary
from fusionguard.assistant.index import Index, is_supported
from fusionguard.assistant.layout import Line
from fusionguard.assistant.page import Page, Piece, clean_found
from fusionguard.assistant.passages import Found, Passage, Retrieval
from fusionguard.assistant.rewriting import Rewriter, make_prompt, needed_words, stop_when
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.assistant.tools.toolbox import Toolbox, ToolCall
from fusionguard.assistant.writer import Writer, WriterError
from fusionguard.errors import FusionGuardError, RegistryError, SourceError

DOCUMENTED = frozenset({"model_metrics", "compare_models", "monitoring_verdict"})
"""Tools whose questions the documents may answer where nothing has run yet."""


class _Sources(NamedTuple):
    """What was found for a question, cleaned, and the sentences chosen of it."""

    retrieval: Retrieval
    found: tuple[Found, ...]
    quoted: tuple[Quoted, ...]

    @property
    def passages(self) -> list[Passage]:
        return [each.passage for each in self.found]


class Answering:
    """Answers checked questions; see :class:`~fusionguard.assistant.assistant.Assistant` for the parameters."""

    def __init__(
        self,
        index: Index,
        settings: AssistantSettings,
        tools: Toolbox,
        writer: Writer | None,
        names: frozenset[str] = frozenset(),
    ) -> None:
        self._index, self._settings, self._tools, self._writer, self._names = index, settings, tools, writer, names

    def stream(
        self, question: str, calls: Sequence[ToolCall], persona: Persona, cancel: threading.Event | None
    ) -> Iterator[Piece]:
        """Answer piece by piece, the whole answer last."""
        if cancel is not None and cancel.is_set():
            yield Piece(answer=fixed.stopped())
        elif calls:
            yield from self._by_tools(question, calls, persona, cancel)
        else:
            yield from self._by_passages(question, persona, cancel)

    def _by_tools(
        self, question: str, calls: Sequence[ToolCall], persona: Persona, cancel: threading.Event | None
    ) -> Iterator[Piece]:
        page = Page("tool", names=self._names)
        troubles: list[FusionGuardError] = []
        for call in calls:
            try:
                result = self._tools.call(call)
            except FusionGuardError as error:
                troubles.append(error)
                continue
            page.simulated = page.simulated or result.simulated
            number = _cite_tool(page.citations, call, result.source, " ".join(result.sentences(Persona.ANALYST)))
            sentences = result.sentences(persona)
            lines = [Line(sentence, (number,), opens_paragraph=place == 0) for place, sentence in enumerate(sentences)]
            yield from page.add_all(lines)
        if not page.is_empty:
            yield page.whole(support=1.0, reason="partly" if troubles else "")
        elif calls[0].tool in DOCUMENTED and isinstance(troubles[0], RegistryError | SourceError):
            yield from self._by_passages(question, persona, cancel, instead_of=(calls[0], troubles[0]))
        else:
            told = " ".join(dict.fromkeys(error.what for error in troubles))
            yield Piece(answer=fixed.failed(told, troubles[0].remedy, "tool_failed"))

    def _by_passages(
        self,
        question: str,
        persona: Persona,
        cancel: threading.Event | None,
        instead_of: tuple[ToolCall, FusionGuardError] | None = None,
    ) -> Iterator[Piece]:
        """Answer from the index; ``instead_of`` is a tool that has nothing to read, which is said first."""
        retrieval = self._index.search(question, limit=self._settings.passages)
        found = clean_found(retrieval.found)
        quoted = extract(question, [each.passage for each in found], persona) if is_supported(retrieval) else ()
        if not quoted and instead_of is not None:
            yield Piece(answer=fixed.failed(instead_of[1].what, instead_of[1].remedy, "tool_failed"))
            return
        if not quoted:
            cleaned = Retrieval(found=found, support=retrieval.support)
            yield Piece(answer=fixed.unknown(cleaned, self._offers()))
            return
        sources = _Sources(retrieval, found, quoted)
        reason = ""
        if self._writer is not None and instead_of is None:
            page = Page("model", found, self._names)
            reason = yield from self._rewritten(self._writer, question, sources, persona, cancel, page)
            if not page.is_empty:
                yield from page.mark_simulated(simulated_by(found, self._index.passages()))
                yield page.whole(support=retrieval.support, reason=reason)
                return
            if reason == "cancelled":
                yield Piece(answer=fixed.stopped())
                return
        page = Page("extract", found, self._names)
        if instead_of is not None:
            call, error = instead_of
            told = fixed.without_folders(f"{error.what} The documents say:")
            reason = "tool_failed"
            yield from page.add(Line(told, (_cite_tool(page.citations, call, "nothing to read", told),)))
        yield from page.add_all(
            list(_quoted_lines(question, sources, persona, page.citations, opens_paragraph=instead_of is not None))
        )
        if page.is_empty:
            yield Piece(answer=fixed.unknown(None, self._offers(), reason="withheld"))
            return
        yield from page.mark_simulated(simulated_by(found, self._index.passages()))
        yield page.whole(support=retrieval.support, reason=reason)

    def _offers(self) -> list[str]:
        return [tool.about for tool in self._tools.tools]

    def _rewritten(
        self,
        writer: Writer,
        question: str,
        sources: _Sources,
        persona: Persona,
        cancel: threading.Event | None,
        page: Page,
    ) -> Generator[Piece, None, str]:
        """Fill a page with a model's checked sentences; return why it is not all the model had to say, in a word."""
        settings, until = self._settings, time.monotonic() + self._settings.answer_seconds
        rewriter = Rewriter(sources.passages, persona, needed_words(question, sources.quoted))
        try:
            prompt = make_prompt(
                question,
                sources.quoted,
                persona,
                writer=writer,
                context_tokens=settings.context_tokens,
                answer_tokens=settings.answer_tokens,
                until=until,
                mark=canary(),
            )
            page.prompt = prompt.system
            pieces = writer.write(
                prompt.messages(), most_tokens=settings.answer_tokens, seconds=max(0.1, until - time.monotonic()), cancel=cancel
            )
            for checked in rewriter.read(stop_when(cancel, pieces)):
                numbers = tuple(page.citations.cite(sources.passages[place]) for place in checked.passages)
                yield from page.add(Line(checked.text, numbers))
        except WriterError as error:
            return error.reason
        if cancel is not None and cancel.is_set():
            return "cancelled"
        return "" if not page.is_empty else "unsupported"


def _quoted_lines(
    question: str, sources: _Sources, persona: Persona, citations: CitationList, *, opens_paragraph: bool
) -> Iterator[Line]:
    """Give quotes as lines with their citations; who supports customers is told at the end what to do next."""
    last = -1 if opens_paragraph else None
    for quote in sources.quoted:
        number = citations.cite(sources.passages[quote.passage])
        listed = quote.kind != "sentence"
        yield Line(quote.text, (number,), listed=listed, opens_paragraph=last not in (None, quote.passage))
        last = quote.passage
    step = next_step(question, sources.passages, sources.quoted)
    if step is not None and persona is not Persona.EXECUTIVE:
        told = f"What to do next: {step.text}" if persona is Persona.SUPPORT else step.text
        yield Line(
            told, (citations.cite(sources.passages[step.passage]),), listed=persona is Persona.ANALYST, opens_paragraph=True
        )
    elif persona is Persona.SUPPORT:
        passage = sources.passages[sources.quoted[0].passage]
        told = f"What to do next: read '{passage.heading.rpartition(' > ')[2]}' in {passage.file}."
        yield Line(told, (citations.cite(passage),), opens_paragraph=True)


def simulated_by(found: Sequence[Found], passages: Sequence[Passage]) -> dict[str, Passage]:
    """Return, by the id of a passage, the one that says its figures are simulated: itself, or one of a heading above it."""
    marks = {(each.file, each.heading): each for each in passages if _is_marked(each)}
    told: dict[str, Passage] = {}
    for each in found:
        passage, names = each.passage, each.passage.heading.split(" > ")
        if _is_marked(passage):
            told[passage.id] = passage
            continue
        for depth in range(len(names), 0, -1):
            mark = marks.get((passage.file, " > ".join(names[:depth])))
            if mark is not None:
                told[passage.id] = mark
                break
    return told


def _is_marked(passage: Passage) -> bool:
    """Tell whether a passage says so: documents shout it, cards and runs may say it in passing."""
    told = f"{passage.heading} {passage.text}"
    return "SIMULATED" in told or (passage.kind != "document" and "simulated" in told.lower())


def _cite_tool(citations: CitationList, call: ToolCall, source: str, text: str) -> int:
    model = call.arguments.get("model")
    name = f"tool/{call.tool}"
    return citations.add(f"{name}/{model}" if model else name, file=name, heading=call.tool, source=source, text=text)
