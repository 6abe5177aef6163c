from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from fusionguard.errors import DataError
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.retention import RetentionPolicy, fit_retention_policy

POLICY = RetentionPolicy(base_value=100, balance_margin=0.001, offer_cost=10, contact_cost=1, acceptance=0.3)
MARGINS = POLICY.model_copy(
    update={"minimum_expected_profit": 2.0, "group_attribute": "gender", "group_margins": {"Female": -3.0, "Male": 1.0}}
)


def test_the_expected_profit_by_hand() -> None:
    probability, balance = np.array([0.0, 0.5, 1.0]), np.array([0.0, 100_000.0, 100_000.0])
    assert POLICY.customer_value(balance).tolist() == [100.0, 200.0, 200.0]
    assert POLICY.expected_profit(probability, balance) == pytest.approx([-11.0, 0.5 * 0.3 * 190 - 5 - 1, 0.3 * 190 - 1])


def test_the_campaign_profit_by_hand() -> None:
    label, balance = np.array([1, 0, 1, 0], dtype=np.int8), np.full(4, 100_000.0)
    earned = POLICY.campaign_profit(label, balance, np.array([True, True, False, False]))
    assert earned == pytest.approx([56.0, -11.0, 0.0, 0.0])


def test_without_a_limit_an_offer_pays_for_itself(make_customers: Any) -> None:
    policy = fit_retention_policy(make_customers(10), RetentionConfig())
    assert policy == RetentionPolicy(base_value=100, balance_margin=0.0013, offer_cost=10, contact_cost=1, acceptance=0.3)
    breaks_even = 11 / (0.3 * 90 + 10)
    assert policy.decide(np.array([breaks_even - 1e-9, breaks_even + 1e-9]), np.zeros(2)).tolist() == [False, True]


def test_a_larger_balance_needs_less_risk() -> None:
    decided = POLICY.decide(np.array([0.2, 0.2]), np.array([0.0, 200_000.0]))
    assert decided.tolist() == [False, True]


def test_right_probabilities_make_it_the_most_profitable_bar(make_customers: Any) -> None:
    customers = make_customers(100_000)
    expected = POLICY.expected_profit(customers.probability, customers.balance)
    earned = {
        bar: POLICY.campaign_profit(customers.label, customers.balance, expected > bar).sum() for bar in (-8, -4, 0, 4, 8, 16)
    }
    assert max(earned, key=earned.__getitem__) == 0


@pytest.mark.parametrize("contacts", [1, 20, 100, 333])
def test_a_limit_is_kept_and_used(make_customers: Any, contacts: int) -> None:
    customers = make_customers(9_999)
    policy = fit_retention_policy(customers, RetentionConfig(contacts=contacts))
    offers = int(policy.decide(customers.probability, customers.balance).sum())
    assert policy.minimum_expected_profit > 0
    assert offers == contacts * 9_999 // 1000


@pytest.mark.parametrize("contacts", [900, 1_000, 5_000])
def test_a_limit_larger_than_the_need_changes_nothing(make_customers: Any, contacts: int) -> None:
    policy = fit_retention_policy(make_customers(), RetentionConfig(contacts=contacts))
    assert policy.minimum_expected_profit == 0
    assert policy.contacts == contacts


def test_tied_customers_that_do_not_all_fit_stay_out(make_customers: Any) -> None:
    customers = replace(make_customers(1_000), balance=np.zeros(1_000), probability=np.full(1_000, 0.9))
    policy = fit_retention_policy(customers, RetentionConfig(contacts=10))
    assert not policy.decide(customers.probability, customers.balance).any()


def test_a_limit_cannot_be_learned_from_nothing(make_customers: Any) -> None:
    nobody = make_customers(10).take(np.zeros(10, dtype=bool))
    with pytest.raises(DataError, match="there are no customers"):
        fit_retention_policy(nobody, RetentionConfig(contacts=10))


def test_margins_move_the_bar_of_their_group_only() -> None:
    groups = {"gender": np.array(["Female", "Male", "Unknown"]), "geography": np.array(["Spain"] * 3)}
    assert MARGINS.bar(3, groups).tolist() == [-1.0, 3.0, 2.0]
    assert POLICY.bar(3).tolist() == [0.0, 0.0, 0.0]
    # 2.5 is expected of each: 28.5 p + 10 p - 11 with a value of 105
    probability, balance = np.full(3, 13.5 / 38.5), np.full(3, 5_000.0)
    assert MARGINS.expected_profit(probability, balance) == pytest.approx([2.5] * 3)
    assert MARGINS.decide(probability, balance, groups).tolist() == [True, False, True]


@pytest.mark.parametrize("groups", [None, {"geography": np.array(["Spain"])}])
def test_a_policy_with_margins_must_know_the_group(groups: Any) -> None:
    with pytest.raises(DataError, match="'gender', which is not known here") as caught:
        MARGINS.decide(np.array([0.5]), np.array([0.0]), groups)
    assert caught.value.remedy == "Give each customer's 'gender'."
    with pytest.raises(DataError, match="'gender', which is not known here"):
        MARGINS.reason(0.5, 0.0)


@pytest.mark.parametrize(
    ("policy", "probability", "balance", "group", "expected"),
    [
        (POLICY, 0.5, 100_000.0, None, "offer: expected profit 22.50 exceeds 0.00"),
        (POLICY, 0.1, 0.0, None, "no offer: expected profit -7.30 does not exceed 0.00"),
        (
            POLICY.model_copy(update={"minimum_expected_profit": 30.0}),
            0.5,
            100_000.0,
            None,
            "no offer: expected profit 22.50 does not exceed 30.00, the bar for the limit of contacts",
        ),
        (
            POLICY.model_copy(update={"base_value": 8.0}),
            1.0,
            0.0,
            None,
            "no offer: value 8.00 is not above the offer's cost of 10.00",
        ),
        (MARGINS, 0.3, 0.0, "Female", "offer: expected profit 0.10 exceeds -1.00, the bar for gender 'Female'"),
        (
            MARGINS.model_copy(update={"base_value": 8.0}),
            0.0,
            0.0,
            "Female",
            "no offer: expected profit -11.00 does not exceed -1.00, the bar for gender 'Female'",
        ),
        (MARGINS, 0.3, 0.0, "Male", "no offer: expected profit 0.10 does not exceed 3.00, the bar for gender 'Male'"),
        (MARGINS, 0.3, 0.0, "Unknown", "no offer: expected profit 0.10 does not exceed 2.00, the bar for gender 'Unknown'"),
    ],
)
def test_the_reason_agrees_with_the_decision(
    policy: RetentionPolicy, probability: float, balance: float, group: str | None, expected: str
) -> None:
    assert policy.reason(probability, balance, group) == expected
    groups = None if group is None else {"gender": np.array([group])}
    assert policy.decide(np.array([probability]), np.array([balance]), groups).tolist() == [expected.startswith("offer")]


def test_every_customer_has_the_reason_of_their_decision(make_customers: Any) -> None:
    customers = make_customers(500)
    decided = MARGINS.decide(customers.probability, customers.balance, customers.groups)
    rows = zip(customers.probability, customers.balance, customers.groups["gender"], decided, strict=True)
    assert {MARGINS.reason(p, b, str(g)).startswith("offer") == bool(d) for p, b, g, d in rows} == {True}
    assert 0 < decided.sum() < 500


def test_a_policy_survives_json() -> None:
    policy = MARGINS.model_copy(update={"minimum_expected_profit": 1 / 3, "contacts": 50})
    assert RetentionPolicy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_margins": {"Female": 1.0}},
        {"group_attribute": "gender", "group_margins": {"Female": float("inf")}},
        {"minimum_expected_profit": -1.0},
        {"acceptance": 1.0},
        {"offer_cost": 0.0},
        {"bonus": 1.0},
    ],
)
def test_a_policy_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RetentionPolicy.model_validate(POLICY.model_dump() | wrong)


def test_money_is_counted_in_double_precision_whatever_the_balances_are() -> None:
    balance = np.full(2, 50_000.0, dtype=np.float32)
    assert POLICY.customer_value(balance).dtype == np.float64
    assert POLICY.expected_profit(np.array([0.2, 0.3], dtype=np.float32), balance).dtype == np.float64


def test_an_offer_must_earn_more_than_its_bar_and_a_value_be_above_the_offers_cost() -> None:
    policy = RetentionPolicy(base_value=32, balance_margin=0.002, offer_cost=10, contact_cost=1, acceptance=0.5)
    at_its_bar = policy.model_copy(update={"minimum_expected_profit": 10.0})  # 0.5 * (32 - 10) - 1
    assert not at_its_bar.decide(np.ones(1), np.zeros(1))[0]
    assert at_its_bar.reason(1.0, 0.0) == (
        "no offer: expected profit 10.00 does not exceed 10.00, the bar for the limit of contacts"
    )
    low = at_its_bar.model_copy(update={"minimum_expected_profit": 0.5})
    assert low.reason(0.0, 0.0) == "no offer: expected profit -11.00 does not exceed 0.50, the bar for the limit of contacts"
    poor = policy.model_copy(update={"base_value": 4.0})
    assert poor.reason(1.0, 2_000.0) == "no offer: value 8.00 is not above the offer's cost of 10.00"
    assert poor.reason(1.0, 3_000.0) == "no offer: value 10.00 is not above the offer's cost of 10.00"
    assert poor.reason(1.0, 3_500.0) == "no offer: expected profit -0.50 does not exceed 0.00"


def test_a_bar_is_learned_from_a_single_customer() -> None:
    alone = ScoredCustomers(
        np.ones(1, np.int8), np.full(1, 0.9), np.ones(1), np.zeros(1), {"gender": np.array(["Male"])}, np.arange(1)
    )
    policy = fit_retention_policy(alone, RetentionConfig(contacts=500))
    assert policy.minimum_expected_profit == pytest.approx(0.9 * 0.3 * 90 - 0.1 * 10 - 1)
    assert fit_retention_policy(alone, RetentionConfig(contacts=1000)).minimum_expected_profit == 0


def test_who_lacks_a_group_is_told_in_full() -> None:
    with pytest.raises(DataError) as caught:
        MARGINS.bar(1)
    assert str(caught.value) == (
        "The retention policy has a bar for each group of 'gender', which is not known here. Give each customer's 'gender'."
    )
