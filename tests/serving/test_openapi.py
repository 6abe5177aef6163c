"""The descriptions of both services: examples are what their schemas say, and all has a name that generated code can use."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from fusionguard.assistant.http.openapi import describe_assistant
from fusionguard.serving.openapi import describe_service
from fusionguard.serving.openapi_parts import resolved

Json = dict[str, Any]
Place = tuple[str, ...]

DOCUMENTS = {"RiskScoring": describe_service(10_000), "Assistant": describe_assistant(2_000)}
UNIONS = ("oneOf", "anyOf", "allOf")
PARTS = [pytest.param(document, id=name) for name, document in DOCUMENTS.items()]


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def contents(document: Json) -> Iterator[tuple[str, Json]]:
    """Each body and each answer in JSON, with its place."""
    for place, operation in operations(document):
        found = {"body": operation.get("requestBody", {"content": {}})} | operation["responses"]
        for status, answer in found.items():
            for kind, content in resolved(answer, document)["content"].items():
                if kind.endswith("json") and "ndjson" not in kind:
                    yield f"{place} {status} {kind}", content


def examples() -> Iterator[tuple[str, Json, Json, Any]]:
    """Each example of a body or an answer, with its place, its document and its schema."""
    for name, document in DOCUMENTS.items():
        for place, content in contents(document):
            listed = {key: example["value"] for key, example in content.get("examples", {}).items()}
            for key, example in (listed or {"": content["example"]}).items():
                yield f"{name} {place} {key}".strip(), document, content["schema"], example
        for title, schema in document["components"]["schemas"].items():
            for example in schema.get("examples", ()):
                yield f"{name} {title}", document, schema, example


def schemas(document: Json) -> Iterator[tuple[Place, Json]]:
    """Each schema with its place, which begins with a component's name where it is part of one."""
    for name, schema in document["components"]["schemas"].items():
        yield from _within((name,), schema)
    for _, operation in operations(document):
        parts = [*operation["parameters"], *operation["responses"].values(), operation.get("requestBody", {})]
        for part in (resolved(part, document) for part in parts):
            held = [part, *part.get("content", {}).values(), *part.get("headers", {}).values()]
            for schema in (each["schema"] for each in held if "schema" in each):
                yield from _within(("", operation["operationId"]), schema)


def _within(place: Place, schema: Json) -> Iterator[tuple[Place, Json]]:
    yield place, schema
    for name, member in schema.get("properties", {}).items():
        yield from _within((*place, name), member)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _within((*place, key), schema[key])
    for key in UNIONS:
        for number, member in enumerate(schema.get(key, ())):
            yield from _within((*place, key, str(number)), member)


@pytest.mark.parametrize(("document", "schema", "example"), [pytest.param(*rest, id=place) for place, *rest in examples()])
def test_an_example_is_what_its_schema_says(document: Json, schema: Json, example: Any) -> None:
    jsonschema.Draft202012Validator(schema | {"components": document["components"]}).validate(example)


@pytest.mark.parametrize("document", PARTS)
def test_every_body_and_answer_in_json_has_an_example(document: Json) -> None:
    places = dict(contents(document))
    assert [place for place, content in places.items() if "example" not in content and not content.get("examples")] == []
    assert len(places) > 50


def test_both_forms_of_a_batch_are_shown() -> None:
    for model in ("fraud", "churn"):
        operation = DOCUMENTS["RiskScoring"]["paths"][f"/v1/{model}/score_batch"]["post"]
        for part in (operation["requestBody"], operation["responses"]["200"]):
            shown = part["content"]["application/json"]["examples"]
            assert {name: "columns" in example["value"] for name, example in shown.items()} == {"rows": False, "columns": True}


def test_a_wrong_example_would_be_found() -> None:
    _, document, schema, example = next(examples())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema | {"components": document["components"]}).validate(example | {"V3": "1.5"})


@pytest.mark.parametrize("document", PARTS)
def test_every_object_and_every_member_of_a_union_has_a_name(document: Json) -> None:
    """A generator names an object that stands within another by its place, and takes two such for one, or leaves them out."""
    for place, schema in schemas(document):
        is_object = schema.get("type") == "object" or {"properties", "additionalProperties", "oneOf", "anyOf", "allOf"} & {
            *schema
        }
        assert not is_object or len(place) == 1, f"{place} should be a component"
        for key in UNIONS:
            assert all(list(member) == ["$ref"] for member in schema.get(key, ())), place


@pytest.mark.parametrize("document", PARTS)
def test_names_are_ones_that_generated_code_can_use(document: Json) -> None:
    for place, schema in schemas(document):
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", place[0]).lower()
        assert name not in schema.get("properties", {}) or len(place) > 1, f"{place}: a client's variables of that name collide"
        values = schema.get("enum", [])
        assert len({str(value).lower() for value in values}) == len(values), f"{place}: values that differ in case alone"
        assert {"const", "enum"}.isdisjoint(schema) or "type" in schema, f"{place} has no type"
        assert "default" not in schema, f"{place}: what has a default is taken for something that must be sent"
    names = [name.lower() for name in document["components"]["schemas"]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("document", PARTS)
def test_every_operation_has_an_id_of_its_own_a_summary_and_a_tag(document: Json) -> None:
    found = [operation for _, operation in operations(document)]
    ids = [operation["operationId"] for operation in found]
    assert len(set(ids)) == len(ids) > 10
    assert [name for name in ids if not name.isidentifier() or keyword.iskeyword(name)] == []
    assert all(operation["summary"] and len(operation["tags"]) == 1 for operation in found)


@pytest.mark.parametrize("document", PARTS)
def test_every_reference_leads_somewhere_and_every_component_is_used(document: Json) -> None:
    used = set(re.findall(r"'#/components/(\w+/\w+)'", repr(document)))
    there = {f"{kind}/{name}" for kind in ("schemas", "responses") for name in document["components"][kind]}
    assert used == there
