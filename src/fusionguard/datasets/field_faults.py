"""One wrong field of a declaration in words: what it is called, what it holds, and what it may hold."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from fusionguard.datasets.contradictions import dotted
from fusionguard.datasets.declaration import Declaration, Place
from fusionguard.datasets.upgrade import shown
from fusionguard.errors import did_you_mean

_WANTED = {
    "model_type": "it must hold keys and values",
    "model_attributes_type": "it must hold keys and values",
    "dict_type": "it must hold keys and values",
    "tuple_type": "it must be a list, such as [a, b]",
    "too_short": "it must hold at least one",
    "greater_than": "it must be above {gt:g}",
    "less_than_equal": "it must be {le:g} at most",
}


def field_fault(error: Mapping[str, Any]) -> tuple[Place, str]:
    """Return the place of an error of pydantic's, and the sentence that tells it."""
    place: Place = tuple(part for part in error["loc"] if part != "[key]")
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    name = dotted(place)
    if kind == "extra_forbidden":
        known = _keys_at(place[:-1])
        near = did_you_mean(str(place[-1]), known).strip() or f"It must be one of {', '.join(known)}"
        return place, f"'{name}' is no known key. {near}"
    if kind == "missing":
        return place, f"{name} is missing"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        near = did_you_mean(str(given), choices).strip() if isinstance(given, str) else ""
        return place, f"{name} is {shown(given)}; it must be one of {', '.join(choices)}{f'. {near}' if near else ''}"
    if kind == "value_error":
        wrong = str(context["error"])
        if isinstance(given, dict) or "[key]" in error["loc"]:
            return place, f"{name}: {wrong}"
    else:
        wrong = _WANTED[kind].format(**context) if kind in _WANTED else str(error["msg"]).lower()
    return place, f"{name} is {shown(given)}; {wrong}"


def _keys_at(place: Place) -> list[str]:
    """Return the keys that may stand at a place of a declaration."""
    kind: Any = Declaration
    for part in place:
        kind = _plain(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation
        else:  # the values of a mapping by names
            kind = typing.get_args(kind)[1]
    return list(_plain(kind).model_fields)


def _plain(kind: Any) -> Any:
    """Return a type without what is said about it, and without None."""
    while True:
        if typing.get_origin(kind) is typing.Annotated:
            kind = typing.get_args(kind)[0]
        elif typing.get_origin(kind) in (typing.Union, types.UnionType):
            kind = next(each for each in typing.get_args(kind) if each is not type(None))
        else:
            return kind
