"""The bounded pool that answers: one that hangs starves nobody, too many are told so, and what nobody waits for stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fusionguard.assistant.answers import Answer, Question
from fusionguard.assistant.assistant import Piece
from fusionguard.assistant.http.answering import Answering
from fusionguard.assistant.http.metrics import AssistantMetrics
from fusionguard.assistant.http.settings import ConsoleSettings
from fusionguard.errors import StorageError
from fusionguard.home import Home
from fusionguard.serving.problems import ProblemError

DONE = Answer(kind="answer", text="Done.", written_by="extract")


class Scripted:
    """Answers at once, or hangs until it is told to stop."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def stream(self, question: Question, cancel: threading.Event, *, request_id: str) -> Iterator[Piece]:
        if question.text == "hang":
            cancel.wait(30)
            self.stopped.set()
        if question.text == "disk":
            raise StorageError("The index is damaged.", "Make it anew.")
        if question.text == "bug":
            raise ZeroDivisionError
        yield Piece(text="Done.")
        yield Piece(answer=DONE)

    def close(self) -> None:
        """Nothing is open."""


def run(test: Any, **settings: Any) -> None:
    async def main() -> None:
        scripted, metrics = Scripted(), AssistantMetrics(Home(Path("nowhere")))
        answering = Answering(scripted, ConsoleSettings(**settings), metrics)  # type: ignore[arg-type]
        try:
            await test(answering, scripted)
        finally:
            await answering.stop()

    asyncio.run(main())


def ask(answering: Answering, text: str) -> Any:
    return answering.begin(Question(text=text), text)


def test_one_that_hangs_is_given_up_and_others_go_on() -> None:
    async def test(answering: Answering, scripted: Scripted) -> None:
        hanging = asyncio.ensure_future(ask(answering, "hang").answer())
        assert await ask(answering, "quick").answer() == DONE
        with pytest.raises(ProblemError) as refused:
            await hanging
        assert (refused.value.status, refused.value.reason) == (503, "slow_answer")
        assert await asyncio.to_thread(scripted.stopped.wait, 10)

    run(test, answers_at_once=2, answer_seconds=0.5)


def test_too_many_are_told_to_come_back() -> None:
    async def test(answering: Answering, scripted: Scripted) -> None:
        running = [ask(answering, "hang") for _ in range(3)]
        with pytest.raises(ProblemError) as refused:
            ask(answering, "one more")
        assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "2"})
        for each in running:
            each.cancel.set()
        assert [await each.answer() for each in running] == [DONE] * 3
        await asyncio.sleep(0.1)
        assert await ask(answering, "one more").answer() == DONE

    run(test, answers_at_once=1, answers_waiting=2)


def test_what_nobody_waits_for_stops() -> None:
    async def test(answering: Answering, scripted: Scripted) -> None:
        waiting = asyncio.ensure_future(ask(answering, "hang").answer())
        await asyncio.sleep(0.1)
        waiting.cancel()
        assert await asyncio.to_thread(scripted.stopped.wait, 10)

    run(test)


@pytest.mark.parametrize(("text", "status", "reason"), [("disk", 503, "unreadable"), ("bug", 500, "bug")])
def test_what_fails_is_a_refusal(text: str, status: int, reason: str) -> None:
    async def test(answering: Answering, scripted: Scripted) -> None:
        with pytest.raises(ProblemError) as refused:
            await ask(answering, text).answer()
        assert (refused.value.status, refused.value.reason) == (status, reason)
        assert text not in answering.remembered

    run(test)
