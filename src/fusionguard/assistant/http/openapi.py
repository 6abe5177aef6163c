"""The assistant's description as OpenAPI 3.1, made from the same fields that check requests."""

from __future__ import annotations

from typing import Any, get_args

from fusionguard import __version__
from fusionguard.assistant.answers import Answer, AnswerKind, Writer
from fusionguard.assistant.http.bodies import FEEDBACK_BODY, Body, body_schema, question_body
from fusionguard.assistant.http.routes import NDJSON
from fusionguard.serving.http import JSON, PROBLEM
from fusionguard.serving.openapi import describe_problem
from fusionguard.serving.request_metrics import CONTENT_TYPE

Json = dict[str, Any]

_REQUEST_ID = "8f14e45fceea167a-1f"
_REQUEST_ID_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$"}
_PROBLEMS = {
    400: "Malformed: not JSON, or empty.",
    401: "No key, or an unknown one.",
    403: "The service has no keys and was asked from elsewhere.",
    404: "No recent answer has this request id.",
    408: "The body did not arrive in time.",
    413: "Too many bytes.",
    415: "A content type or encoding that is not read.",
    422: "Well formed, but not what is expected: each fault is named by its path.",
    429: "More than this key may ask for; Retry-After says when to come back.",
    503: "Too many wait, an answer takes too long, or a disk refuses; Retry-After says when to come back.",
}
_BODY = (400, 401, 403, 408, 413, 415, 422, 429, 503)
_GUARDED = (400, 401, 403, 429)


def describe_assistant(most_question_chars: int) -> Json:
    """Return the whole document."""
    citation = {
        "number": 1,
        "passage": "docs/monitoring.md#drift-1",
        "file": "docs/monitoring.md",
        "heading": "Monitoring > Drift",
        "source": "commit 1a2b3c4d5e6f",
        "text": "PSI compares two distributions.",
    }
    answer = {
        "request_id": _REQUEST_ID,
        "kind": "answer",
        "text": "PSI compares two distributions. [1]",
        "citations": [citation],
        "written_by": "extract",
        "reason": "",
        "support": 0.8,
        "redacted": [],
        "simulated": False,
    }
    file = {"file": "docs/monitoring.md", "kind": "document", "passages": 12, "headings": 11, "source": "commit 1a2b3c4d5e6f"}
    sources = {"request_id": _REQUEST_ID, "passages": 12, "files": [file]}
    said = {"question": "What does PSI mean?", "persona": "analyst", "conversation": "chat-1"}
    answers = {JSON: {"schema": _ref("Answer"), "example": answer}, NDJSON: {"schema": {"type": "string"}}}
    thumb = {"request_id": _REQUEST_ID, "thumb": "up"}
    stored = {JSON: {"schema": _ref("Stored"), "example": {"request_id": _REQUEST_ID, "stored": True}}}
    text = {CONTENT_TYPE.partition(";")[0]: {"schema": {"type": "string"}}}
    ok = {JSON: {"schema": {"type": "object", "properties": {"status": {"const": "ok"}}}, "example": {"status": "ok"}}}
    document = {JSON: {"schema": {"type": "object"}}}
    page = {"text/html": {"schema": {"type": "string"}}}
    listed = {JSON: {"schema": _ref("Sources"), "example": sources}}
    paths: dict[str, tuple[str, Any, Any, Any, Any, Any]] = {
        "/v1/assist": ("post", "assist", "Ask; the answer has its sources, or says that it does not know", said, answers, _BODY),
        "/v1/feedback": ("post", "feedback", "Give an answer a thumb", thumb, stored, (*_BODY, 404)),
        "/v1/sources": ("get", "sources", "What the assistant knows, file by file", None, listed, (*_GUARDED, 503)),
        "/health": ("get", "health", "The process answers", None, ok, (400,)),
        "/ready": ("get", "ready", "The index is open", None, ok, (400,)),
        "/livez": ("get", "livez", "As /health, where BentoML looks for it", None, ok, (400,)),
        "/healthz": ("get", "healthz", "As /health, where BentoML looked for it earlier", None, ok, (400,)),
        "/readyz": ("get", "readyz", "As /ready, where BentoML looks for it", None, ok, (400,)),
        "/metrics": ("get", "metrics", "Counts for Prometheus", None, text, _GUARDED),
        "/docs": ("get", "docs", "This description as a page", None, page, _GUARDED),
        "/openapi.json": ("get", "openapi", "This description", None, document, _GUARDED),
        "/schema.json": ("get", "schema", "What BentoML's client reads", None, document, _GUARDED),
    }
    bodies = {"assist": "Question", "feedback": "Feedback"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FusionGuard Assistant",
            "version": __version__,
            "description": "Short answers with their sources, or an honest I don't know. The answers come from an automated "
            "assistant. Its console is at /console/. With stream: true an answer is NDJSON: lines of 'text', each checked before "
            "it is sent, and at the end one of 'answer' or 'problem'.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}, {"header": []}],
        "paths": {path: {about[0]: _operation(*about[1:], bodies.get(about[1]))} for path, about in paths.items()},
        "components": {
            "schemas": _schemas(question_body(most_question_chars)),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(name: str, summary: str, example: Json | None, answer: Json, problems: tuple[int, ...], body: str | None) -> Json:
    tag = "assistant" if name in ("assist", "feedback", "sources") else "service"
    headers = {"X-Request-ID": {"schema": _REQUEST_ID_SCHEMA}}
    operation: Json = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [{"name": "X-Request-ID", "in": "header", "required": False, "schema": _REQUEST_ID_SCHEMA}],
        "responses": {"200": {"description": summary, "headers": headers, "content": answer}},
    }
    if body is not None:
        content = {JSON: {"schema": _ref(body), "examples": {name: {"value": example}}}}
        operation["requestBody"] = {"required": True, "content": content}
    for status in sorted(problems):
        told: Json = {"description": _PROBLEMS[status], "content": {PROBLEM: {"schema": _ref("Problem")}}}
        if status in (429, 503):
            told["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
        operation["responses"][str(status)] = told
    return operation


def _schemas(question: Body) -> Json:
    answer = Answer.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    citation = answer.pop("$defs")["Citation"]
    answer["properties"]["request_id"] = {"type": "string"}
    answer["properties"]["kind"] = {"enum": list(get_args(AnswerKind))}
    answer["properties"]["written_by"] = {"enum": list(get_args(Writer))}
    answer["required"] = list(answer["properties"])
    file = _object(
        {
            "file": {"type": "string"},
            "kind": {"type": "string"},
            "passages": {"type": "integer"},
            "headings": {"type": "integer"},
            "source": {"type": "string"},
        }
    )
    return {
        "Question": body_schema(question),
        "Feedback": body_schema(FEEDBACK_BODY),
        "Answer": answer,
        "Citation": citation,
        "Sources": _object(
            {"request_id": {"type": "string"}, "passages": {"type": "integer"}, "files": {"type": "array", "items": file}}
        ),
        "Stored": _object({"request_id": {"type": "string"}, "stored": {"const": True}}),
        "Problem": describe_problem(),
    }


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
