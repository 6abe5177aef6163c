"""What the assistant refuses, as patterns over plain text: a YAML file a kind of request, a JSON file for languages but English."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import yaml

from fusionguard.assistant.rules.rule import Rule, read_language_rules, read_rules

_FILES = ("injection", "secrecy", "evasion", "targeting", "agency", "content")


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules; the first call compiles them, which takes a second or two."""
    folder = files("fusionguard.assistant.rules")
    english = (read_rules(yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text("utf-8"))) for name in _FILES)
    others = read_language_rules(json.loads(folder.joinpath("languages.json").read_text("utf-8")))
    return (*(rule for part in english for rule in part), *others)
