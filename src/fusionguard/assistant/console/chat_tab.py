"""The tab *Assistant*: a chat whose answers come with the passages they rest on."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncGenerator
from html import escape
from typing import Any

import gradio as gr

from fusionguard.assistant.answers import Answer, Citation, Persona, Question
from fusionguard.assistant.console.html import markdown, note, pane, plain, shown
from fusionguard.assistant.fixed import DISCLOSURE
from fusionguard.assistant.http.answering import Answering
from fusionguard.assistant.http.console_gate import MOST_BYTES
from fusionguard.assistant.http.feedback import Thumb
from fusionguard.assistant.http.routes import AssistantRoutes
from fusionguard.serving.problems import ProblemError

EXAMPLES = ("What does PSI mean?", "How do I start the scoring service?", "What happens when a data check fails?")
_PERSONAS = {
    "Analyst: in full": Persona.ANALYST.value,
    "Executive: the short of it": Persona.EXECUTIVE.value,
    "Support: step by step": Persona.SUPPORT.value,
}
_NO_SOURCES = '<p class="fg-muted">The passages an answer rests on appear here. Open one to read it.</p>'
_KINDS = {"unknown": "No answer was found", "refused": "Not answered"}

_MOST_CHAT_BYTES = MOST_BYTES // 2
"""Half of what the console takes in one request."""

_COMMAND = re.compile(r"^- `([^`\n]+)`(?:: ([^\[\n]+?))? ((?:\[\d+\])+)$", re.MULTILINE)

Turn = dict[str, Any]


class ChatTab:
    """The chat and what happens in it."""

    def __init__(self, answering: Answering, routes: AssistantRoutes) -> None:
        self._answering, self._routes = answering, routes

    def build(self) -> None:
        """Put the tab together; call it within the page's blocks."""
        pane(note(DISCLOSURE))
        last = gr.State("")
        conversation = gr.State("")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                chat = gr.Chatbot(
                    label="Conversation",
                    show_label=False,
                    autoscroll=True,
                    height=480,
                    buttons=[],
                    latex_delimiters=[],
                    feedback_options=None,
                    allow_tags=False,
                    placeholder="Ask about the documents, the models and the latest runs.",
                    elem_id="chat",
                )
                with gr.Row(elem_classes="fg-thumbs"):
                    up = gr.Button("Helpful", size="sm", elem_id="thumb-up", scale=0, min_width=90, interactive=False)
                    down = gr.Button("Not helpful", size="sm", elem_id="thumb-down", scale=0, min_width=90, interactive=False)
                said = pane("", elem_id="feedback-said")
                question = gr.Textbox(
                    label="Your question", placeholder="What does PSI mean?", lines=1, max_lines=6, elem_id="question"
                )
                with gr.Row():
                    ask = gr.Button("Ask", variant="primary", elem_id="ask", min_width=90)
                    stop = gr.Button("Stop", elem_id="stop", min_width=90)
                    clear = gr.Button("New conversation", elem_id="clear", min_width=90)
            with gr.Column(scale=2, min_width=300):
                persona = gr.Radio(
                    list(_PERSONAS.items()), value=Persona.ANALYST.value, label="Write for", elem_id="persona", container=False
                )
                pane('<h3 class="fg-h">For example</h3>')
                examples = [gr.Button(text, size="sm", elem_classes="fg-example") for text in EXAMPLES]
                sources = pane(_sources(()), elem_id="sources")

        inputs = [question, chat, persona, conversation]
        outputs = [question, chat, conversation, last, sources, up, down, said]
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asking = [
            event(self._ask, inputs, outputs, concurrency_limit=20, concurrency_id="chat", **private)
            for event in (ask.click, question.submit)
        ]
        for button in examples:
            asking.append(
                button.click(lambda text=button.value: text, None, question, **private).then(
                    self._ask, inputs, outputs, concurrency_limit=20, concurrency_id="chat", **private
                )
            )
        stop.click(_stopped, chat, chat, cancels=asking, queue=True, **private)
        clear.click(_clear, None, outputs, cancels=asking, **private)
        up.click(self._thumb_up, last, [up, down, said], **private)
        down.click(self._thumb_down, last, [up, down, said], **private)

    async def _ask(self, text: str, chat: list[Turn], persona: str, conversation: str) -> AsyncGenerator[tuple[Any, ...], None]:
        """Add the question and, as they come, the checked pieces of its answer."""
        off = gr.update(interactive=False)
        text = (text or "").strip()
        if not text:
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), "Type a question first."
            return
        conversation = conversation or secrets.token_hex(8)
        chat = fitting([*chat, {"role": "user", "content": plain(text)}, {"role": "assistant", "content": "…"}])
        yield "", chat, conversation, "", _sources(()), off, off, ""
        most = self._answering.assistant.settings.most_question_chars
        if len(text) > most:
            chat[-1]["content"] = f"A question may have {most:,} characters; this one has {len(text):,}. Shorten it, please."
            yield "", chat, conversation, "", _sources(()), off, off, ""
            return
        request_id, so_far = f"console-{secrets.token_hex(8)}", ""
        try:
            question = Question(text=text, persona=Persona(persona), conversation=f"console.{conversation}")
            async for piece in self._answering.begin(question, request_id).pieces():
                so_far += piece.text
                if piece.answer is None:
                    chat[-1]["content"] = shown(markdown(commands_as_blocks(so_far)))
                    yield "", chat, conversation, "", gr.skip(), off, off, ""
                else:
                    chat[-1]["content"] = shown(markdown(_shown(piece.answer)))
                    on = gr.update(interactive=True)
                    yield "", chat, conversation, request_id, _sources(piece.answer.citations), on, on, ""
        except ProblemError as problem:
            chat[-1]["content"] = f"{problem.detail} Try again in a moment."
            yield "", chat, conversation, "", _sources(()), off, off, ""

    async def _thumb_up(self, last: str) -> tuple[Any, Any, str]:
        return await self._rate(last, "up")

    async def _thumb_down(self, last: str) -> tuple[Any, Any, str]:
        return await self._rate(last, "down")

    async def _rate(self, last: str, thumb: Thumb) -> tuple[Any, Any, str]:
        off = gr.update(interactive=False)
        try:
            await self._routes.rate(last, thumb)
        except ProblemError as problem:
            return gr.skip(), gr.skip(), f'<p class="fg-muted">{escape(problem.detail)}</p>'
        return off, off, '<p class="fg-muted" role="status">Thank you. The thumb is kept, the question is not.</p>'


def fitting(chat: list[Turn]) -> list[Turn]:
    """Return a chat without its oldest questions where it has grown long: the page sends all of it with each question."""
    while len(chat) > 2 and len(json.dumps(chat, ensure_ascii=False).encode()) > _MOST_CHAT_BYTES:
        chat = chat[2:]
    return chat


def _stopped(chat: list[Turn]) -> list[Turn]:
    """Say that an answer was broken off, where one was being written."""
    if chat and chat[-1]["role"] == "assistant" and _text(chat[-1]) == "…":
        chat[-1]["content"] = "Stopped."
    return chat


def _text(turn: Turn) -> str:
    content = turn["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _clear() -> tuple[Any, ...]:
    off = gr.update(interactive=False)
    return "", [], "", "", _sources(()), off, off, ""


def _shown(answer: Answer) -> str:
    """Return an answer as the chat shows it: what it is comes before it where it is none, and after it what to know of it."""
    lead = f"**{_KINDS[answer.kind]}.** " if answer.kind in _KINDS else ""
    remarks = []
    if answer.simulated:
        remarks.append("Numbers from SIMULATED data: they say nothing about real customers.")
    if answer.redacted:
        remarks.append(f"Personal data was taken out: {', '.join(answer.redacted)}.")
    if answer.kind == "answer":
        by = {"extract": "Quoted from the sources", "model": "Written by a language model and checked against the sources"}
        remarks.append(by.get(answer.written_by, "Read by a tool") + ".")
    return lead + commands_as_blocks(answer.text) + (f"\n\n*{' '.join(remarks)}*" if remarks else "")


def commands_as_blocks(text: str) -> str:
    """Show commands that stand alone as blocks of code, each with what it is for and its source below."""
    return _COMMAND.sub(_block, text)


def _block(match: re.Match[str]) -> str:
    command, about, cites = match.groups()
    if " " not in command:
        return match.group()  # a name, not a command
    return f"\n```sh\n{command}\n```\n\n{f'{about} ' if about else ''}{cites}\n"


def _sources(citations: tuple[Citation, ...]) -> str:
    parts = [
        f"<details><summary><b>[{each.number}]</b> {escape(each.heading.replace(' > ', ' › '))}"
        f"<small>{escape(each.file)} · {escape(each.source)}</small></summary>"
        f'<div class="fg-passage">{markdown(each.text)}</div></details>'
        for each in citations
    ]
    return shown(f'<div class="fg-sources"><h3>Sources</h3>{"".join(parts) or _NO_SOURCES}</div>')
