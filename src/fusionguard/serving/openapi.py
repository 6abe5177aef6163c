"""The service's description as OpenAPI 3.1, made from the same fields that check requests."""

from __future__ import annotations

from typing import Any

from fusionguard import __version__
from fusionguard.models.family import REASONS
from fusionguard.serving.fields import Choice, Field, RequestFields, request_fields
from fusionguard.serving.http import JSON, PROBLEM
from fusionguard.serving.request_metrics import CONTENT_TYPE
from fusionguard.serving.tables import ARROW, PARQUET

Json = dict[str, Any]

THINGS = {"fraud": ("transaction", "fraud"), "churn": ("customer", "exit")}
"""What a row of a family is, and what its outcome 1 means."""

_REQUEST_ID = "8f14e45fceea167a-1f"
_ROW_ID = {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{1,64}$", "description": "Yours; given back, never logged."}
_ID_PARAMETER = {
    "name": "id",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "For parquet and Arrow: the column (texts or whole numbers) that names the rows; it comes first in the answer "
    "under its name and with its type, and is never logged. Without it, that is the column 'id', where there is one. "
    "Not for JSON, where rows have 'id' themselves.",
}
_REQUEST_ID_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$"}
_STRINGS = {"type": "array", "items": {"type": "string"}}
_MODEL = {
    "model": "fraud",
    "role": "champion",
    "version": "0123456789ab",
    "bundle_sha256": "0123456789ab" + "0" * 52,
    "registered_version": 3,
    "origin": "simulated",
    "trained_on_simulated_data": True,
    "trained_at": "2026-01-31T12:00:00+00:00",
    "metrics": {"average_precision": 0.8},
    "feature_schema_version": 1,
}
_MODELS = {"request_id": _REQUEST_ID, "models": [_MODEL]}
_PROBLEMS = {
    400: "Malformed: not JSON, empty, or not a table.",
    401: "No key, or an unknown one.",
    403: "The service has no keys and was asked from elsewhere.",
    404: "This service holds no such model, or no log.",
    408: "The body did not arrive in time.",
    409: "An outcome differs from the one that is known.",
    413: "Too many rows or bytes.",
    415: "A content type or encoding that is not read.",
    422: "Well formed, but not what is expected: each fault is named by its path.",
    429: "More than this key may ask for; Retry-After says when to come back.",
    503: "The disk refuses the outcomes now.",
}


def describe_service(largest_batch_rows: int) -> Json:
    """Return the whole document."""
    paths: Json = {}
    schemas: Json = {
        "Problem": describe_problem(),
        "Models": _models(),
        "Labels": _labels(largest_batch_rows),
        "Receipt": _receipt(),
    }
    for model in THINGS:
        fields = request_fields(model)
        schemas |= _schemas(model, fields, largest_batch_rows)
        paths |= _paths(model, fields)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FusionGuard RiskScoring",
            "version": __version__,
            "description": "Card-fraud and churn risk: score, calibrated probability, decision, and why. Every answer carries "
            "X-Request-ID; a retry under the same id is logged once. Models trained on simulated data say so in "
            "X-Trained-On-Simulated-Data and X-Model-Origin.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}, {"header": []}],
        "paths": paths | _system_paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def example_row(fields: RequestFields) -> Json:
    """Return a row that is nobody's."""
    return {field.name: fields.family.example[field.name] for field in fields.all}


def _paths(model: str, fields: RequestFields) -> Json:
    thing, outcome = THINGS[model]
    name, row = model.capitalize(), example_row(fields)
    batch = {
        "rows": {"summary": "Rows", "value": {"rows": [row | {"id": "a-1"}, row | {"id": "a-2"}]}},
        "columns": {"summary": "Columns", "value": {"columns": {key: [value, value] for key, value in row.items()}}},
    }
    table = {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": "The columns of a row. Label, row number, names and "
            "ids of the data set may be there, and are not looked at.",
        }
    }
    label = {"request_id": _REQUEST_ID, "row": 0, "label": 1, "observed_at": "2026-01-31T12:00:00Z"}
    one = {JSON: {"schema": _ref(f"{name}Row"), "examples": {thing: {"value": row}}}}
    many = {JSON: {"schema": _ref(f"{name}Batch"), "examples": batch}, PARQUET: table, ARROW: table}
    labels = {JSON: {"schema": _ref("Labels"), "examples": {outcome: {"value": {"labels": [label]}}}}}
    binary = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (PARQUET, ARROW)}
    answer, batch_answer = _answer_example(model, fields), _batch_example(model, fields)
    explanation = answer | {"base": -7.1, "contributions": [{"feature": "Age", "value": 39, "contribution": -0.4}]}
    if model == "fraud":
        explanation["contributions"] = [{"feature": "V14", "value": 0.0, "contribution": -0.4}]
    scored = {JSON: {"schema": _ref(f"{name}Answer"), "example": answer}}
    scored_many = {JSON: {"schema": _ref(f"{name}Answers"), "example": batch_answer}} | binary
    explained = {JSON: {"schema": _ref(f"{name}Explanation"), "example": explanation}}
    stored = {JSON: {"schema": _ref("Receipt"), "example": {"request_id": _REQUEST_ID, "stored": 1, "repeated": 0}}}
    told = f"Tell what became of scored {thing}s: 1 is a {outcome if outcome == 'fraud' else 'customer who left'}."
    faults = (400, 401, 403, 404, 408, 413, 415, 422, 429)
    at = f"/v1/{model}"
    batch_operation = _operation(f"score_{model}_batch", f"Score many {thing}s", model, many, scored_many, faults)
    batch_operation["parameters"].append(_ID_PARAMETER)
    return {
        f"{at}/score": {"post": _operation(f"score_{model}", f"Score one {thing}", model, one, scored, faults)},
        f"{at}/score_batch": {"post": batch_operation},
        f"{at}/explain": {
            "post": _operation(f"explain_{model}", f"Score and explain one {thing}", model, one, explained, faults)
        },
        f"{at}/labels": {"post": _operation(f"label_{model}", told, model, labels, stored, (*faults, 409, 503))},
    }


def _system_paths() -> Json:
    ok = {JSON: {"schema": {"type": "object", "properties": {"status": {"const": "ok"}}}, "example": {"status": "ok"}}}
    text = {CONTENT_TYPE.partition(";")[0]: {"schema": {"type": "string"}}}
    page = {"text/html": {"schema": {"type": "string"}}}
    document = {JSON: {"schema": {"type": "object"}}}
    guarded = (401, 403, 429)
    return {
        "/v1/models": {
            "get": _operation(
                "models", "The models in use", "service", None, {JSON: {"schema": _ref("Models"), "example": _MODELS}}, guarded
            )
        },
        "/health": {"get": _operation("health", "The process answers", "service", None, ok, ())},
        "/ready": {"get": _operation("ready", "The models are loaded", "service", None, ok, ())},
        "/livez": {"get": _operation("livez", "As /health, where BentoML looks for it", "service", None, ok, ())},
        "/healthz": {"get": _operation("healthz", "As /health, where BentoML looked for it earlier", "service", None, ok, ())},
        "/readyz": {"get": _operation("readyz", "As /ready, where BentoML looks for it", "service", None, ok, ())},
        "/metrics": {"get": _operation("metrics", "Counts for Prometheus", "service", None, text, guarded)},
        "/docs": {"get": _operation("docs", "This description as a page", "service", None, page, guarded)},
        "/openapi.json": {"get": _operation("openapi", "This description", "service", None, document, guarded)},
        "/schema.json": {"get": _operation("schema", "What BentoML's client reads", "service", None, document, guarded)},
    }


def _operation(name: str, summary: str, tag: str, body: Json | None, answer: Json, problems: tuple[int, ...]) -> Json:
    headers = {"X-Request-ID": {"schema": _REQUEST_ID_SCHEMA}}
    if body is not None and not name.startswith("label"):
        headers |= {"X-Model-Version": {"schema": {"type": "string"}}, "X-Model-Origin": {"schema": {"type": "string"}}}
    operation: Json = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [{"name": "X-Request-ID", "in": "header", "required": False, "schema": _REQUEST_ID_SCHEMA}],
        "responses": {"200": {"description": summary, "headers": headers, "content": answer}},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    for status in (*sorted(problems), *(() if 400 in problems else (400,))):
        content = {PROBLEM: {"schema": _ref("Problem")}}
        operation["responses"][str(status)] = {"description": _PROBLEMS[status], "content": content}
        if status == 429:
            operation["responses"]["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return operation


def _schemas(model: str, fields: RequestFields, most: int) -> Json:
    name = model.capitalize()
    properties = {field.name: _field(field) for field in fields.all}
    required = list(properties)
    columns = {key: {"type": "array", "items": value, "minItems": 1, "maxItems": most} for key, value in properties.items()}
    ids = {"type": "array", "items": _ROW_ID, "minItems": 1, "maxItems": most, "uniqueItems": True}
    row = _object(properties | {"id": _ROW_ID}, required)
    rows = {"type": "array", "items": _ref(f"{name}Row"), "minItems": 1, "maxItems": most}
    outputs = {key: _output(key, kind, fields) for key, kind in fields.family.outputs.items()} | {"decision_reason": _text()}
    about = {"request_id": _text(), "model": {"const": model}, "model_version": _text(), "origin": _text()}
    answer = about | outputs
    contribution = _object({"feature": _text(), "value": {"type": ["number", "string", "null"]}, "contribution": _number()})
    batch_about = about | {"rows": {"type": "integer"}, "flagged_without_reasons": {"type": "integer"}}
    as_columns = {key: {"type": "array", "items": kind} for key, kind in outputs.items()}
    answers = {"type": "array", "items": _object(outputs | {"id": _ROW_ID}, list(outputs))}
    return {
        f"{name}Row": row,
        f"{name}Batch": {
            "oneOf": [
                _object({"rows": rows}, ["rows"]),
                _object({"columns": _object(columns | {"id": ids}, required)}, ["columns"]),
            ]
        },
        f"{name}Answer": _object(answer | {"id": _ROW_ID}, list(answer)),
        f"{name}Answers": {
            "oneOf": [
                _object(batch_about | {"answers": answers}),
                _object(
                    batch_about | {"columns": _object(as_columns | {"id": {"type": "array", "items": _ROW_ID}}, list(outputs))}
                ),
            ]
        },
        f"{name}Explanation": _object(
            answer | {"id": _ROW_ID, "base": _number(), "contributions": {"type": "array", "items": contribution}},
            [*answer, "base", "contributions"],
        ),
    }


def _field(field: Field) -> Json:
    if isinstance(field, Choice):
        return {"type": "string", "enum": list(field.values)}
    return {"type": "integer" if field.whole else "number", "minimum": field.low, "maximum": field.high}


def _output(name: str, kind: str, fields: RequestFields) -> Json:
    described = {
        "score": "Calibrated log-odds: what ranks.",
        "probability": "Calibrated, from 0 to 1.",
        "decision": f"'{fields.family.flagged}' asks for somebody's attention.",
        REASONS: "What raises the risk most; only where the decision asks for attention.",
    }.get(name)
    schema: Json = _STRINGS if name == REASONS else _number() if kind == "double" else _text()
    return schema | ({"description": described} if described else {})


def _answer_example(model: str, fields: RequestFields) -> Json:
    values: Json = {"score": -7.5, "probability": 0.00055, "decision": "accept", "expected_saving": -2.99, REASONS: []}
    why = "accept: expected loss 0.01 does not exceed the review cost of 3.00"
    if model == "churn":
        values = {
            "score": -2.2,
            "probability": 0.1,
            "decision": "none",
            "expected_profit": -9.0,
            "risk_band": "guarded",
            REASONS: [],
        }
        why = "no offer: expected profit -9.00 does not exceed 0.00"
    about = {"request_id": _REQUEST_ID, "model": model, "model_version": "0123456789ab", "origin": "simulated"}
    return about | values | {"decision_reason": why}


def _batch_example(model: str, fields: RequestFields) -> Json:
    example = _answer_example(model, fields)
    about = {key: example.pop(key) for key in ("request_id", "model", "model_version", "origin")}
    answers = [example | {"id": "a-1"}, example | {"id": "a-2"}]
    return about | {"rows": 2, "flagged_without_reasons": 0, "answers": answers}


def _labels(most: int) -> Json:
    label = _object(
        {
            "request_id": _REQUEST_ID_SCHEMA,
            "row": {"type": "integer", "minimum": 0, "maximum": 99_999},
            "label": {"enum": [0, 1]},
            "observed_at": {"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00Z"]},
        }
    )
    return _object({"labels": {"type": "array", "items": label, "minItems": 1, "maxItems": most}})


def _receipt() -> Json:
    return _object({"request_id": _text(), "stored": {"type": "integer"}, "repeated": {"type": "integer"}})


def _models() -> Json:
    model = {
        "model": {"enum": list(THINGS)},
        "role": {"enum": ["champion", "challenger"]},
        "version": _text(),
        "bundle_sha256": _text(),
        "registered_version": {"type": ["integer", "null"]},
        "origin": {"enum": ["kaggle", "local", "simulated"]},
        "trained_on_simulated_data": {"type": "boolean"},
        "trained_at": {"type": ["string", "null"]},
        "metrics": {"type": "object", "additionalProperties": _number()},
        "feature_schema_version": {"type": "integer"},
    }
    return _object({"request_id": _text(), "models": {"type": "array", "items": _object(model)}})


def describe_problem() -> Json:
    fault = _object({"path": _text(), "expected": _text(), "found": _text()})
    properties = {
        "type": _text(),
        "title": _text(),
        "status": {"type": "integer"},
        "reason": _text(),
        "detail": _text(),
        "request_id": _text(),
        "errors": {"type": "array", "items": fault},
        "errors_in_all": {"type": "integer"},
    }
    detail = "V3: expected a finite number from -150 to 150, found a string."
    example = {"type": "about:blank", "title": "Unprocessable Entity", "status": 422, "reason": "invalid", "detail": detail}
    faults = [{"path": "V3", "expected": "a finite number from -150 to 150", "found": "a string"}]
    required = ["type", "title", "status", "reason", "detail", "request_id"]
    return _object(properties, required) | {
        "examples": [example | {"request_id": _REQUEST_ID, "errors": faults, "errors_in_all": 1}]
    }


def _object(properties: Json, required: list[str] | None = None) -> Json:
    wanted = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": wanted, "additionalProperties": False}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _text() -> Json:
    return {"type": "string"}


def _number() -> Json:
    return {"type": "number"}
