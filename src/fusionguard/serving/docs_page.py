"""The description as one page: no script, nothing from elsewhere, so it works offline and needs no trust."""

from __future__ import annotations

import json
from html import escape
from typing import Any

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}code,pre{font:14px/1.45 ui-monospace,monospace}
pre{background:#f4f5f7;padding:.8rem;overflow:auto;border-radius:4px}summary{cursor:pointer;padding:.5rem 0}
summary:focus-visible{outline:2px solid #0550ae}.m{display:inline-block;min-width:3.5rem;font-weight:700}
table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}
details{border-top:1px solid #d0d4da}"""


def render_docs(document: dict[str, Any]) -> str:
    """Return an OpenAPI document as HTML."""
    info = document["info"]
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(parts)}" for tag, parts in groups.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body><h1>{escape(info['title'])} "
        f'{escape(info["version"])}</h1><p>{escape(info["description"])}</p><p><a href="/openapi.json">openapi.json</a></p>'
        f"{body}</body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [
        f"<details><summary><span class=m>{method.upper()}</span> <code>{escape(path)}</code> {escape(operation['summary'])}"
    ]
    parts.append("</summary>")
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        parts.append(f"<p><code>{escape(kind)}</code></p>")
        parts += [_example(example["value"]) for example in body.get("examples", {}).values()]
    parts.append("<table><tr><th>Status</th><th>Meaning</th></tr>")
    for status, response in operation["responses"].items():
        parts.append(f"<tr><td>{status}</td><td>{escape(response['description'])}</td></tr>")
    parts.append("</table>")
    for body in operation["responses"]["200"]["content"].values():
        if "example" in body:
            parts.append(_example(body["example"]))
    return "".join([*parts, "</details>"])


def _example(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=1))}</pre>"
