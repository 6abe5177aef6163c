"""The description's examples are what its schemas say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from fusionguard.serving.openapi import describe_service

DOCUMENT = describe_service(10_000)


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Each example of a body or an answer, with its place and its schema."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                for name, example in body.get("examples", {}).items():
                    yield f"{method} {path} {kind} {name}", body["schema"], example["value"]
            for status, answer in operation["responses"].items():
                for kind, body in answer["content"].items():
                    if "example" in body:
                        yield f"{method} {path} {status} {kind}", body["schema"], body["example"]
    problem = {"$ref": "#/components/schemas/Problem"}
    yield from (("Problem", problem, example) for example in DOCUMENT["components"]["schemas"]["Problem"]["examples"])


@pytest.mark.parametrize(("schema", "example"), [pytest.param(*rest, id=place) for place, *rest in examples()])
def test_an_example_is_what_its_schema_says(schema: dict[str, Any], example: Any) -> None:
    jsonschema.Draft202012Validator(schema | {"components": DOCUMENT["components"]}).validate(example)


def test_every_json_body_has_an_example() -> None:
    places = " ".join(place for place, _, _ in examples())
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                assert f"{method} {path} application/json " in places
            if "application/json" in operation["responses"]["200"]["content"] and path not in ("/openapi.json", "/schema.json"):
                assert f"{method} {path} 200 application/json" in places


def test_a_wrong_example_would_be_found() -> None:
    _, schema, example = next(examples())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema | {"components": DOCUMENT["components"]}).validate(example | {"V3": "1.5"})
