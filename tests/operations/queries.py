"""What the dashboard and the alert rules ask Prometheus for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "operations"

ADDED = {"job", "instance"}
"""Labels that Prometheus adds to whatever it reads."""

_SELECTOR = re.compile(r"\b((?:fusionguard|process)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_LEGEND = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels that show something."""
    content = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    return [panel for panel in content["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str, set[str]]]:
    """Each query with what it belongs to, and the labels that are shown of its result."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"], set(_LEGEND.findall(target["legendFormat"]))
    for rule in rules():
        yield rule["alert"], rule["expr"], {name for text in rule["annotations"].values() for name in _LEGEND.findall(text)}


def selected(query: str) -> dict[str, set[str]]:
    """The metrics of a query, each with the labels it is selected by."""
    found: dict[str, set[str]] = {}
    for name, matchers in _SELECTOR.findall(query):
        found.setdefault(name, set()).update(_MATCHER.findall(matchers))
    return found


def grouped(query: str) -> set[str]:
    """The labels that a query groups or joins by."""
    return {name.strip() for names in _GROUPING.findall(query) for name in names.split(",") if name.strip()}


def exposed(text: str) -> dict[str, set[str]]:
    """The metrics of a page for Prometheus, each with its labels."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        matched = re.match(r"([a-z_]+)(?:\{(.*)\})? ", line)
        if matched is not None:
            found.setdefault(matched[1], set()).update(re.findall(r'(\w+)="', matched[2] or ""))
    return found
