"""Answers questions in threads of their own: so many at once, so many waiting, each within its time; what is over is told."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

from fusionguard.assistant.answers import Answer, Question
from fusionguard.assistant.assistant import Assistant, Piece
from fusionguard.assistant.http.metrics import AssistantMetrics
from fusionguard.assistant.http.settings import ConsoleSettings
from fusionguard.errors import FusionGuardError
from fusionguard.serving.asgi import BUG, report_bug
from fusionguard.serving.problems import ProblemError

REMEMBERED = 10_000
"""Answers that feedback is taken for: the latest ones."""

_log = logging.getLogger(__name__)


class Answering:
    """What routes and the console ask; used on the event loop alone.

    A thread that hangs in a language model is lost until that gives up, and takes one of ``answers_at_once`` with it; the others
    go on, and health, metrics and pages need none of them.
    """

    def __init__(self, assistant: Assistant, settings: ConsoleSettings, metrics: AssistantMetrics) -> None:
        self.assistant = assistant
        self.remembered: OrderedDict[str, Answer] = OrderedDict()
        """The latest answers by their request's id, without their text."""
        self._settings, self._metrics = settings, metrics
        self._threads = ThreadPoolExecutor(settings.answers_at_once, "answers")
        self._open = 0

    async def stop(self) -> None:
        """Let the answers at work end."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        await asyncio.to_thread(self.assistant.close)

    def begin(self, question: Question, request_id: str) -> Running:
        """Ask a question; raises :class:`ProblemError` (503 with Retry-After) where too many wait."""
        if self._open >= self._settings.answers_at_once + self._settings.answers_waiting:
            self._metrics.failed("busy")
            raise ProblemError(503, "busy", "Too many questions wait for their answer.", headers={"retry-after": "2"})
        self._count(1)
        return Running(self, question, request_id, self._settings.answer_seconds)

    def start(self, running: Running) -> None:
        """Hand a question to the threads."""
        loop = asyncio.get_running_loop()

        def work() -> None:
            try:
                for piece in self.assistant.stream(running.question, running.cancel, request_id=running.request_id):
                    loop.call_soon_threadsafe(running.queue.put_nowait, piece)
            except BaseException as error:  # told to whoever waits, in the words of a refusal
                loop.call_soon_threadsafe(running.queue.put_nowait, error)

        self._threads.submit(work).add_done_callback(lambda done: loop.call_soon_threadsafe(self._count, -1))

    def note(self, running: Running, answer: Answer) -> None:
        """Count an answer, and remember that it was given."""
        self._metrics.answered(answer, time.perf_counter() - running.began)
        self.remembered[running.request_id] = answer.model_copy(update={"text": "", "citations": ()})
        while len(self.remembered) > REMEMBERED:
            self.remembered.popitem(last=False)

    def give_up(self, reason: str) -> None:
        """Count a question without an answer."""
        self._metrics.failed(reason)

    def _count(self, change: int) -> None:
        self._open += change
        self._metrics.open_questions(self._open)


class Running:
    """A question that has been asked."""

    def __init__(self, answering: Answering, question: Question, request_id: str, seconds: float) -> None:
        self.question, self.request_id, self.began = question, request_id, time.perf_counter()
        self.cancel = threading.Event()
        self.queue: asyncio.Queue[Piece | BaseException] = asyncio.Queue()
        self._answering, self._seconds = answering, seconds
        answering.start(self)

    async def answer(self) -> Answer:
        """Return the whole answer; raises as :meth:`pieces` does."""
        async for piece in self.pieces():
            if piece.answer is not None:
                return piece.answer
        raise AssertionError("no piece holds the answer")

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Hand on pieces as they come, the whole answer last; closing it stops the answer.

        Raises
        ------
        ProblemError
            The answer takes too long, or what the assistant reads fails (503); or it has a bug (500).
        """
        until = self.began + self._seconds
        try:
            while True:
                try:
                    piece = await asyncio.wait_for(self.queue.get(), max(0.0, until - time.perf_counter()))
                except TimeoutError:
                    detail = f"There was no answer within {self._seconds:g} seconds."
                    raise self._given_up(503, "slow_answer", detail) from None
                if isinstance(piece, FusionGuardError):
                    _log.error("A question could not be answered: %s", piece)
                    detail = "What the assistant answers from cannot be read now; the service's log says why."
                    raise self._given_up(503, "unreadable", detail)
                if isinstance(piece, Exception):
                    report_bug("assist", piece)
                    self._answering.give_up(BUG.reason)
                    raise BUG
                if isinstance(piece, BaseException):
                    raise piece
                if piece.answer is not None:
                    self._answering.note(self, piece.answer)
                yield piece
                if piece.answer is not None:
                    return
        finally:
            self.cancel.set()

    def _given_up(self, status: int, reason: str, detail: str) -> ProblemError:
        self._answering.give_up(reason)
        return ProblemError(status, reason, detail, headers={"retry-after": "5"})
