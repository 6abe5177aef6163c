"""Formulas: what they mean, and what is refused before it means anything."""

from __future__ import annotations

import pytest

from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.expressions import Column, Number, Operation, columns_of, parse_expression


def test_signs_bind_as_in_arithmetic() -> None:
    a, b, c = Column("a"), Column("b"), Column("c")
    assert parse_expression("a - b - c") == Operation("-", (Operation("-", (a, b)), c))
    assert parse_expression("a + b * c") == Operation("+", (a, Operation("*", (b, c))))
    assert parse_expression("(a + b) % c") == Operation("%", (Operation("+", (a, b)), c))
    assert parse_expression("-a * b > c / 2e1") == Operation(
        ">", (Operation("*", (Operation("-", (a,)), b)), Operation("/", (c, Number(20.0))))
    )
    assert parse_expression("a <= .5") == Operation("<=", (a, Number(0.5)))
    assert parse_expression("floor(a + 1)") == Operation("floor", (Operation("+", (a, Number(1.0))),))


def test_columns_of_any_name_are_read_in_double_quotes() -> None:
    tree = parse_expression('"Card ""type"" (1)" / größe + größe + floor')
    assert columns_of(tree) == ('Card "type" (1)', "größe", "floor")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "the formula ends too early"),
        ("a +", "the formula ends too early"),
        ("a b", "'b' at character 3 does not belong there"),
        ("a < b < c", "'<' at character 7 does not belong there"),
        ("(a", "a parenthesis is not closed"),
        ("(a b)", "'b' at character 4 does not belong there"),
        ("a)", "')' at character 2 does not belong there"),
        ("a ** b", "'*' at character 4 does not belong there"),
        ("a.b", "character 2, '.', cannot be part of a formula"),
        ("a -- b", None),
        ("a /* b */", "'*' at character 4 does not belong there"),
        ("'a'", 'character 1, "\'", cannot be part of a formula'),
        ('"a', "character 1, '\"', cannot be part of a formula"),
        ("sleep(1)", "there is no function 'sleep'; there are abs and floor"),
        ("1e999", "1e999 is too large a number"),
        ("(" * 200 + "a" + ")" * 200, "a formula is nested 20 deep at most"),
        ("-" * 400 + "a", "a formula is nested 20 deep at most"),
        ("a + " * 200 + "a", "a formula has 500 characters at most"),
    ],
)
def test_what_is_no_formula_is_refused(text: str, wrong: str | None) -> None:
    if wrong is None:
        assert parse_expression(text) == Operation("-", (Column("a"), Operation("-", (Column("b"),))))
        return
    with pytest.raises(ValueError) as caught:
        parse_expression(text)
    assert str(caught.value) == wrong


def test_durations_are_seconds() -> None:
    assert [duration_seconds(text) for text in ("0s", "90s", "30m", "6h", "14d", "2w")] == [
        0,
        90,
        1_800,
        21_600,
        1_209_600,
        1_209_600,
    ]
    for wrong in ("14", "d", "1.5d", "-1d", "1 d", "1D", "1d2h", "1y", "", "\N{ARABIC-INDIC DIGIT ONE}d"):
        with pytest.raises(ValueError, match="it must be a duration, such as 90s, 30m, 6h, 14d or 2w"):
            duration_seconds(wrong)
