"""What the assistant refuses, as patterns over plain text: a YAML file a kind of request, JSON for other languages."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import yaml

from fusionguard.assistant.refusals import own_refusals
from fusionguard.assistant.rules.rule import Rule, read_language_rules, read_rules
from fusionguard.families.catalog import family_names, model_family

_FIRST, _THEN = ("injection", "secrecy"), ("targeting", "agency", "content")
"""Files of English rules; between them come those that families bring along."""
_FIRST_ABROAD = ("prompt_injection", "system_prompt")
"""Reasons in other languages that come before those of families."""
_ORDERS = frozenset({"prompt_injection", "jailbreak", "system_prompt"})


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules; the first call compiles them, which takes a second or two."""
    own = own_refusals()
    english = [rule for name in _FIRST for rule in _english(name)]
    english += [rule for words in own.values() for rule in read_rules(words.rules, _of_families())]
    english += [rule for name in _THEN for rule in _english(name)]
    abroad = json.loads(_text("languages.json"))
    first = {reason: abroad.pop(reason) for reason in _FIRST_ABROAD}
    others = first | {reason: words.languages for reason, words in own.items()} | abroad
    return (*english, *read_language_rules(others))


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
    return read_rules(yaml.safe_load(_text(f"{name}.yaml")), _of_families())


@cache
def _of_families() -> dict[str, str]:
    """Return the words that rules take from the families; where there are none, a pattern that matches nothing."""
    words = [model_family(name).words for name in family_names()]
    risk = [word for each in words for word in each.risk_words]
    of_all = [word for each in words for word in each.of_all_words]
    return {"risk": "|".join(risk) or "(?!)", "of_all": "|".join(of_all) or "(?!)"}


def _text(name: str) -> str:
    return files("fusionguard.assistant.rules").joinpath(name).read_text("utf-8")
