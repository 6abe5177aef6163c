"""The card as one HTML file that needs no network: styles and images are inside."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from markdown_it import MarkdownIt

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #26323d; font: 16px/1.55 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { margin-top: 2.4rem; padding-bottom: .3rem; border-bottom: 1px solid #dde3e8; font-size: 1.3rem; }
blockquote { margin: 1.5rem 0; padding: .8rem 1rem; border-left: 5px solid #c8553d; background: #fbeeea; }
blockquote p { margin: 0; }
p, li { max-width: 54rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem; border-bottom: 1px solid #e8ecf0; text-align: left; vertical-align: top; }
th { background: #f5f7f9; }
code { font: .85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { padding: .9rem 1rem; background: #f5f7f9; overflow-x: auto; }
img { display: block; max-width: min(100%, 54rem); height: auto; margin: 1.2rem 0; }
"""


def card_html(markdown: str, plots: Mapping[str, bytes]) -> str:
    """Render a card.

    Parameters
    ----------
    markdown
        The text of :func:`model_card`. HTML in it is shown as text, never run.
    plots
        PNG bytes by name. An image ``.../NAME.png`` of the text is put in its place; plots the text does not show come last.
    """
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = renderer.render(markdown)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    shown: set[str] = set()

    def inline(found: re.Match[str]) -> str:
        name = PurePosixPath(found["source"]).stem
        if name not in plots:
            return found[0]
        shown.add(name)
        return f'<img src="{_data_uri(plots[name])}"'

    body = re.sub(r'<img src="(?P<source>[^"]*)"', inline, body)
    rest = [name for name in plots if name not in shown]
    if rest:
        images = (f'<img src="{_data_uri(plots[name])}" alt="{html.escape(name.replace("_", " "))}">' for name in rest)
        body += "<h2>Plots</h2>\n" + "\n".join(images) + "\n"
    title = markdown.partition("\n")[0].lstrip("# ").strip()
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
