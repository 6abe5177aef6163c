"""How a family of checks is judged: effect and chance against their limits, the gravest first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusionguard.monitoring.findings import Check, Level, graver, judge, worst

CHECK = Check("tail", "Amount", effect=0.15, watch=0.1, act=0.2, chance=0.002, sentence="more beyond", low=0.12, high=0.19)


@pytest.mark.parametrize(
    ("effect", "chance", "level"),
    [
        (0.0999, 0.0, "none"),
        (0.1, 0.0, "watch"),
        (0.1999, 0.0, "watch"),
        (0.2, 0.0, "act"),
        (0.2, 0.01, "act"),
        (0.2, 0.0101, "none"),
        (0.1, 0.01, "watch"),
        (0.1, 0.0101, "none"),
    ],
)
def test_a_level_needs_an_effect_and_a_chance(effect: float, chance: float, level: str) -> None:
    (found,) = judge([replace(CHECK, effect=effect, chance=chance)], 0.01)
    assert (found.level, found.effect, found.chance) == (level, effect, chance)


def test_a_finding_keeps_what_its_check_says() -> None:
    (found,) = judge([replace(CHECK, segment="country: DE", certain=False, words="amount paid")], 0.01)
    assert found.model_dump() == {
        "kind": "tail",
        "subject": "Amount",
        "segment": "country: DE",
        "level": "watch",
        "effect": 0.15,
        "watch": 0.1,
        "act": 0.2,
        "low": 0.12,
        "high": 0.19,
        "chance": 0.002,
        "since": None,
        "sentence": "more beyond",
        "certain": False,
        "approved": None,
        "words": "amount paid",
    }
    assert found.told == "more beyond (country: DE)"


def test_chances_are_corrected_within_the_family_and_those_not_judged_do_not_count() -> None:
    """Of two that are judged, 0.005 becomes 0.01 by Holm, and 0.03 stays; the third is shown only."""
    checks = [
        replace(CHECK, subject="V1", chance=0.03, effect=0.5),
        replace(CHECK, subject="V2", chance=1e-9, effect=7.0, judged=False),
        replace(CHECK, subject="V3", chance=0.005),
    ]
    found = {each.subject: each for each in judge(checks, 0.01)}
    assert {name: (each.level, each.chance) for name, each in found.items()} == {
        "V1": ("none", 0.03),
        "V2": ("none", 1.0),
        "V3": ("watch", 0.01),
    }


def test_the_gravest_finding_comes_first_and_of_equal_level_the_largest_against_its_limit() -> None:
    checks = [
        replace(CHECK, subject="none", effect=0.09),
        replace(CHECK, subject="watch, 1.2 times", effect=0.12),
        replace(CHECK, subject="act, 1.3 times", effect=3.9, watch=1.0, act=3.0),
        replace(CHECK, subject="watch, 1.9 times", effect=0.19),
        replace(CHECK, subject="act, 1.5 times", effect=0.3),
    ]
    wanted = ["act, 1.5 times", "act, 1.3 times", "watch, 1.9 times", "watch, 1.2 times", "none"]
    assert [each.subject for each in judge(checks, 0.02)] == wanted
    assert [each.limit for each in judge(checks, 0.02)] == [0.2, 3.0, 0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    ("levels", "gravest"),
    [
        ([], "none"),
        (["none", "none"], "none"),
        (["none", "watch", "none"], "watch"),
        (["watch", "act", "none"], "act"),
        (["none", "act"], "act"),
    ],
)
def test_the_worst_level_is_the_gravest(levels: list[Level], gravest: Level) -> None:
    (found,) = judge([CHECK], 0.01)
    assert worst(found.model_copy(update={"level": level}) for level in levels) == gravest


def test_a_level_is_graver_than_those_below_it_alone() -> None:
    levels: tuple[Level, ...] = ("none", "watch", "act")
    assert [(one, other) for one in levels for other in levels if graver(one, other)] == [
        ("watch", "none"),
        ("act", "none"),
        ("act", "watch"),
    ]


def test_a_check_is_beyond_a_limit_where_effect_and_chance_say_so_and_it_is_judged() -> None:
    assert CHECK.beyond(0.15, 0.002)
    assert not CHECK.beyond(0.1501, 0.002)
    assert not CHECK.beyond(0.15, 0.0019)
    assert not CHECK.beyond(0.1501, 0.0019)
    assert not replace(CHECK, judged=False).beyond(0.1, 0.5)
