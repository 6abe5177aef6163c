"""The assistant's routes: ask, see what it knows, rate an answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import orjson

from fusionguard.assistant.answers import Answer, Persona, Question
from fusionguard.assistant.http.answering import Answering, Running
from fusionguard.assistant.http.bodies import FEEDBACK_BODY, question_body, read_body
from fusionguard.assistant.http.feedback import Thumb, keep_feedback
from fusionguard.assistant.http.metrics import AssistantMetrics
from fusionguard.assistant.http.sources import list_sources
from fusionguard.assistant.kept_lines import KeptLines
from fusionguard.errors import StorageError
from fusionguard.serving.http import ClientGoneError, Request, Response, StreamedResponse, json_response
from fusionguard.serving.problems import ProblemError

NDJSON = "application/x-ndjson"

_Result = TypeVar("_Result")


class AssistantRoutes:
    """What answers under ``/v1``."""

    def __init__(self, answering: Answering, feedback: Path, metrics: AssistantMetrics) -> None:
        self._answering, self._feedback, self._metrics = answering, KeptLines(feedback), metrics
        self._question = question_body(answering.assistant.settings.most_question_chars)

    async def assist(self, request: Request) -> Response | StreamedResponse:
        """Answer a question, whole or line by line; a client that leaves stops its answer."""
        given = await read_body(request, self._question)
        conversation = f"{_owner(request)}.{given['conversation']}" if "conversation" in given else ""
        persona = Persona(given.get("persona", Persona.ANALYST))
        question = Question(text=given["question"], persona=persona, conversation=conversation)
        running = self._answering.begin(question, request.id)
        if given.get("stream", False):
            return StreamedResponse(200, _lines(running, request), NDJSON)
        answer = await _unless_gone(running.answer(), request.receive)
        return json_response(told(answer, request.id))

    async def sources(self, request: Request) -> Response:
        """Tell what the index holds."""
        try:
            files = await asyncio.to_thread(list_sources, self._answering.assistant.index)
        except StorageError:
            detail = "What the assistant knows cannot be read now."
            raise ProblemError(503, "unreadable", detail, headers={"retry-after": "5"}) from None
        passages = sum(each["passages"] for each in files)
        return json_response({"request_id": request.id, "passages": passages, "files": files})

    async def feedback(self, request: Request) -> Response:
        """Keep a thumb."""
        given = await read_body(request, FEEDBACK_BODY)
        await self.rate(given["request_id"], given["thumb"])
        return json_response({"request_id": request.id, "stored": True})

    async def rate(self, answered: str, thumb: Thumb) -> None:
        """Keep a thumb for an answer; raises :class:`ProblemError` for one that is unknown (404), or a full disk (503)."""
        answer = self._answering.remembered.get(answered)
        if answer is None:
            raise ProblemError(404, "no_answer", "No recent answer has this request id.")
        try:
            await asyncio.to_thread(keep_feedback, self._feedback, answered, thumb, answer)
        except StorageError:
            detail = "Feedback cannot be stored now; nothing was stored."
            raise ProblemError(503, "storage", detail, headers={"retry-after": "5"}) from None
        self._metrics.thumb(thumb)


def told(answer: Answer, request_id: str) -> dict[str, Any]:
    """Return an answer as it is sent."""
    return {"request_id": request_id} | answer.model_dump(mode="json")


def _owner(request: Request) -> str:
    """Return what tells the conversations of one key from those of another."""
    given = request.headers.get(b"x-api-key", b"") + request.headers.get(b"authorization", b"")
    return hashlib.sha256(given).hexdigest()[:16]


async def _lines(running: Running, request: Request) -> AsyncGenerator[bytes, None]:
    gone = asyncio.ensure_future(_stop_when_gone(running, request.receive))
    try:
        async for piece in running.pieces():
            if piece.text:
                yield orjson.dumps({"text": piece.text}) + b"\n"
            if piece.answer is not None:
                yield orjson.dumps({"answer": told(piece.answer, request.id)}) + b"\n"
    except ProblemError as problem:
        yield orjson.dumps({"problem": problem.content(request.id)}) + b"\n"
    finally:
        gone.cancel()


async def _stop_when_gone(running: Running, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    await receive()
    running.cancel.set()


async def _unless_gone(result: Awaitable[_Result], receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> _Result:
    """Wait for a result; raise :class:`ClientGoneError` when nobody waits for it any more."""
    wanted, gone = asyncio.ensure_future(result), asyncio.ensure_future(receive())
    try:
        await asyncio.wait((wanted, gone), return_when=asyncio.FIRST_COMPLETED)
        if not wanted.done():
            raise ClientGoneError
        return wanted.result()
    finally:
        gone.cancel()
        if not wanted.done():
            wanted.cancel()
            with suppress(asyncio.CancelledError):
                await wanted
