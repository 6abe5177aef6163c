"""The assistant: a question in, a short answer with its sources out, or an honest "I don't know"."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

from fusionguard.assistant import fixed
from fusionguard.assistant.answering import Answering
from fusionguard.assistant.answers import Answer, Question
from fusionguard.assistant.asked import AskedModel, private_columns, shipped_models
from fusionguard.assistant.audit import AuditEvent, AuditLog
from fusionguard.assistant.conversations import Conversations, Turn
from fusionguard.assistant.followups import stand_alone
from fusionguard.assistant.guard import check_question
from fusionguard.assistant.index import Index, open_index
from fusionguard.assistant.known_models import KnownModels, served_release
from fusionguard.assistant.names import read_names
from fusionguard.assistant.page import Piece
from fusionguard.assistant.redaction import redact
from fusionguard.assistant.routing import route
from fusionguard.assistant.rules import prepare_rules
from fusionguard.assistant.settings import AssistantSettings, language_model
from fusionguard.assistant.tools.every import open_tools
from fusionguard.assistant.tools.toolbox import Toolbox, ToolCall
from fusionguard.assistant.writer import Writer
from fusionguard.home import Home
from fusionguard.serving.request_ids import RequestIds

__all__ = ["Assistant", "Piece"]


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
    names
        Customers' names that are known, and taken out of questions and answers.
    models
        Which models can be asked now.
    """

    def __init__(
        self,
        index: Index,
        settings: AssistantSettings,
        tools: Toolbox,
        writer: Writer | None = None,
        audit: AuditLog | None = None,
        names: frozenset[str] = frozenset(),
        models: Callable[[], tuple[AskedModel, ...]] = shipped_models,
    ) -> None:
        self.index, self.settings, self.tools, self.writer, self.audit = index, settings, tools, writer, audit
        self._answering = Answering(index, settings, tools, writer, names)
        self._names, self._models = names, models
        self._conversations = Conversations(settings.conversation_turns, settings.conversations)
        self._ids = RequestIds()

    @classmethod
    def open(cls, home: Home, settings: AssistantSettings, environment: Mapping[str, str] = os.environ) -> Assistant:
        """Open a home's index, tools and audit log, and the language model where the settings name one.

        ``environment`` tells where the scoring service keeps its models and its log (``FUSIONGUARD_SERVE_*``).

        Raises
        ------
        StorageError
            There is no index, or it is damaged.
        UsageError
            The language model's file is not there, or the file of customers' names cannot be read.
        """
        names = read_names(settings.names)
        with ExitStack() as opened:
            index = opened.enter_context(open_index(settings.index or home.assistant_index))
            audit = AuditLog(settings.audit or home.state / "assistant" / "audit")
            prepare_rules()
            redact("", names)  # compiles them
            models = KnownModels(home, served_release(home, environment))
            tools = open_tools(home, models, environment)
            assistant = cls(index, settings, tools, _open_writer(settings), audit, names, models)
            opened.pop_all()  # from here on it is the assistant that closes the index
        return assistant

    def close(self) -> None:
        """End the language model, and give back what the index holds."""
        if self.writer is not None:
            self.writer.close()
        self.index.close()

    def answer(self, question: Question, cancel: threading.Event | None = None, *, request_id: str = "") -> Answer:
        """Answer a question; ``cancel`` stops it."""
        *_, last = self.stream(question, cancel, request_id=request_id)
        assert last.answer is not None
        return last.answer

    def stream(self, question: Question, cancel: threading.Event | None = None, *, request_id: str = "") -> Iterator[Piece]:
        """Answer a question piece by piece, the whole answer last.

        Only text that has been checked is handed on: of an ``answer``, the pieces are its text in the end. The audit log has the
        whole answer before it is handed on, and calls it ``request_id``.
        """
        began = time.monotonic()
        turns = self._conversations.earlier(question.conversation)
        earlier = [turn.asked for turn in turns]
        models = self._models()
        decision = check_question(
            question,
            earlier=earlier,
            names=self._names,
            columns=private_columns(models),
            longest=self.settings.most_question_chars,
        )
        if not decision.allowed:
            self._conversations.remember(question.conversation, Turn(question.text, ""))
            refusal = fixed.refused(decision.message, decision.reason, decision.redacted)
            self._note(question, refusal, request_id, began)
            yield Piece(answer=refusal)
            return
        text = stand_alone(decision.question, [turn.understood for turn in turns if turn.understood], models)
        self._conversations.remember(question.conversation, Turn(question.text, text))
        calls, noted = route(text, models), False
        try:
            for piece in self._answering.stream(text, calls, question.persona, cancel):
                if piece.answer is not None:
                    kinds = tuple(sorted({*piece.answer.redacted, *decision.redacted}))
                    answer = piece.answer.model_copy(update={"redacted": kinds})
                    self._note(question, answer, request_id, began, calls)
                    piece, noted = Piece(answer=answer), True
                yield piece
        finally:
            if not noted:  # nobody reads on until the end, or it failed
                self._note(question, fixed.stopped(), request_id, began, calls)

    def _note(self, question: Question, answer: Answer, request_id: str, began: float, calls: tuple[ToolCall, ...] = ()) -> None:
        if self.audit is None:
            return
        self.audit.record(
            AuditEvent(
                request_id=_loggable(request_id) or self._ids.new(),
                persona=question.persona,
                kind=answer.kind,
                reason=answer.reason,
                tool=calls[0].tool if calls else "",  # a rule calls one tool, if need be for each kind of model
                cited=tuple(citation.passage for citation in answer.citations),
                redacted=answer.redacted,
                milliseconds=round(1000 * (time.monotonic() - began), 3),
                conversation=question.conversation,
            )
        )


def _loggable(request_id: str) -> str:
    """Return a client's id as the audit log takes it: what it does not take becomes a dash."""
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._:/#-]", "-", request_id).lstrip("-")[:80]


def _open_writer(settings: AssistantSettings) -> Writer | None:
    model = language_model(settings)
    if model is None:
        return None
    from fusionguard.assistant.llm.process import LlamaProcess

    writer = LlamaProcess(model, settings)
    writer.start()
    return writer
