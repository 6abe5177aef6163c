"""One model's metrics on customers: each against scikit-learn or a count by hand, with the intervals of the same draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from fusionguard.config import EvaluationConfig
from fusionguard.evaluation.bootstrap import Interval, resampled_counts
from fusionguard.evaluation.ranked import TopShare
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.empc import expected_maximum_profit
from fusionguard.families.churn.readings import METRIC_LABELS, TOP, metric_digits, read_customers_metrics
from fusionguard.families.churn.retention import RetentionPolicy

POLICY = RetentionPolicy(
    base_value=100,
    balance_margin=0.0013,
    offer_cost=10,
    contact_cost=1,
    acceptance=0.3,
    group_attribute="gender",
    group_margins={"Female": 4.0},
)
RETENTION = RetentionConfig(acceptance_alpha=5, acceptance_beta=11)
SAMPLES, SEED = 20, 5


def read(customers: ScoredCustomers) -> dict[str, Interval]:
    config = EvaluationConfig(bootstrap_samples=SAMPLES)
    return read_customers_metrics(customers, POLICY, RETENTION, config, seed=SEED)


@pytest.fixture(scope="module")
def customers(make_customers: Any) -> ScoredCustomers:
    """With scores of their own, which rank otherwise than the probabilities; none are equal."""
    drawn = make_customers(730)
    return replace(drawn, score=drawn.score + np.random.default_rng(2).normal(0, 0.5, 730))


def empc(customers: ScoredCustomers) -> float:
    return expected_maximum_profit(
        customers.label,
        customers.score,
        customer_value=float(POLICY.customer_value(customers.balance).mean()),
        offer_cost=10,
        contact_cost=1,
        alpha=5,
        beta=11,
    ).profit


def top_lift(customers: ScoredCustomers) -> float:
    top = np.argsort(-customers.score)[: customers.rows // 10]
    return float(customers.label[top].mean() / customers.label.mean())


def campaign(customers: ScoredCustomers) -> float:
    offered = POLICY.decide(customers.probability, customers.balance, customers.groups)
    return float(1000 * POLICY.campaign_profit(customers.label, customers.balance, offered).mean())


def calibration_error(customers: ScoredCustomers) -> float:
    """The textbook formula; ten bins of as many rows, of which there are no ties."""
    bins = np.split(np.argsort(customers.probability), 10)
    off = [abs(customers.probability[rows].mean() - customers.label[rows].mean()) for rows in bins]
    return float(np.mean(off))


BY_HAND = {
    "average_precision": lambda customers: average_precision_score(customers.label, customers.score),
    "roc_auc": lambda customers: roc_auc_score(customers.label, customers.score),
    "expected_calibration_error": calibration_error,
    "brier": lambda customers: brier_score_loss(customers.label, customers.probability),
    "lift_in_top_tenth": top_lift,
    "expected_maximum_profit": empc,
    "campaign_profit_per_1000": campaign,
}


def test_every_metric_is_what_others_count(customers: ScoredCustomers) -> None:
    found = read(customers)
    assert list(found) == list(METRIC_LABELS) == list(BY_HAND)
    assert {name: reading.value for name, reading in found.items()} == pytest.approx(
        {name: by_hand(customers) for name, by_hand in BY_HAND.items()}
    )


@pytest.mark.parametrize("name", ["average_precision", "roc_auc", "brier", "campaign_profit_per_1000"])
def test_intervals_are_those_of_the_same_draws(name: str, customers: ScoredCustomers) -> None:
    drawn = []
    for count in resampled_counts(customers.label, SAMPLES, SEED):
        rows = np.repeat(np.arange(customers.rows), count.astype(np.int64))
        drawn.append(BY_HAND[name](customers.take(rows)))
    found = read(customers)[name]
    assert [found.low, found.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]))


def test_the_top_tenth_takes_ties_and_parts_of_customers_in_proportion(make_customers: Any) -> None:
    """Of 25 customers 2.5 are a tenth: one of the highest score, and 1.5 of the four, one of whom left, that tie behind."""
    score = np.array([9.0] + [8.0] * 4 + [1.0] * 20)
    label = np.array([1, 0, 0, 1, 0] + [0] * 17 + [1] * 3, dtype=np.int8)
    order = np.random.default_rng(1).permutation(25)
    customers = replace(make_customers(25), label=label[order], score=score[order])
    caught = 1 + 1.5 * 1 / 4
    assert read(customers)["lift_in_top_tenth"].value == pytest.approx((caught / 2.5) / (5 / 25))


def test_a_top_without_leavers_lifts_nothing(make_customers: Any) -> None:
    label = np.array([0] * 10 + [1] * 10, dtype=np.int8)
    customers = replace(make_customers(20), label=label, score=np.arange(20.0)[::-1])
    assert read(customers)["lift_in_top_tenth"].value == 0


def test_a_tie_that_holds_the_top_tenth_gives_of_its_leavers_in_proportion() -> None:
    """Three alike of five customers are first, one of whom left: a tenth, half a customer, holds a sixth of a leaver."""
    top = TopShare(np.array([0, 1, 0, 0, 1], dtype=np.int8), np.array([7.0, 7.0, 7.0, 3.0, 1.0]))
    assert top.lift(np.ones(5), TOP) == pytest.approx((1 / 3) / (2 / 5))
    # Those who stand for 2, 3 and 1 customers hold a tenth of all 10, and three of four who left.
    assert top.lift(np.array([2.0, 3.0, 1.0, 3.0, 1.0]), TOP) == pytest.approx((3 / 6) / (4 / 10))


def test_a_lift_needs_somebody_who_left() -> None:
    top = TopShare(np.array([0, 1, 0, 0], dtype=np.int8), np.array([4.0, 3.0, 2.0, 1.0]))
    assert top.lift(np.array([1.0, 0.5, 1.0, 1.0]), TOP) == 0  # half a leaver, who is not among the first
    assert np.isnan(top.lift(np.array([1.0, 0.0, 1.0, 1.0]), TOP))
    last = TopShare(np.array([0, 0, 1], dtype=np.int8), np.array([3.0, 2.0, 1.0]))
    assert last.lift(np.array([0.2, 0.0, 9.8]), TOP) == pytest.approx((0.8 / 1.0) / (9.8 / 10))


def test_a_metric_is_printed_with_the_decimals_it_is_worth() -> None:
    assert {name: metric_digits(name) for name in METRIC_LABELS} == {
        "average_precision": 3,
        "roc_auc": 3,
        "expected_calibration_error": 4,
        "brier": 4,
        "lift_in_top_tenth": 2,
        "expected_maximum_profit": 2,
        "campaign_profit_per_1000": 0,
    }
