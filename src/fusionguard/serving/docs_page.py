"""The description as one page: no script, nothing from elsewhere, so it works offline and needs no trust."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fusionguard.serving.openapi_parts import Json, resolved

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}code,pre{font:14px/1.45 ui-monospace,monospace}
pre{background:#f4f5f7;padding:.8rem;overflow:auto;border-radius:4px}summary{cursor:pointer;padding:.5rem 0}
summary:focus-visible{outline:2px solid #0550ae}.m{display:inline-block;min-width:3.5rem;font-weight:700}
table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}
details{border-top:1px solid #d0d4da}"""


def render_docs(document: Json) -> str:
    """Return an OpenAPI document as HTML."""
    info = document["info"]
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(path, method, operation, document))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(parts)}" for tag, parts in groups.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body><h1>{escape(info['title'])} "
        f'{escape(info["version"])}</h1><p>{escape(info["description"])}</p><p><a href="/openapi.json">openapi.json</a></p>'
        f"{body}</body></html>"
    )


def _operation(path: str, method: str, operation: Json, document: Json) -> str:
    parts = [
        f"<details><summary><span class=m>{method.upper()}</span> <code>{escape(path)}</code> {escape(operation['summary'])}"
    ]
    parts.append("</summary>")
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        parts.append(f"<p><code>{escape(kind)}</code></p>")
        parts += [_example(example["value"]) for example in body.get("examples", {}).values()]
        schema = resolved(body["schema"], document)
        if "description" in schema:
            parts.append(f"<p>{escape(schema['description'])}</p>")
        if "properties" in schema:
            parts.append(_fields(schema, document))
    parts.append("<table><tr><th>Status</th><th>Meaning</th></tr>")
    for status, response in operation["responses"].items():
        parts.append(f"<tr><td>{status}</td><td>{escape(resolved(response, document)['description'])}</td></tr>")
    parts.append("</table>")
    for body in operation["responses"]["200"]["content"].values():
        examples = [each["value"] for each in body.get("examples", {}).values()]
        parts += map(_example, [*examples, *([body["example"]] if "example" in body else [])])
    return "".join([*parts, "</details>"])


def _fields(schema: Json, document: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_expected(field, document))}"
        f"{'' if name in schema['required'] else ' (optional)'}</td></tr>"
        for name, field in schema["properties"].items()
    )
    return f"<table><tr><th>Field</th><th>What it holds</th></tr>{rows}</table>"


def _expected(field: Json, document: Json) -> str:
    field = resolved(field, document)
    if "anyOf" in field:
        return " or ".join(_expected(each, document) for each in field["anyOf"])
    if "enum" in field:
        return "one of " + ", ".join(map(json.dumps, field["enum"]))
    if "description" in field and "pattern" not in field:
        return str(field["description"])
    if field["type"] == "array":
        items = resolved(field["items"], document).get("properties", {})
        members = "; ".join(f"{name}: {_expected(item, document)}" for name, item in items.items())
        return f"{field['minItems']:,} to {field['maxItems']:,} objects of {members}"
    bounds = f" from {field['minimum']:.15g} to {field['maximum']:.15g}" if "minimum" in field else ""
    told = f" as {field['pattern']}" if "pattern" in field else f", a {field['format']}" if "format" in field else ""
    return f"{field['type']}{bounds}{told}"


def _example(value: Any) -> str:
    return f"<pre>{escape(_lines(value, levels=2))}</pre>"


def _lines(value: Any, levels: int, indent: str = "") -> str:
    """Return JSON with a line for each member, and for each row or column; what is inside those stays on its line."""
    if not levels or not (isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict) for each in value))):
        return json.dumps(value)
    inner = indent + "  "
    if isinstance(value, list):
        listed = [_lines(each, levels - 1, inner) for each in value]
    else:
        listed = [f"{json.dumps(name)}: {_lines(each, levels - 1, inner)}" for name, each in value.items()]
    begin, end = "[]" if isinstance(value, list) else "{}"
    return f"{begin}\n{inner}" + f",\n{inner}".join(listed) + f"\n{indent}{end}"
