"""Evening out offers among a dozen customers, worked out by hand: bars, limits of contacts, gaps, profits and their interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.mitigation import MitigationPrice, even_out, mean_per_thousand, price_of
from fusionguard.families.churn.retention import RetentionPolicy

# An offer is expected to earn 37 p - 11; to a leaver it earns 26, to a stayer -11.
POLICY = RetentionPolicy(base_value=100, balance_margin=0, offer_cost=10, contact_cost=1, acceptance=0.3)


def customers_of(*rows: tuple[str, float, int]) -> ScoredCustomers:
    """Customers by gender, probability and outcome, in the order given."""
    gender, probability, label = zip(*rows, strict=True)
    return ScoredCustomers(
        label=np.array(label, dtype=np.int8),
        probability=np.array(probability),
        score=np.array(probability),
        balance=np.zeros(len(rows)),
        groups={"gender": np.array(gender), "age_band": np.array(["30-39"] * len(rows))},
        row_number=np.arange(len(rows)),
    )


WOMEN = (("F", 0.2, 0), ("F", 0.9, 1), ("F", 0.7, 1), ("F", 0.8, 0))  # 37 p - 11: -3.6, 22.3, 14.9, 18.6
MEN = (("M", 0.6, 1), ("M", 0.1, 0), ("M", 0.4, 0), ("M", 0.5, 1))  # 11.2, -7.3, 3.8, 7.5
CUSTOMERS = customers_of(*WOMEN, *MEN)
NOBODY, HALF, ALL = {"F": 23.3, "M": 12.2}, {"F": 20.45, "M": 9.35}, {"F": 5.65, "M": 5.65}
"""Bars at which no leaver, half of them and all of them get an offer: midway to the next customer, or 1 above the first."""


@pytest.mark.parametrize(
    ("contacts", "margins"),
    [(None, ALL), (625, ALL), (624, HALF), (250, HALF), (249, NOBODY), (1, NOBODY)],
)
def test_the_common_share_that_earns_most_within_the_limit_is_chosen(contacts: int | None, margins: dict[str, float]) -> None:
    done = even_out(CUSTOMERS, POLICY.model_copy(update={"contacts": contacts}), "gender")
    assert done.policy.group_margins == pytest.approx(margins)
    assert (done.policy.group_attribute, done.attribute, done.rows) == ("gender", "gender", 8)


def test_margins_are_what_is_added_to_the_bar_that_all_have() -> None:
    barred = POLICY.model_copy(update={"minimum_expected_profit": 5.0, "contacts": 700})
    done = even_out(CUSTOMERS, barred, "gender")
    assert done.policy.group_margins == pytest.approx({"F": 0.65, "M": 0.65})
    assert (done.policy.minimum_expected_profit, done.policy.contacts) == (5, 700)


def test_before_and_after_are_counted_on_the_same_customers() -> None:
    """Before, two women and a man who left are offered; at half of the leavers, one of each."""
    barred = POLICY.model_copy(update={"minimum_expected_profit": 8.0, "contacts": 250})
    done = even_out(CUSTOMERS, barred, "gender")
    assert done.policy.group_margins == pytest.approx({"F": 12.45, "M": 1.35})
    assert (done.before, done.after) == (0.5, 0)
    assert (done.offers_before, done.offers_after) == (500, 250)
    assert (done.profit_before, done.profit_after) == pytest.approx((1000 * (3 * 26 - 11) / 8, 1000 * 52 / 8))
    lost = np.array([0, 0, 26, -11, 0, 0, 0, 0.0])
    expected = mean_per_thousand(lost, CUSTOMERS)
    assert (done.price.value, done.price.low, done.price.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert done.price.value == pytest.approx(1000 * 15 / 8)
    assert done.sentence() == (
        "With a bar for each gender, the gap in the share of leavers who get an offer 0.500 becomes 0.000;"
        " per 1,000 customers, offers go from 500 to 250 and profit from 8,375 to 6,500:"
        f" a price of {done.price.text(0)}."
    )


def test_the_interval_of_a_mean_takes_each_outcome_by_itself() -> None:
    few = customers_of(("F", 0.5, 1), ("F", 0.5, 1), ("M", 0.5, 0), ("M", 0.5, 0), ("M", 0.5, 0))
    values = np.array([4.0, 8.0, 1.0, 1.0, 4.0])  # variances 8 and 3
    half = 1000 * 1.959963984540054 * np.sqrt(2 * 8 + 3 * 3) / 5
    found = mean_per_thousand(values, few)
    assert (found.value, found.low, found.high) == pytest.approx((3600, 3600 - half, 3600 + half))
    alone = customers_of(("F", 0.5, 1), ("M", 0.5, 0), ("M", 0.5, 0))
    half = 1000 * 1.959963984540054 * np.sqrt(2 * 2) / 3
    found = mean_per_thousand(np.array([9.0, 2.0, 4.0]), alone)
    assert (found.value, found.low, found.high) == pytest.approx((5000, 5000 - half, 5000 + half))


def test_offers_to_a_group_without_leavers_take_their_part_of_the_limit() -> None:
    """Two of the three others are offered by the common bar: of 11 customers, 636 per 1,000 are 7 offers."""
    others = customers_of(*WOMEN, ("X", 0.35, 0), ("X", 0.2, 0), ("X", 0.31, 0), *MEN)
    for contacts, margins in ((637, ALL), (636, HALF), (364, HALF), (363, NOBODY), (100, NOBODY)):
        done = even_out(others, POLICY.model_copy(update={"contacts": contacts}), "gender")
        assert done.policy.group_margins == pytest.approx(margins)


def test_customers_who_tie_are_offered_together_and_a_share_goes_to_the_nearest_cut() -> None:
    """Of three men who left two tie: half of the leavers is 1 of 2 women, and 2 of 3 men are nearer to it than none."""
    tied = customers_of(*WOMEN, ("M", 0.6, 1), ("M", 0.6, 1), ("M", 0.6, 0), ("M", 0.3, 1), ("M", 0.1, 0))
    done = even_out(tied, POLICY.model_copy(update={"contacts": 500}), "gender")
    # 37 p - 11: 11.2 for three, 0.1, -7.3; offers 4 of 9 at one half, 7 at all
    assert done.policy.group_margins == pytest.approx({"F": 20.45, "M": 5.65})
    assert (done.offers_after, done.after) == (pytest.approx(4000 / 9), pytest.approx(2 / 3 - 1 / 2))


def test_a_cut_that_reaches_no_further_leaver_is_not_made() -> None:
    """The stayer above the last leaver is passed only to reach the leaver; the one below is left out."""
    last = customers_of(("F", 0.9, 1), ("F", 0.8, 0), ("M", 0.7, 0), ("M", 0.6, 1))
    done = even_out(last, POLICY, "gender")
    # 22.3 and 18.6; 14.9 and 11.2, after whom nobody comes: the bar is half of 1 below
    assert done.policy.group_margins == pytest.approx({"F": 20.45, "M": 10.7})
    assert done.profit_after == pytest.approx(1000 * (26 + 26 - 11) / 4)


def test_one_group_or_none_has_nothing_to_compare() -> None:
    mitigated = even_out(CUSTOMERS, POLICY, "gender").policy
    women = customers_of(*WOMEN)
    price = price_of(women, POLICY, mitigated)
    assert (price.before, price.after) == (None, None)
    assert "who get an offer cannot be compared; per 1,000" in price.sentence()
    with pytest.raises(DataError) as caught:
        even_out(women, POLICY, "gender")
    assert str(caught.value) == (
        "Offers cannot be evened out by gender: 1 of its groups have customers who left."
        " Give more customers, or set fairness.mitigation to none."
    )
    with pytest.raises(DataError) as caught:
        even_out(women, POLICY, "geography")
    assert str(caught.value) == "Customers are not grouped by 'geography'. Known attributes: gender, age_band."
    for policy, some in ((POLICY, CUSTOMERS), (mitigated, CUSTOMERS.take(np.zeros(8, dtype=bool)))):
        with pytest.raises(DataError, match="no customers, or a policy without margins"):
            price_of(some, POLICY, policy)
    assert price_of(CUSTOMERS.take(np.array([1])), POLICY, mitigated).rows == 1


@pytest.mark.parametrize(("before", "after"), [(None, 0.1), (0.1, None)])
def test_a_gap_that_is_missing_on_one_side_is_not_compared(before: float | None, after: float | None) -> None:
    price = MitigationPrice(
        attribute="age_band",
        rows=9,
        before=before,
        after=after,
        offers_before=1234.4,
        offers_after=12.6,
        profit_before=-1234.4,
        profit_after=5678.6,
        price=Interval(value=-6913.0, low=-7000.0, high=12.0),
    )
    assert price.sentence() == (
        "With a bar for each age band, the gap in the share of leavers who get an offer cannot be compared;"
        " per 1,000 customers, offers go from 1234 to 13 and profit from -1,234 to 5,679: a price of -6913 (-7000 to 12)."
    )


def test_who_is_grouped_otherwise_needs_the_groups_of_the_margins() -> None:
    mitigated = even_out(CUSTOMERS, POLICY, "gender").policy
    with pytest.raises(DataError, match="'gender', which is not known here"):
        price_of(replace(CUSTOMERS, groups={"age_band": CUSTOMERS.groups["age_band"]}), POLICY, mitigated)


def test_margins_of_before_count_for_nothing() -> None:
    once = even_out(CUSTOMERS, POLICY.model_copy(update={"contacts": 250}), "gender")
    assert once.policy.group_margins == pytest.approx(HALF)
    assert even_out(CUSTOMERS, once.policy, "gender") == once
    assert once.before == even_out(CUSTOMERS, POLICY, "gender").before


def test_a_campaign_that_earns_little_is_made() -> None:
    """A leaver earns 0.5 * 2.5 - 1 = 0.25, and 11.25 p - 11 is expected: -0.875 and -2."""
    little = POLICY.model_copy(update={"base_value": 12.5, "acceptance": 0.5})
    done = even_out(customers_of(("F", 0.9, 1), ("M", 0.8, 1)), little, "gender")
    assert done.policy.group_margins == pytest.approx({"F": -1.375, "M": -2.5})
    assert (done.offers_after, done.profit_after) == (1000, 250)


def test_of_two_shares_that_earn_alike_the_one_with_fewer_offers_is_chosen() -> None:
    """A leaver earns 0.3 * 40 - 1 = 11, what a stayer costs; 22 p - 11 is expected: 8.8 and 6.6, 2.2 and 0."""
    even = POLICY.model_copy(update={"base_value": 50.0})
    rows = ("F", 0.9, 1), ("F", 0.8, 0), ("F", 0.7, 1), ("M", 0.6, 1), ("M", 0.5, 0), ("M", 0.4, 1)
    done = even_out(customers_of(*rows), even, "gender")
    assert done.policy.group_margins == pytest.approx({"F": 7.7, "M": 1.1})


def test_a_group_without_offers_takes_nothing_of_the_limit() -> None:
    """A third of the leavers is one of three women; of one man, none is nearer to it."""
    done = even_out(
        customers_of(("F", 0.9, 1), ("F", 0.8, 1), ("F", 0.7, 1), ("M", 0.6, 1)),
        POLICY.model_copy(update={"contacts": 250}),
        "gender",
    )
    assert done.policy.group_margins == pytest.approx({"F": 20.45, "M": 12.2})
    assert done.offers_after == 250
