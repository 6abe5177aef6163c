"""Declarations of older versions become today's, step by step; those of versions that nobody here knows are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fusionguard.datasets.declaration import VERSION

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the keys and values of one version and returns those of the next; what it does not move keeps its line."""

UPGRADES: Mapping[int, Upgrade] = {}
"""By the version that a step begins with; today's is the first, so there is none yet."""


def upgraded(content: dict[str, Any], steps: Mapping[int, Upgrade] = UPGRADES, version: int = VERSION) -> dict[str, Any]:
    """Return the keys and values of a declaration in today's version.

    Raises
    ------
    ValueError
        Its version is missing, is no whole number, is newer than ``version``, or is one from which no step leads here.
    """
    if "version" not in content:
        raise ValueError(f"version is missing; write `version: {version}`")
    found = content["version"]
    if not isinstance(found, int) or isinstance(found, bool):
        raise ValueError(f"version is {shown(found)}; it must be a whole number, today {version}")
    if found > version:
        raise ValueError(f"made by a newer version: {found}; this one reads {version}. Install a newer FusionGuard")
    while found < version:
        if found not in steps:
            oldest = min((*steps, version))
            raise ValueError(f"made by an unknown version: {found}; this one reads {_span(oldest, version)}")
        content = {**steps[found](content), "version": found + 1}
        found += 1
    return content


def shown(value: Any) -> str:
    """Return a value of a declaration as its messages show it: texts in quotes, long ones cut."""
    if isinstance(value, str):
        return f'"{value[:60]}"' if value.isprintable() else ascii(value[:60])
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        plain = len(value) <= 8 and not any(isinstance(each, dict | list) for each in value)
        return f"[{', '.join(shown(each) for each in value)}]" if plain else "a list"
    return {None: "empty", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else f"{value}"


def _span(oldest: int, newest: int) -> str:
    return f"{newest}" if oldest == newest else f"{oldest} to {newest}"
