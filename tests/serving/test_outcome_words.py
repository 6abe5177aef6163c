"""Outcomes are told in 0 and 1, and in the words of a declared data set's own table."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from fusionguard.families.family import ModelFamily
from fusionguard.serving.outcome_words import OutcomeWords


def words(positive: tuple[Any, ...], negative: tuple[Any, ...]) -> OutcomeWords:
    label = SimpleNamespace(positive=positive, negative=negative)
    return OutcomeWords.of(cast(ModelFamily, SimpleNamespace(declared=SimpleNamespace(label=label))))


SHIPPED = OutcomeWords.of(cast(ModelFamily, SimpleNamespace(declared=None)))
TEXTS = words(("Y", "maybe"), ("N",))
ZERO_MEANS_YES = words((0,), (1, 2))


@pytest.mark.parametrize(
    ("of", "told", "label"),
    [
        (SHIPPED, 1, 1),
        (SHIPPED, 0, 0),
        (SHIPPED, "1", None),
        (SHIPPED, True, None),
        (SHIPPED, 1.0, None),
        (TEXTS, "maybe", 1),
        (TEXTS, "N", 0),
        (TEXTS, 1, 1),
        (TEXTS, 0, 0),
        (TEXTS, "1", None),
        (TEXTS, "y", None),
        (TEXTS, 2, None),
        (TEXTS, None, None),
        (TEXTS, ["N"], None),
        (words((True,), (False,)), True, 1),
        (words((True,), (False,)), "false", 0),
        (words((1.0,), (-1,)), "1", 1),
        (words((1.0,), (-1,)), -1, 0),
        (words((1.0,), (-1,)), 0, 0),
        (ZERO_MEANS_YES, "0", 1),
        (ZERO_MEANS_YES, "1", 0),
        (ZERO_MEANS_YES, 2, 0),
        (ZERO_MEANS_YES, 0, None),
        (ZERO_MEANS_YES, 1, None),
        (ZERO_MEANS_YES, 1.0, None),
    ],
)
def test_a_value_tells_what_its_table_means_by_it(of: OutcomeWords, told: Any, label: int | None) -> None:
    assert of.read(told) == label


def test_what_is_expected_names_all_values_but_not_hundreds() -> None:
    assert (SHIPPED.expected, SHIPPED.positive) == ("0 or 1", 1)
    assert (TEXTS.expected, TEXTS.positive) == ('0, 1, "Y", "maybe" or "N"', "Y")
    assert ZERO_MEANS_YES.expected == '"0", "1" or "2"'
    many = words(("Y",), tuple(f"n{number}" for number in range(1_500)))
    assert many.expected.endswith('"n7", "n8" or one of 1,491 others') and len(many.values) == 1_503
