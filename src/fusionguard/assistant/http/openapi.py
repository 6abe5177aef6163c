"""The assistant's description as OpenAPI 3.1, made from the same fields that check requests."""

from __future__ import annotations

from typing import get_args

from fusionguard.assistant.answers import Answer, AnswerKind, Citation, Writer
from fusionguard.assistant.http.bodies import FEEDBACK_BODY, Body, body_schema, question_body
from fusionguard.assistant.http.routes import NDJSON
from fusionguard.serving.http import JSON
from fusionguard.serving.openapi_parts import (
    BODY,
    EXAMPLE_ID,
    GUARDED,
    REFUSALS,
    Json,
    Refusal,
    always,
    array,
    choice,
    closed,
    describe,
    operation,
    ref,
    system_paths,
    text,
    unprocessable,
    whole,
)
from fusionguard.serving.problems import Fault, ProblemError

_ABOUT = (
    "Short answers with their sources, or an honest I don't know. The answers come from an automated assistant. Its console is "
    "at /console/. With stream: true an answer is NDJSON: lines of 'text', each checked before it is sent, and at the end one of "
    "'answer' or 'problem'."
)
_REFUSALS = REFUSALS | {
    400: REFUSALS[400]._replace(meaning="Malformed: not JSON, or empty."),
    404: Refusal(
        "No recent answer has this request id.",
        ProblemError(404, "no_answer", "No recent answer has this request id."),
    ),
    413: REFUSALS[413]._replace(meaning="Too many bytes."),
    422: unprocessable(Fault("question", "a string of 1 to 2,000 characters", "nothing")),
    503: Refusal(
        "Too many wait, an answer takes too long, or a disk refuses; Retry-After says when to come back.",
        ProblemError(503, "busy", "Too many questions wait for their answer."),
    ),
}
_CITATION = {
    "number": 1,
    "passage": "docs/monitoring.md#drift-1",
    "file": "docs/monitoring.md",
    "heading": "Monitoring > Drift",
    "source": "commit 1a2b3c4d5e6f",
    "text": "PSI compares two distributions.",
}
_ANSWER = {
    "request_id": EXAMPLE_ID,
    "kind": "answer",
    "text": "PSI compares two distributions. [1]",
    "citations": [_CITATION],
    "written_by": "extract",
    "reason": "",
    "support": 0.8,
    "redacted": [],
    "simulated": False,
}
_FILE = {"file": "docs/monitoring.md", "kind": "document", "passages": 12, "headings": 11, "source": "commit 1a2b3c4d5e6f"}


def describe_assistant(most_question_chars: int) -> Json:
    """Return the whole document."""
    question = {"question": "What does PSI mean?", "persona": "analyst", "conversation": "chat-1"}
    asked = {JSON: {"schema": ref("AskedQuestion"), "examples": {"assist": {"value": question}}}}
    answers = {JSON: {"schema": ref("Answer"), "example": _ANSWER}, NDJSON: {"schema": text()}}
    thumb = {"request_id": EXAMPLE_ID, "thumb": "up"}
    rated = {JSON: {"schema": ref("Feedback"), "examples": {"feedback": {"value": thumb}}}}
    stored = {JSON: {"schema": ref("Receipt"), "example": {"request_id": EXAMPLE_ID, "stored": True}}}
    listed = {JSON: {"schema": ref("Sources"), "example": {"request_id": EXAMPLE_ID, "passages": 12, "files": [_FILE]}}}
    ask, rate = "Ask; the answer has its sources, or says that it does not know", "Give an answer a thumb"
    paths = {
        "/v1/assist": {"post": operation("assist", ask, "assistant", answers, (*BODY, 503), body=asked)},
        "/v1/feedback": {"post": operation("feedback", rate, "assistant", stored, (*BODY, 404, 503), body=rated)},
        "/v1/sources": {
            "get": operation("sources", "What the assistant knows, file by file", "assistant", listed, (*GUARDED, 503))
        },
    }
    schemas = _schemas(question_body(most_question_chars))
    return describe("FusionGuard Assistant", _ABOUT, paths | system_paths("The index is open", "Assistant"), schemas, _REFUSALS)


def _schemas(question: Body) -> Json:
    citation, answer = (_members(model) for model in (Citation, Answer))
    answer |= {
        "kind": choice(*get_args(AnswerKind)),
        "written_by": choice(*get_args(Writer)),
        "citations": array(ref("Citation")),
    }
    file = {"file": text(), "kind": text(), "passages": whole(), "headings": whole(), "source": text()}
    return {
        "AskedQuestion": body_schema(question),
        "Feedback": body_schema(FEEDBACK_BODY),
        "Answer": closed({"request_id": text()} | answer),
        "Citation": closed(citation),
        "Sources": closed({"request_id": text(), "passages": whole(), "files": array(ref("SourceFile"))}),
        "SourceFile": closed(file),
        "Receipt": closed({"request_id": text(), "stored": always(True)}),
    }


def _members(model: type[Answer] | type[Citation]) -> Json:
    """Return the members of an answer as schemas, without the titles and defaults that pydantic adds."""
    properties = model.model_json_schema(mode="serialization")["properties"]
    return {
        name: {key: value for key, value in schema.items() if key not in ("title", "default")}
        for name, schema in properties.items()
    }
