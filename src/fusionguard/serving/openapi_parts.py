"""What the descriptions of all services are made of: operations, refusals and schemas, each object under a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fusionguard import __version__
from fusionguard.serving.http import JSON, PROBLEM
from fusionguard.serving.problems import Fault, ProblemError, invalid
from fusionguard.serving.request_metrics import CONTENT_TYPE

Json = dict[str, Any]

EXAMPLE_ID = "8f14e45fceea167a-1f"
REQUEST_ID = {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$"}
GUARDED = (400, 401, 403, 429)
"""How a route without a body refuses that asks for a key."""
BODY = (400, 401, 403, 408, 413, 415, 422, 429)
"""How a route with a body refuses."""


class Refusal(NamedTuple):
    """What a status means at a service, and one of the problems that it is answered with."""

    meaning: str
    example: ProblemError


REFUSALS = {
    400: Refusal(
        "Malformed: not JSON, empty, or not a table.",
        ProblemError(400, "empty_body", "The body is empty; expected a JSON object."),
    ),
    401: Refusal(
        "No key, or an unknown one.",
        ProblemError(401, "key", "Send a valid key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."),
    ),
    403: Refusal(
        "The service has no keys and was asked from elsewhere.",
        ProblemError(403, "loopback_only", "This service has no keys, so it answers on loopback alone."),
    ),
    408: Refusal(
        "The body did not arrive in time.",
        ProblemError(408, "slow_body", "The body did not arrive within 10 seconds."),
    ),
    413: Refusal(
        "Too many rows or bytes.",
        ProblemError(413, "too_large", "The body may have 65,536 bytes at most."),
    ),
    415: Refusal(
        "A content type or encoding that is not read.",
        ProblemError(415, "compressed", "Compressed bodies are not read; send it as it is."),
    ),
    429: Refusal(
        "More than this key may ask for; Retry-After says when to come back.",
        ProblemError(429, "too_many_requests", "This key may send 50 requests a second."),
    ),
}
"""The refusals that services share; that of a body which is not what is expected is :func:`unprocessable`, by its own fields."""

_WAITED_FOR = (429, 503)
"""Statuses whose answers say in Retry-After when to come back."""
_RESPONSES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    413: "ContentTooLarge",
    415: "UnsupportedMediaType",
    422: "UnprocessableContent",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


def unprocessable(fault: Fault) -> Refusal:
    """Return the refusal of a body that is not what is expected, with a fault as its example."""
    return Refusal("Well formed, but not what is expected: each fault is named by its path.", invalid([fault]))


def text() -> Json:
    """Return the schema of a string."""
    return {"type": "string"}


def number() -> Json:
    """Return the schema of a number."""
    return {"type": "number"}


def whole(**limits: int) -> Json:
    """Return the schema of a whole number."""
    return {"type": "integer"} | limits


def choice(*values: str) -> Json:
    """Return the schema of a string that is one of some."""
    return {"type": "string", "enum": list(values)}


def always(value: str | bool) -> Json:
    """Return the schema of a value that is always the same."""
    return {"type": "boolean" if isinstance(value, bool) else "string", "const": value}


def array(items: Json, **limits: Any) -> Json:
    """Return the schema of an array."""
    return {"type": "array", "items": items} | limits


def closed(properties: Json, required: Iterable[str] | None = None) -> Json:
    """Return the schema of an object of these members and no others; all are required where ``required`` does not name some."""
    wanted = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": wanted, "additionalProperties": False}


def ref(name: str) -> Json:
    """Return a reference to a schema among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def resolved(schema: Json, document: Json) -> Json:
    """Return a part of a document that may be a reference: what it refers to."""
    while "$ref" in schema:
        found: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    return schema


def describe(title: str, about: str, paths: Json, schemas: Json, refusals: Mapping[int, Refusal]) -> Json:
    """Return a whole document: ``refusals`` by status, 422 among them, whose example is that of all problems."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": about,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}, {"header": []}],
        "paths": paths,
        "components": {
            "schemas": schemas | _shared_schemas(refusals[422]),
            "responses": {_RESPONSES[status]: _refused(status, refusal) for status, refusal in sorted(refusals.items())},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def operation(
    name: str,
    summary: str,
    tag: str,
    answer: Json,
    problems: Iterable[int],
    *,
    body: Json | None = None,
    headers: Iterable[str] = (),
    parameters: Iterable[Json] = (),
) -> Json:
    """Return an operation: ``answer`` and ``body`` are contents by media type, ``headers`` those of the answer besides its id."""
    told = {"X-Request-ID": {"schema": REQUEST_ID}} | {header: {"schema": text()} for header in headers}
    described: Json = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [{"name": "X-Request-ID", "in": "header", "required": False, "schema": REQUEST_ID}, *parameters],
        "responses": {"200": {"description": summary, "headers": told, "content": answer}}
        | {str(status): {"$ref": f"#/components/responses/{_RESPONSES[status]}"} for status in sorted(problems)},
    }
    if body is not None:
        described["requestBody"] = {"required": True, "content": body}
    return described


def system_paths(ready: str, name: str) -> Json:
    """Return the paths that every service has: probes, counts and descriptions; ``ready`` says what is true then."""
    ok = {JSON: {"schema": ref("Health"), "example": {"status": "ok"}}}
    counts = {CONTENT_TYPE.partition(";")[0]: {"schema": text()}}
    page = {"text/html": {"schema": text()}}
    info = {"title": f"FusionGuard {name}", "version": __version__}
    document = {JSON: {"schema": ref("Description"), "example": {"openapi": "3.1.0", "info": info, "paths": {}}}}
    client = {"name": name, "type": "service", "routes": [], "paths": {}}
    schema = {JSON: {"schema": ref("ClientSchema"), "example": client}}
    probes = {
        "health": "The process answers",
        "ready": ready,
        "livez": "As /health, where BentoML looks for it",
        "healthz": "As /health, where BentoML looked for it earlier",
        "readyz": "As /ready, where BentoML looks for it",
    }
    guarded: dict[str, tuple[str, str, Json]] = {
        "/metrics": ("metrics", "Counts for Prometheus", counts),
        "/docs": ("docs", "This description as a page", page),
        "/openapi.json": ("openapi", "This description", document),
        "/schema.json": ("schema", "What BentoML's client reads", schema),
    }
    open_to_all = {
        f"/{probe}": {"get": operation(probe, told, "service", ok, (400,)) | {"security": []}} for probe, told in probes.items()
    }
    return open_to_all | {path: {"get": operation(*about[:2], "service", about[2], GUARDED)} for path, about in guarded.items()}


def _shared_schemas(refusal: Refusal) -> Json:
    members = {
        "type": text(),
        "title": text(),
        "status": whole(),
        "reason": text(),
        "detail": text(),
        "request_id": text(),
        "errors": array(ref("Fault")),
        "errors_in_all": whole(),
    }
    problem = closed(members, ["type", "title", "status", "reason", "detail", "request_id"])
    return {
        "Problem": problem
        | {"description": "Why a request is refused (RFC 9457).", "examples": [refusal.example.content(EXAMPLE_ID)]},
        "Fault": closed({"path": text(), "expected": text(), "found": text()}),
        "Health": closed({"status": always("ok")}),
        "Description": {"type": "object", "description": "An OpenAPI document.", "additionalProperties": True},
        "ClientSchema": {"type": "object", "description": "The routes that take a body.", "additionalProperties": True},
    }


def _refused(status: int, refusal: Refusal) -> Json:
    headers = {"X-Request-ID": {"schema": REQUEST_ID}} | ({"Retry-After": {"schema": whole()}} if status in _WAITED_FOR else {})
    content = {PROBLEM: {"schema": ref("Problem"), "example": refusal.example.content(EXAMPLE_ID)}}
    return {"description": refusal.meaning, "headers": headers, "content": content}
