"""Calls every route of the assistant's service with the client that openapi-python-client generates, and says what came back."""

from __future__ import annotations

import json
import sys
from typing import TypeVar

from fusion_guard_assistant_client import Client
from fusion_guard_assistant_client.api.assistant import assist, feedback, sources
from fusion_guard_assistant_client.api.service import docs, health, healthz, livez, metrics, openapi, ready, readyz, schema
from fusion_guard_assistant_client.models import (
    Answer,
    AnswerKind,
    AskedQuestion,
    AskedQuestionPersona,
    ClientSchema,
    Description,
    Feedback,
    FeedbackThumb,
    Health,
    Problem,
    Receipt,
    Sources,
)
from fusion_guard_assistant_client.types import Unset

T = TypeVar("T")


def expect(kind: type[T], answer: object) -> T:
    """Return an answer that is of a kind, or say what else it is."""
    assert isinstance(answer, kind), answer
    return answer


def main(client: Client) -> dict[str, object]:
    """Return what each operation answered, by its id."""
    question = AskedQuestion(question="What does PSI mean?", persona=AskedQuestionPersona.EXECUTIVE, conversation="typed")
    answer = expect(Answer, assist.sync(client=client, body=question, x_request_id="typed-1"))
    rated = expect(Receipt, feedback.sync(client=client, body=Feedback(request_id="typed-1", thumb=FeedbackThumb.UP)))
    unknown = expect(Problem, feedback.sync(client=client, body=Feedback(request_id="nobody", thumb=FeedbackThumb.DOWN)))
    invalid = expect(Problem, assist.sync(client=client, body=AskedQuestion(question="")))
    faults = [] if isinstance(invalid.errors, Unset) else invalid.errors
    listed = expect(Sources, sources.sync(client=client))
    probes = (("health", health), ("ready", ready), ("livez", livez), ("healthz", healthz), ("readyz", readyz))
    described = expect(Description, openapi.sync(client=client))
    return {name: expect(Health, probe.sync(client=client)).status for name, probe in probes} | {
        "assist": [answer.request_id, answer.kind is AnswerKind.ANSWER, answer.citations[0].number, answer.written_by.value],
        "feedback": rated.stored,
        "sources": [listed.passages == sum(each.passages for each in listed.files), listed.passages > 0],
        "metrics": expect(str, metrics.sync(client=client)).count("# HELP fusionguard_requests_total "),
        "docs": expect(str, docs.sync(client=client)).startswith("<!doctype html>"),
        "openapi": described["openapi"],
        "schema": expect(ClientSchema, schema.sync(client=client))["name"],
        "404": [unknown.status, unknown.reason],
        "422": [invalid.status, [each.path for each in faults]],
    }


if __name__ == "__main__":
    with Client(sys.argv[1], raise_on_unexpected_status=True) as asking:
        json.dump(main(asking), sys.stdout)
