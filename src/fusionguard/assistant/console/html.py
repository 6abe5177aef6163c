"""Pieces of HTML: everything that comes from a file or a person is escaped here, pictures are part of the page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape

import gradio as gr
from markdown_it import MarkdownIt

_STATES = {"healthy": "healthy", "watch": "watch", "act": "act"}


def pane(content: str, elem_id: str | None = None) -> gr.Markdown:
    """Return a component that shows HTML; Gradio's own for that evaluates strings as scripts, which the page's policy forbids."""
    return gr.Markdown(shown(content), elem_id=elem_id, sanitize_html=False, latex_delimiters=[], container=False)


def shown(content: str) -> str:
    """Return HTML as one line: such a line Markdown hands on as it is."""
    return content.replace("\n", "&#10;")


def markdown(text: str) -> str:
    """Return Markdown as HTML: HTML in it is shown, not used; pictures are left out, and of links their text stays."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    return re.sub(r"</?a\b[^>]*>", "", str(reader.render(text)))


def plain(text: str) -> str:
    """Return a text as HTML that shows it as it is."""
    return f"<p>{'<br>'.join(escape(line) for line in text.splitlines())}</p>"


def badge(state: str) -> str:
    """Return a state of a verdict, or a finding's level, in its colour."""
    return f'<span class="fg-badge fg-{_STATES.get(state, "none")}">{escape(state)}</span>'


def tiles(facts: Iterable[tuple[str, str, str]]) -> str:
    """Return facts side by side: what it is, its value (HTML), a remark."""
    inner = []
    for name, value, remark in facts:
        small = f"<small>{escape(remark)}</small>" if remark else ""
        inner.append(f'<div class="fg-tile"><span>{escape(name)}</span><b>{value}</b>{small}</div>')
    return f'<div class="fg-tiles">{"".join(inner)}</div>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()) -> str:
    """Return a table of cells that are HTML already; the columns ``numbers`` are aligned right."""
    right = set(numbers)
    mark = [' class="n"' if place in right else "" for place in range(len(heads))]
    head = "".join(f'<th scope="col"{mark[place]}>{escape(name)}</th>' for place, name in enumerate(heads))
    body = "".join("<tr>" + "".join(f"<td{mark[place]}>{cell}</td>" for place, cell in enumerate(row)) + "</tr>" for row in rows)
    return f'<div class="fg-scroll"><table class="fg-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def picture(image: bytes, alt: str) -> str:
    """Return a PNG as part of the page."""
    source = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    return f'<figure class="fg-plot"><img alt="{escape(alt)}" src="{source}"></figure>'


def empty(what: str, command: str) -> str:
    """Say that there is nothing yet, and the command that changes that."""
    return f'<div class="fg-empty">{escape(what)}: <code>{escape(command)}</code></div>'


def warning(text: str) -> str:
    """Say what must not be overlooked."""
    return f'<div class="fg-warn" role="note">{escape(text)}</div>'


def note(text: str) -> str:
    """Say what is good to know."""
    return f'<div class="fg-note" role="note">{escape(text)}</div>'
