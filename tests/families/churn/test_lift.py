from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.metrics import UndefinedMetricError
from fusionguard.families.churn.empc import maximum_profit
from fusionguard.families.churn.lift import lift_table, profit_curve
from fusionguard.families.churn.retention import RetentionPolicy

POLICY = RetentionPolicy(base_value=100, balance_margin=0.001, offer_cost=10, contact_cost=1, acceptance=0.3)
MARGINS = POLICY.model_copy(update={"group_attribute": "gender", "group_margins": {"Female": -4.0, "Male": 6.0}})


def test_lift_by_hand(make_customers: Any) -> None:
    customers = replace(
        make_customers(10),
        label=np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 0], dtype=np.int8),
        score=np.arange(10.0, 0.0, -1.0),
    )
    table = lift_table(customers, points=5)
    assert [point.share_contacted for point in table] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert [point.gain for point in table] == pytest.approx([0.5, 1, 1, 1, 1])
    assert [point.lift for point in table] == pytest.approx([2.5, 2.5, 1 / 0.6, 1.25, 1])
    assert [point.churn_rate for point in table] == pytest.approx([0.5, 0.5, 1 / 3, 0.25, 0.2])


def test_ties_are_reached_together_whatever_their_order(make_customers: Any) -> None:
    label = np.array([1, 1, 0, 0, 0, 0, 0, 0], dtype=np.int8)
    customers = replace(make_customers(8), label=label, score=np.array([2.0] * 4 + [1.0] * 4))
    table = lift_table(customers, points=4)
    assert [point.gain for point in table] == pytest.approx([0.5, 1, 1, 1])
    assert lift_table(customers.take(np.arange(8)[::-1]), points=4) == table


def test_a_score_that_knows_nothing_lifts_nothing(make_customers: Any) -> None:
    customers = make_customers(200)
    flat = customers.scored_by(np.full(200, 0.2))
    assert [point.lift for point in lift_table(flat)] == pytest.approx([1.0] * 20)


def test_lift_falls_and_gain_rises_to_everybody(make_customers: Any) -> None:
    table = lift_table(make_customers(20_000))
    lifts, gains = [point.lift for point in table], [point.gain for point in table]
    assert lifts == sorted(lifts, reverse=True)
    assert gains == sorted(gains)
    assert (table[-1].share_contacted, table[-1].lift, table[-1].gain) == pytest.approx((1, 1, 1))
    assert lifts[0] > 3


def test_there_is_no_lift_without_churners_or_customers(make_customers: Any) -> None:
    customers = make_customers(100)
    with pytest.raises(UndefinedMetricError, match="no churners here"):
        lift_table(customers.take(customers.label == 0))
    nobody = customers.take(np.zeros(100, dtype=bool))
    with pytest.raises(UndefinedMetricError, match="no customers here"):
        lift_table(nobody)
    with pytest.raises(UndefinedMetricError, match="no customers here"):
        profit_curve(nobody, POLICY)


def test_the_curve_starts_with_nobody_and_ends_with_everybody(make_customers: Any) -> None:
    customers = make_customers(2_000)
    curve = profit_curve(customers, POLICY)
    assert len(curve.points) == 51
    assert (curve.points[0].share_contacted, curve.points[0].profit) == (0, 0)
    everybody = POLICY.campaign_profit(customers.label, customers.balance, np.ones(2_000, dtype=bool))
    assert curve.points[-1].share_contacted == 1
    assert curve.points[-1].profit == pytest.approx(1000 * everybody.mean())


@pytest.mark.parametrize("policy", [POLICY, POLICY.model_copy(update={"minimum_expected_profit": 9.0}), MARGINS])
def test_the_policy_stops_on_its_own_curve(make_customers: Any, policy: RetentionPolicy) -> None:
    customers = make_customers(1_000)
    curve = profit_curve(customers, policy, points=1_000)
    offered = policy.decide(customers.probability, customers.balance, customers.groups)
    earned = policy.campaign_profit(customers.label, customers.balance, offered)
    assert curve.policy_point.share_contacted == offered.mean()
    assert curve.policy_point.profit == pytest.approx(earned.sum())
    on_curve = curve.points[int(offered.sum())]
    assert (on_curve.share_contacted, on_curve.profit) == pytest.approx((offered.mean(), earned.sum()))


def test_with_right_probabilities_the_policy_is_near_the_top(make_customers: Any) -> None:
    curve = profit_curve(make_customers(100_000), POLICY)
    assert curve.policy_point.profit >= 0.99 * max(point.profit for point in curve.points) > 0


def test_customers_of_one_value_top_out_at_the_maximum_profit(make_customers: Any) -> None:
    """MPC and the curve reach the same number by different ways."""
    customers = replace(make_customers(1_000), balance=np.full(1_000, 100_000.0))
    top = max(profit_curve(customers, POLICY, points=1_000).points, key=lambda point: point.profit)
    best = maximum_profit(
        customers.label, customers.score, customer_value=200, offer_cost=10, contact_cost=1, acceptance=POLICY.acceptance
    )
    assert top.profit == pytest.approx(1000 * best.profit)
    assert top.share_contacted == pytest.approx(best.fraction)


def test_margins_need_the_groups(make_customers: Any) -> None:
    with pytest.raises(DataError, match="'gender', which is not known here"):
        profit_curve(replace(make_customers(100), groups={}), MARGINS)


def test_one_churner_and_one_customer_are_enough(make_customers: Any) -> None:
    customers = replace(make_customers(5), label=np.array([0, 0, 1, 0, 0], dtype=np.int8), score=np.array([5.0, 4, 3, 2, 1]))
    assert [point.gain for point in lift_table(customers, points=5)] == pytest.approx([0, 0, 1, 1, 1])
    alone = customers.take(np.array([2]))
    assert [point.lift for point in lift_table(alone, points=2)] == pytest.approx([1, 1])
    earned = float(POLICY.campaign_profit(alone.label, alone.balance, np.ones(1, dtype=bool))[0])
    assert [point.profit for point in profit_curve(alone, POLICY, points=2).points] == pytest.approx(
        [0, 500 * earned, 1000 * earned]
    )


def test_ties_behind_the_first_are_reached_together_too(make_customers: Any) -> None:
    label = np.array([1, 1, 0, 0, 1, 0, 0, 0], dtype=np.int8)
    customers = replace(make_customers(8), label=label, score=np.array([2.0] * 4 + [1.0] * 4))
    assert [point.gain for point in lift_table(customers, points=4)] == pytest.approx([1 / 3, 2 / 3, 2.5 / 3, 1])
