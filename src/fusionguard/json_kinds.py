"""What kind of value JSON holds, in words that may be given back: never the value itself."""

from __future__ import annotations

from typing import Any


def kind_of(value: Any) -> str:
    """Say what kind of JSON value something is, without saying which."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
