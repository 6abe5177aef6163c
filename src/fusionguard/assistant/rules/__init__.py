"""What the assistant refuses, as patterns over plain text: a YAML file a kind of request, JSON for other languages."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import yaml

from fusionguard.assistant.rules.rule import Rule, read_language_rules, read_rules

_FILES = ("injection", "secrecy", "evasion", "targeting", "agency", "content")
_ORDERS = frozenset({"prompt_injection", "jailbreak", "system_prompt"})


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules; the first call compiles them, which takes a second or two."""
    others = read_language_rules(json.loads(_text("languages.json")))
    return (*(rule for name in _FILES for rule in _english(name)), *others)


@cache
def rules_for_passages() -> tuple[Rule, ...]:
    """Return the rules for text that nobody asked: orders to whoever reads it."""
    return (*_english("passages"), *(rule for rule in rules() if rule.reason in _ORDERS))


@cache
def rules_for_follow_ups() -> tuple[Rule, ...]:
    """Return the rules for questions that go on with the one before."""
    return _english("follow_ups")


def prepare_rules() -> None:
    """Compile all rules, so that no question has to wait for that."""
    rules_for_passages()
    rules_for_follow_ups()


def _english(name: str) -> tuple[Rule, ...]:
    return read_rules(yaml.safe_load(_text(f"{name}.yaml")))


def _text(name: str) -> str:
    return files("fusionguard.assistant.rules").joinpath(name).read_text("utf-8")
