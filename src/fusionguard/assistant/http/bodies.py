"""The bodies that are sent to the assistant: what each field may hold, checked strictly and described once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from fusionguard.assistant.answers import Persona
from fusionguard.assistant.http.feedback import THUMBS
from fusionguard.json_kinds import kind_of
from fusionguard.serving.http import JSON, Request
from fusionguard.serving.problems import MOST_COUNTED, Fault, clip, invalid
from fusionguard.serving.repeats import refuse_repeats
from fusionguard.serving.request_ids import EXPECTED, is_request_id
from fusionguard.serving.requests import parse_json

MOST_BYTES = 128 * 1024
CONVERSATION = r"^[A-Za-z0-9._~-]{1,64}$"


class BodyField(NamedTuple):
    """A field: its JSON schema, what it must be in words, and the check itself."""

    schema: Mapping[str, Any]
    expected: str
    fits: Callable[[Any], bool]
    required: bool = False


Body = Mapping[str, BodyField]


def question_body(most_chars: int) -> Body:
    """Return what ``POST /v1/assist`` takes."""
    personas = tuple(persona.value for persona in Persona)
    return {
        "question": BodyField(
            {"type": "string", "minLength": 1, "maxLength": most_chars, "examples": ["What does PSI mean?"]},
            f"a string of 1 to {most_chars:,} characters",
            lambda value: type(value) is str and 1 <= len(value) <= most_chars,
            required=True,
        ),
        "persona": BodyField(
            {"type": "string", "enum": list(personas), "description": f"{Persona.ANALYST.value} where none is given."},
            f"one of {', '.join(personas)}",
            lambda value: type(value) is str and value in personas,
        ),
        "conversation": BodyField(
            {"type": "string", "pattern": CONVERSATION, "description": "Ties the questions of one chat together."},
            EXPECTED,
            lambda value: type(value) is str and re.fullmatch(CONVERSATION[1:-1], value) is not None,
        ),
        "stream": BodyField(
            {"type": "boolean", "description": "true: checked sentences line by line as they are ready; else the whole answer."},
            "true or false",
            lambda value: type(value) is bool,
        ),
    }


FEEDBACK_BODY: Body = {
    "request_id": BodyField(
        {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$", "description": "The X-Request-ID of the answer."},
        EXPECTED,
        lambda value: type(value) is str and is_request_id(value),
        required=True,
    ),
    "thumb": BodyField(
        {"type": "string", "enum": list(THUMBS)},
        " or ".join(THUMBS),
        lambda value: type(value) is str and value in THUMBS,
        required=True,
    ),
}


def body_schema(body: Body) -> dict[str, Any]:
    """Return the JSON schema of a body."""
    properties = {name: dict(field.schema) for name, field in body.items()}
    required = [name for name, field in body.items() if field.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


async def read_body(request: Request, body: Body) -> dict[str, Any]:
    """Return a request's fields; raises :class:`ProblemError` that tells every fault by its path."""
    request.media_type((JSON,))
    raw = await request.body(MOST_BYTES)
    content = parse_json(raw)
    if type(content) is not dict:
        raise invalid([Fault("$", "an object", kind_of(content))])
    faults = [
        Fault(clip(name), "no such field", "a field that is not known")
        for name in islice(content, MOST_COUNTED)
        if name not in body
    ]
    for name, field in body.items():
        if name not in content:
            if field.required:
                faults.append(Fault(name, field.expected, "nothing"))
        elif not field.fits(content[name]):
            found = kind_of(content[name])
            faults.append(Fault(name, field.expected, found if found in ("null", "a boolean") else f"{found} that is not that"))
    if faults:
        raise invalid(faults)
    refuse_repeats(raw, None)
    return content
