"""The assistant's service: its routes, and the console beside them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from fusionguard.assistant.assistant import Assistant
from fusionguard.assistant.console.app import open_console
from fusionguard.assistant.http.answering import Answering
from fusionguard.assistant.http.console_gate import CONSOLE, ConsoleGate
from fusionguard.assistant.http.feedback import feedback_file
from fusionguard.assistant.http.metrics import AssistantMetrics
from fusionguard.assistant.http.openapi import describe_assistant
from fusionguard.assistant.http.routes import AssistantRoutes
from fusionguard.assistant.http.settings import ConsoleSettings, limits
from fusionguard.assistant.settings import AssistantSettings
from fusionguard.home import Home
from fusionguard.serving.asgi import PROBES, GuardedApp, Route, docs_page, fixed
from fusionguard.serving.client_schema import client_schema
from fusionguard.serving.guard import Guard
from fusionguard.serving.http import Receive, Request, Response, Scope, Send, json_response
from fusionguard.serving.request_metrics import CONTENT_TYPE

CLICKS_PER_SECOND = 20.0
"""What each key may do in the console; a page that opens asks for several things at once."""


class AssistantApp(GuardedApp):
    """The ASGI application; :meth:`start` it before the first request and :meth:`stop` it after the last."""

    def __init__(self, home: Home, settings: AssistantSettings, console: ConsoleSettings) -> None:
        self.metrics = AssistantMetrics(home)
        super().__init__(Guard(limits(settings)), self.metrics, console.body_seconds)
        self._home, self._settings, self._console_settings = home, settings, console
        at_least = max(CLICKS_PER_SECOND, settings.requests_per_second)
        self._console_guard = Guard(replace(limits(settings), requests_per_second=at_least))
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Open the index, the language model and the console; raises :class:`FusionGuardError` for what cannot be opened."""
        assistant = await asyncio.to_thread(Assistant.open, self._home, self._settings)
        self._answering = Answering(assistant, self._console_settings, self.metrics)
        routes = AssistantRoutes(self._answering, feedback_file(self._home), self.metrics)
        page = await self._stack.enter_async_context(open_console(self._home, self._answering, routes))
        self._gate = ConsoleGate(page, self._console_guard, self.metrics, self._console_settings.body_seconds)
        document = describe_assistant(self._settings.most_question_chars)
        to_console = Response(307, b"", headers=((b"location", f"{CONSOLE}/".encode()),))
        alive = Route({"GET": fixed(json_response({"status": "ok"}))}, open_to_all=True)
        self._routes = dict.fromkeys(PROBES, alive) | {
            "/": Route({"GET": fixed(to_console)}, open_to_all=True),
            "/metrics": Route({"GET": self._tell_metrics}),
            "/v1/assist": Route({"POST": routes.assist}),
            "/v1/sources": Route({"GET": routes.sources}),
            "/v1/feedback": Route({"POST": routes.feedback}),
            "/openapi.json": Route({"GET": fixed(json_response(document))}),
            "/schema.json": Route({"GET": fixed(json_response(client_schema("Assistant", document)))}),
            "/docs": Route({"GET": fixed(docs_page(document))}),
        }

    async def stop(self) -> None:
        """End the answers at work, and the console."""
        await self._answering.stop()
        await self._stack.aclose()

    def reload(self) -> None:
        """Read the keys anew; raises :class:`UsageError`, and keeps those there are, where they cannot be read."""
        for guard in (self.guard, self._console_guard):
            guard.reload()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: the console's own go to it, through its gate."""
        if scope["path"].startswith(CONSOLE):
            await self._gate(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _tell_metrics(self, request: Request) -> Response:
        assistant = self._answering.assistant
        writer = assistant.writer
        self.metrics.writer("extract" if writer is None else "model down" if writer.trouble else "model")
        if assistant.audit is not None:
            self.metrics.audit_lost(assistant.audit.lost)
        return Response(200, await asyncio.to_thread(self.metrics.text), CONTENT_TYPE)
