"""Numbers are the same however they are written, and different where they are."""

from __future__ import annotations

import pytest

from fusionguard.assistant.numbers import missing_numbers, number_sequence, numbers_in


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("14,271 rows", "14271 rows"),
        ("0.70", "0.7"),
        ("two cores", "2 cores"),
        ("Twelve trials", "12 trials"),
        ("95 %", "95 percent"),
        ("95%", "95 per cent"),
        ("−0.5", "-0.5"),
        ("the third run", "the 3rd run"),
        ("１２ litres", "12 litres"),
        ("-0.0", "0"),
    ],
)
def test_the_same_number_in_another_spelling(one: str, other: str) -> None:
    assert numbers_in(one) == numbers_in(other) != frozenset()


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("95 %", "95 rows"),
        ("95", "95 %"),
        ("0.5", "-0.5"),
        ("0.75", "0.7"),
        ("V14", "14"),
        ("14", "V14"),
        ("3.11", "3.11.7"),
        ("seventy-seven frauds", "77 frauds"),
        ("half of them", "0.5 of them"),
        ("2026-11-27", "2026-11-26"),
        ("in November", "in December"),
        ("a million", "1,000"),
        ("twice as many", "as many"),
    ],
)
def test_another_number_is_missing(claim: str, source: str) -> None:
    assert missing_numbers(claim, source)


def test_parts_of_a_date_stand_where_the_date_stands() -> None:
    assert not missing_numbers("on day 26 of month 11 in 2026", "on 2026-11-26")
    assert missing_numbers("on day 27", "on 2026-11-26")


def test_they_come_in_their_order() -> None:
    text = "In 2026-11-26, 14,271 rows (95 %) of V14 went from -0.012 to +0.102, in ten of 10-20 trials"
    assert number_sequence(text) == ("2026-11-26", "14271", "95%", "v14", "-0.012", "0.102", "10", "10", "20")
