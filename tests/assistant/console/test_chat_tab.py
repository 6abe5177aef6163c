"""The tab *Assistant*: an answer that is stopped while a language model writes it breaks off there."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from fusionguard.assistant.console.chat_tab import ChatTab, fitting
from fusionguard.assistant.http.answering import Answering
from fusionguard.assistant.http.console_gate import MOST_BYTES
from fusionguard.assistant.http.metrics import AssistantMetrics
from fusionguard.assistant.http.routes import AssistantRoutes
from fusionguard.assistant.http.settings import ConsoleSettings
from fusionguard.home import Home
from tests.assistant.conftest import Maker, ScriptedWriter

COFFEE = "How is coffee brewed?"
SENTENCE = "Coffee is brewed at 92 degrees for 4 minutes [1]. "


def test_stop_breaks_a_long_answer_off_midway(make_assistant: Maker, tmp_path: Path) -> None:
    writer = ScriptedWriter(SENTENCE + "The grinder is set to step 7 [1]. " + "It is " * 400, pause_seconds=0.02)

    async def main() -> str:
        metrics = AssistantMetrics(Home(tmp_path))
        answering = Answering(make_assistant(writer, answer_seconds=60), ConsoleSettings(), metrics)
        tab = ChatTab(answering, AssistantRoutes(answering, tmp_path / "feedback.jsonl", metrics))
        shown: list[str] = []
        begun = asyncio.Event()

        async def read() -> None:
            async for outputs in tab._ask(COFFEE, [], "analyst", ""):
                shown.append(str(outputs[1][-1]["content"]))
                if "92 degrees" in shown[-1]:
                    begun.set()

        reading = asyncio.ensure_future(read())
        await asyncio.wait_for(begun.wait(), 30)
        reading.cancel()  # what Gradio does with an event that another one cancels
        with suppress(asyncio.CancelledError):
            await reading
        written = writer.words_written
        await answering.stop()  # waits for the thread: it ends for it was told to, not for it was done
        assert writer.words_written <= written + 5
        return shown[-1]

    last = asyncio.run(main())
    assert writer.words_written < 100, "of more than 800"
    assert "92 degrees" in last and "checked against" not in last


def test_a_chat_that_has_grown_long_loses_its_oldest_questions() -> None:
    turns = [{"role": role, "content": f"{number} " + "ü" * 2_000} for number in range(100) for role in ("user", "assistant")]
    left = fitting(turns)
    assert left == turns[-len(left) :]
    assert left[0]["role"] == "user"
    assert 100_000 < len(json.dumps(left, ensure_ascii=False).encode()) <= MOST_BYTES / 2
    assert fitting(turns[:4]) == turns[:4]
    huge = [{"role": "user", "content": "x" * 200_000}, {"role": "assistant", "content": "…"}]
    assert fitting(huge) == huge, "the question that is asked now stays"
