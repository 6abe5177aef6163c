"""What a question gives of a made-up row: each value as it was meant, and whatever is unclear said and not left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as for_each
from hypothesis import strategies as st

from fusionguard.assistant.asked import shipped_models
from fusionguard.assistant.given_values import given_values
from fusionguard.families.words import GivenValues


def read(question: str, name: str) -> GivenValues:
    return given_values(question, {model.name: model for model in shipped_models()}[name])


FRAUD = [
    ("amount: $1,250.50, V1 -2 and V28=0.25, hour 23", {"V1": -2.0, "V28": 0.25, "Amount": 1250.5, "Time": 82800.0}),
    ("Score a transaction of 1.250,00 €", {"Amount": 1250.0}),
    ("Score a payment of 12,50", {"Amount": 12.5}),
    ("Score a transaction with amount 2k", {"Amount": 2000.0}),
    ("amount 1e308", {"Amount": 1e308}),
    ("V14 = −5,5", {"V14": -5.5}),
    ("amount 250,V14=-5", {"Amount": 250.0, "V14": -5.0}),
    ("V1=1,V2=2,V3=3", {"V1": 1.0, "V2": 2.0, "V3": 3.0}),
    ("a transaction of two thousand euros at 3 pm", {"Amount": 2000.0, "Time": 54000.0}),
    ("at 15:30, 100 EUR", {"Time": 55800.0, "Amount": 100.0}),
    ("what if V4 was -3.25 and the amount were about 99.99?", {"V4": -3.25, "Amount": 99.99}),
    ("amount = -€20", {"Amount": -20.0}),
    ("amount 1.5 Mio. €", {"Amount": 1_500_000.0}),
    ("USD1000", {"Amount": 1000.0}),
    ("V14=-1.234", {"V14": -1.234}),
]
CHURN = [
    (
        "a male inactive client from Spain, aged 61, balance 120,000, credit score 480, tenure 2",
        {
            "Balance": 120000.0,
            "CreditScore": 480,
            "Age": 61,
            "Tenure": 2,
            "Geography": "Spain",
            "Gender": "Male",
            "IsActiveMember": 0,
        },
    ),
    ("a non-active customer aged 40", {"IsActiveMember": 0, "Age": 40}),
    ("not an active member, 2 products", {"IsActiveMember": 0, "NumOfProducts": 2}),
    ("active customer without a credit card", {"IsActiveMember": 1, "HasCrCard": 0}),
    ("has a credit card, isn't active", {"IsActiveMember": 0, "HasCrCard": 1}),
    ("no longer active, doesn't have a card", {"IsActiveMember": 0, "HasCrCard": 0}),
    ("neither active nor with a credit card", {"IsActiveMember": 0, "HasCrCard": 0}),
    ("someone who is not very active but has a credit card", {"IsActiveMember": 0, "HasCrCard": 1}),
    ("an in-active man with no card", {"IsActiveMember": 0, "Gender": "Male", "HasCrCard": 0}),
    ("deactivated, isnt rich, with a credit card", {"IsActiveMember": 0, "HasCrCard": 1}),
    ("active no longer, 52 y/o", {"IsActiveMember": 0, "Age": 52}),
    ("not only active but 40 years old, with a debit card", {"IsActiveMember": 1, "Age": 40}),
    ("Active member: N, credit card = 0", {"IsActiveMember": 0, "HasCrCard": 0}),
    ("HasCrCard: no, active: yes", {"IsActiveMember": 1, "HasCrCard": 0}),
    ("HasCrCard=0 IsActiveMember = 1", {"IsActiveMember": 1, "HasCrCard": 0}),
    ("aged fifty-two with two products", {"Age": 52, "NumOfProducts": 2}),
    ("no balance, salary 50k", {"Balance": 0.0, "EstimatedSalary": 50000.0}),
    ("balance 1.250,00", {"Balance": 1250.0}),
    ("Age=45, IsActiveMember=false, HasCrCard=0", {"Age": 45, "IsActiveMember": 0, "HasCrCard": 0}),
    ("IsActiveMember: true, age 45", {"Age": 45, "IsActiveMember": 1}),
    ("is_active_member=no, has_cr_card=yes, credit_score=480", {"IsActiveMember": 0, "HasCrCard": 1, "CreditScore": 480}),
    ("Gender=Female, Geography=Spain, Tenure=7", {"Gender": "Female", "Geography": "Spain", "Tenure": 7}),
    ("aged 45, has no products", {"Age": 45, "NumOfProducts": 0}),
    ("aged 45; active? no; card? yes", {"Age": 45, "IsActiveMember": 0, "HasCrCard": 1}),
    ("aged 45, anything but active, cardless", {"Age": 45, "IsActiveMember": 0, "HasCrCard": 0}),
    ("aged 45 and far from active", {"Age": 45, "IsActiveMember": 0}),
    ("aged 45, lost the credit card", {"Age": 45, "HasCrCard": 0}),
    (
        "an ex-member with no activity, zero balance and a single product",
        {"IsActiveMember": 0, "Balance": 0.0, "NumOfProducts": 1},
    ),
    ("not a member any more, balance of nil, gave up the card", {"IsActiveMember": 0, "Balance": 0.0, "HasCrCard": 0}),
    ("membership cancelled, tenure nil, non-cardholder", {"IsActiveMember": 0, "Tenure": 0, "HasCrCard": 0}),
    ("active: nope; credit card: none", {"IsActiveMember": 0, "HasCrCard": 0}),
    ("IsActiveMember='no', HasCrCard=\"yes\"", {"IsActiveMember": 0, "HasCrCard": 1}),
    ("yes to card, no to active", {"IsActiveMember": 0, "HasCrCard": 1}),
    ("card yes, active no", {"IsActiveMember": 0, "HasCrCard": 1}),
    ("an active member with no balance", {"IsActiveMember": 1, "Balance": 0.0}),
    ("no balance active man with a card", {"IsActiveMember": 1, "Balance": 0.0, "Gender": "Male", "HasCrCard": 1}),
    ("nil balance, zero activity, 50k salary", {"Balance": 0.0, "IsActiveMember": 0, "EstimatedSalary": 50000.0}),
    ("a member aged 45 with a debit card", {"Age": 45}),
]


@pytest.mark.parametrize(
    ("family", "question", "values"), [*(("fraud", *row) for row in FRAUD), *(("churn", *row) for row in CHURN)]
)
def test_values_are_read_as_they_are_meant(family: str, question: str, values: dict[str, Any]) -> None:
    given = read(question, family)
    assert (given.values, given.unclear, given.leftover) == (values, [], [])
    assert {name: type(value) for name, value in given.values.items()} == {name: type(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("family", "question", "unclear"),
    [
        ("fraud", "V14 = NaN", "V14 'NaN'"),
        ("fraud", "amount is unknown", "Amount 'unknown'"),
        ("fraud", "amount = high", "Amount 'high'"),
        ("fraud", "a payment of 1.250 EUR", "Amount '1.250 EUR' (write 1250 or 1.25, whichever is meant)"),
        ("fraud", "amount of 500-600", "Amount '500-600'"),
        ("fraud", "amount > 500", "Amount '> 500' (one value is needed)"),
        ("fraud", "amount 200, amount 300", "Amount, which is given twice ('300')"),
        ("fraud", "amount 5%", "Amount '5%' (it is no percentage)"),
        ("fraud", "amount 50 cents", "Amount '50 cents'"),
        ("fraud", "amount 2 grand", "Amount '2 grand'"),
        ("fraud", "amount not 50", "Amount 'not 50' (one value is needed)"),
        ("churn", "at least 3 products", "NumOfProducts 'at least 3' (one value is needed)"),
        ("churn", "outside Germany", "Geography in 'outside Germany'"),
        ("fraud", "V29 = 3", "'V29' (there are V1 to V28)"),
        ("fraud", "V14 - 5", "V14 '- 5'"),
        ("fraud", "V1-5", "V1 '-5'"),
        ("fraud", "a transaction of half a million euros", "Amount 'half a million euros'"),
        ("fraud", "100 EUR at 25:00", "the hour in 'at 25:00'"),
        ("churn", "active 'foo'", "IsActiveMember in 'active 'foo'"),
        ("churn", "aged 40, an active credit card", "IsActiveMember in 'an active'"),
        ("churn", "the card is inactive", "IsActiveMember in 'the card is inactive'"),
        ("churn", "maybe active", "IsActiveMember in 'maybe active'"),
        ("churn", "active or not", "IsActiveMember in 'active or not'"),
        ("churn", "card unknown", "HasCrCard in 'card unknown'"),
        ("churn", "no card active customer", "IsActiveMember in 'no card active'"),
        ("churn", "not inactive", "IsActiveMember in 'not inactive'"),
        ("churn", "not German", "Geography in 'not German'"),
        ("churn", "from Italy", "Geography 'Italy'"),
        ("churn", "male or female", "Gender, which is said twice ('female')"),
        ("churn", "active, IsActiveMember = 0", "IsActiveMember, which is given twice ('0')"),
    ],
)
def test_what_is_unclear_is_said(family: str, question: str, unclear: str) -> None:
    assert read(question, family).unclear == [unclear]


def test_a_number_of_no_field_is_left_over() -> None:
    given = read("score transaction 42 of 100 EUR", "fraud")
    assert (given.values, given.leftover) == ({"Amount": 100.0}, ["'42'"])
    given = read("V1 and V2 = 3", "fraud")
    assert (given.values, given.leftover) == ({"V2": 3.0}, ["V1, which has no value"])
    given = read("non-active = 1, aged 40", "churn")
    assert (given.values, given.leftover) == ({"Age": 40}, ["'1'"])
    given = read("aged 40, loyal_customer=false, Geography=Spain", "churn")
    assert (given.values, given.leftover) == ({"Age": 40, "Geography": "Spain"}, ["'customer=false' (no such field)"])
    given = read("amount = 100, merchant = Shop", "fraud")
    assert (given.values, given.leftover) == ({"Amount": 100.0}, ["'merchant = Shop' (no such field)"])
    given = read("aged 40, high balance, some activity, a Visa card", "churn")
    assert given.values == {"Age": 40} and given.unclear == []
    assert given.leftover == [
        "Balance, which has no value",
        "IsActiveMember in 'some activity', which has no value",
        "HasCrCard in 'a Visa card', which has no value",
    ]


ACTIVE = {
    1: ["active", "an active member", "active: yes", "IsActiveMember = true",
        "active 'yes'", "is_active_member=1", "active? y"],
    0: ["inactive", "isn't active", "not active", "no activity", "zero activity", "an ex-member", "no longer an active member",
        "not a member any more", "active: nope", "active 'no'", "IsActiveMember=0",
        "never active", "dormant", "unactive", "active - no"],
}  # fmt: skip
CARD = {
    1: ["has a credit card", "with a card", "a cardholder", "credit card: yep", "HasCrCard=1",
        "has card", "owns the card", "card? yes"],
    0: ["has no card", "without credit card", "without a card", "doesn't have a card", "cardless", "no cards", "card: none",
        "HasCrCard: false", "lost the card", "a non-cardholder", "zero cards", "card cancelled", "lacks a credit card"],
}  # fmt: skip


MARKS = st.sampled_from([", ", "; ", " and ", " but "])


@for_each(st.data(), st.integers(0, 1), st.integers(0, 1), st.integers(0, 10), st.booleans(), MARKS)
def test_flags_are_read_back_beside_each_other(
    data: st.DataObject, active: int, card: int, tenure: int, swapped: bool, mark: str
) -> None:
    """A negation reaches its own flag only, and no number is taken for a flag's."""
    said = [data.draw(st.sampled_from(ACTIVE[active])), f"tenure {tenure}", data.draw(st.sampled_from(CARD[card]))]
    text = f"aged 41, {mark.join(reversed(said) if swapped else said)}"
    given = read(text, "churn")
    expected = {"Age": 41, "IsActiveMember": active, "Tenure": tenure, "HasCrCard": card}
    assert (given.values, given.unclear, given.leftover) == (expected, [], []), text


LOOSE = """not no active inactive card yes nope maybe 'x' ? , and or a without neither nor cancelled unknown visa credit activity
    = IsActiveMember member"""


@for_each(st.lists(st.sampled_from(LOOSE.split()), max_size=7))
def test_no_flag_is_left_out_in_silence(words: list[str]) -> None:
    given = read(" ".join(["aged 41,", *words]), "churn")
    told = " ".join((*given.values, *given.unclear, *given.leftover))
    assert "IsActiveMember" in told or not {"active", "activity", "inactive", "IsActiveMember"} & set(words)
    assert "HasCrCard" in told or "card" not in words
