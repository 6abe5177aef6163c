"""Numbers as people write them: what is formatted is read back, and what is unclear is never read in part."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fusionguard.assistant.written_numbers import find_numbers, plain_signs, read_number

ENGLISH, EUROPEAN, SWISS, FRENCH, PLAIN = (",", "."), (".", ","), ("’", "."), ("\u202f", ","), ("", ".")


def grouped(digits: str, mark: str) -> str:
    groups = []
    while len(digits) > 3:
        digits, last = digits[:-3], digits[-3:]
        groups.insert(0, last)
    return mark.join([digits, *groups])


@given(
    st.decimals(min_value=0, max_value=10**12, places=2),
    st.sampled_from([ENGLISH, EUROPEAN, SWISS, FRENCH, PLAIN]),
    st.sampled_from(["", "-", "\u2212", "+", "minus "]),
    st.sampled_from(["{}", "€{}", "$ {}", "{} €", "{}€", "EUR {}", "{} euros", "CHF\xa0{}"]),
)
def test_what_is_formatted_is_read_back(value: Decimal, marks: tuple[str, str], sign: str, currency: str) -> None:
    thousands, point = marks
    whole, fraction = f"{value:.2f}".split(".")
    text = f"{sign}{currency.format(grouped(whole, thousands) + point + fraction)}"
    expected = float(value) * (-1 if sign in ("-", "\u2212", "minus ") else 1)
    assert read_number(text) == expected, text


@given(
    st.integers(1, 9_999),
    st.sampled_from(["", ".5", ",5"]),
    st.sampled_from(["k", " k", " thousand", "K", "m", " million", "mio"]),
)
def test_a_scale_multiplies(whole: int, fraction: str, scale: str) -> None:
    times = 1e3 if scale.strip().lower() in ("k", "thousand") else 1e6
    assert read_number(f"{whole}{fraction}{scale}") == (whole + (0.5 if fraction else 0)) * times


def in_words(number: int) -> str:
    small = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if number >= 1000:
        rest = f" {in_words(number % 1000)}" if number % 1000 else ""
        return f"{in_words(number // 1000)} thousand{rest}"
    if number >= 100:
        rest = f" and {in_words(number % 100)}" if number % 100 else ""
        return f"{small[number // 100]} hundred{rest}"
    if number < 20:
        return small[number]
    return tens[number // 10 - 2] + (f"-{small[number % 10]}" if number % 10 else "")


@given(st.one_of(st.integers(0, 120), st.integers(121, 999_999)))
@example(16)
@example(60)
@example(99_017)
def test_what_is_said_in_words_is_read_whole(number: int) -> None:
    """``sixty`` begins as ``six`` does."""
    assert read_number(in_words(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_pythons_own_form_is_read_back(value: float) -> None:
    assert read_number(repr(value)) == value


@given(st.integers(1, 999), st.integers(0, 999))
def test_a_comma_before_three_digits_separates_thousands_and_a_point_does_not(first: int, last: int) -> None:
    assert read_number(f"{first},{last:03}") == 1000 * first + last
    (number,) = find_numbers(f"{first}.{last:03} EUR")
    assert number.value == pytest.approx(first + last / 1000) and number.money and number.three_decimals


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.250,00 €", 1250.0), ("12,50", 12.5), ("2k", 2000.0), ("1e308", 1e308), ("0,250", 0.25), ("1.250.000", 1_250_000.0),
        ("1 250,5", 1250.5), ("-€5", -5.0), ("€-5", -5.0), ("two hundred and fifty euros", 250.0), ("twenty-five", 25.0),
        ("three thousand and seven", 3007.0), ("negative 3", -3.0), ("5 %", 0.05), ("12.5 percent", 0.125), ("2.5E-3", 0.0025),
        ("1234,567", 1234.567), (".5", 0.5), ("١٢", 12.0), ("1_000", 1000.0), ("1e999", float("inf")),
    ],
)  # fmt: skip
def test_other_forms(text: str, value: float) -> None:
    assert read_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["NaN", "-inf", "1,25,000", "1,250,00", "1.2.3", "12..5", "--5", "+-5", "5-10", "1/2", "½", "10^6", "2*10^3", "0x10", "12O",
     "3rd", "2020-01-02", "half a million", "two three", "1 2", "", "abc", "5²", "1.000,000,5"],
)  # fmt: skip
def test_what_is_unclear_is_no_number(text: str) -> None:
    assert read_number(text) is None
    assert all(number.value is None for number in find_numbers(plain_signs(text))) or text == "1 2"
