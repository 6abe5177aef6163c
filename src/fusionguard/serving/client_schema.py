"""What ``bentoml.SyncHTTPClient`` asks a service for, ``/schema.json``: each route that takes a body as a method to call."""

from __future__ import annotations

from typing import Any

from fusionguard.serving.http import JSON
from fusionguard.serving.openapi_parts import Json, resolved


def client_schema(name: str, document: Json) -> Json:
    """Return the routes of an OpenAPI document as BentoML's client reads them; a method is called by its ``operationId``."""
    posts = {path: methods["post"] for path, methods in document["paths"].items() if "post" in methods}
    return {
        "name": name,
        "type": "service",
        "routes": [
            {
                "name": operation["operationId"],
                "route": path,
                "doc": operation["summary"],
                "input": _arguments(_whole(operation["requestBody"]["content"][JSON]["schema"], document)),
                "output": {"type": "object"},
            }
            for path, operation in posts.items()
        ],
        "paths": {path: {"mounted": False} for path in document["paths"]},
    }


def _arguments(schema: Json) -> Json:
    """Return the members of a body as arguments; of several forms of a body no member is required, for each has its own."""
    if "oneOf" not in schema:
        return {"type": "object", "properties": schema["properties"], "required": schema["required"]}
    members = {name: member for form in schema["oneOf"] for name, member in form["properties"].items()}
    return {"type": "object", "properties": members, "required": []}


def _whole(part: Any, document: Json) -> Any:
    """Return a part of the document with what it refers to in its place: BentoML's client knows no components."""
    if isinstance(part, list):
        return [_whole(each, document) for each in part]
    if isinstance(part, dict):
        return {name: _whole(each, document) for name, each in resolved(part, document).items()}
    return part
