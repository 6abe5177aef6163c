"""The console's page as an ASGI application: its tabs, its theme, and Gradio's own life span."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
from fastapi import FastAPI

from fusionguard.assistant.console.chat_tab import ChatTab
from fusionguard.assistant.console.html import pane
from fusionguard.assistant.console.models_tab import ModelsTab
from fusionguard.assistant.console.monitoring_tab import MonitoringTab
from fusionguard.assistant.console.score_tab import ScoreTab
from fusionguard.assistant.console.theme import CSS, make_theme
from fusionguard.assistant.http.answering import Answering
from fusionguard.assistant.http.routes import AssistantRoutes
from fusionguard.assistant.known_models import KnownModels
from fusionguard.families.catalog import family_names
from fusionguard.home import Home
from fusionguard.serving.launch import release_folder

PATH = "/console"
WAITING_EVENTS = 200
"""Clicks that wait for their turn; more are told that the console is busy."""


def make_page(home: Home, answering: Answering, routes: AssistantRoutes) -> gr.Blocks:
    """Put the page together, for the models that can be asked when it is made."""
    asked = KnownModels(home, release_folder(home))()
    with gr.Blocks(title="FusionGuard", analytics_enabled=False) as page:
        pane(_head())
        with gr.Tabs():
            with gr.Tab("Assistant", id="assistant"):
                ChatTab(answering, routes).build()
            with gr.Tab("Monitoring", id="monitoring") as monitoring:
                MonitoringTab(home, asked).build(monitoring)
            with gr.Tab("Models", id="models") as models:
                ModelsTab(home, asked).build(models)
            with gr.Tab("Score", id="score"):
                ScoreTab(home, asked).build()
    page.queue(max_size=WAITING_EVENTS, default_concurrency_limit=8, api_open=False)
    return page


def _head() -> str:
    risks = " and ".join(family_names()).capitalize()
    return f'<div class="fg-head"><h1>FusionGuard</h1><p>{risks} risk: ask, watch, compare, score.</p></div>'


@asynccontextmanager
async def open_console(home: Home, answering: Answering, routes: AssistantRoutes) -> AsyncIterator[Any]:
    """Yield the page's ASGI application, which answers below ``/console``."""
    outer = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    gr.mount_gradio_app(
        outer,
        make_page(home, answering, routes),
        path=PATH,
        server_name="127.0.0.1",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=0,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=make_theme(),
        css=CSS,
    )
    async with outer.router.lifespan_context(outer):
        yield outer
