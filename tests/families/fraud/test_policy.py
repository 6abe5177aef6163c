from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation import metrics
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.families.fraud.config import PolicyConfig
from fusionguard.families.fraud.policy import DecisionPolicy, fit_policy


def test_without_a_budget_an_alert_pays_for_its_review(make_rows: Any) -> None:
    policy = fit_policy(make_rows(), PolicyConfig(review_cost=3.0))
    assert policy == DecisionPolicy(review_cost=3.0)
    alert = policy.decide(np.array([0.04, 0.02, 1.0, 1.0]), np.array([100.0, 100.0, 3.0, 3.01]))
    assert alert.tolist() == [True, False, False, True]


def test_calibrated_probabilities_make_it_the_cheapest_threshold(make_rows: Any) -> None:
    rows = make_rows(40_000, legitimate_weight=1.0)
    generator = np.random.default_rng(3)
    label = (generator.random(rows.rows) < rows.probability).astype(np.int8)
    expected_loss = rows.probability * rows.amount
    cost = {bar: metrics.cost(label, rows.amount, rows.weight, expected_loss > bar, 3.0) for bar in (0.3, 0.75, 3.0, 12.0, 30.0)}
    assert min(cost, key=cost.__getitem__) == 3.0


@pytest.mark.parametrize("budget", [20, 100, 400])
def test_a_budget_is_kept_and_used(make_rows: Any, budget: int) -> None:
    rows = make_rows(20_000)
    policy = fit_policy(rows, PolicyConfig(alerts_per_day=budget))
    alerts = float(np.sum(rows.weight * policy.decide(rows.probability, rows.amount)))
    assert policy.minimum_expected_saving > 0
    assert budget - rows.weight.max() / rows.days <= alerts / rows.days <= budget


def test_a_budget_larger_than_the_need_changes_nothing(make_rows: Any) -> None:
    policy = fit_policy(make_rows(), PolicyConfig(alerts_per_day=10_000_000))
    assert policy.minimum_expected_saving == 0
    assert policy.alerts_per_day == 10_000_000


def test_tied_rows_that_do_not_all_fit_stay_out(make_rows: Any) -> None:
    rows = make_rows(1_000).scored_by(np.full(1_000, 0.5))
    rows.amount[:] = 100.0
    policy = fit_policy(rows, PolicyConfig(alerts_per_day=10))
    assert not policy.decide(rows.probability, rows.amount).any()


def _two_days(saving: list[float], weight: list[float]) -> ScoredRows:
    """Rows of exactly two days whose alerts save ``saving`` at a review cost of 3."""
    rows = len(saving)
    return ScoredRows(
        label=np.zeros(rows, dtype=np.int8),
        probability=np.full(rows, 0.5),
        amount=2 * (np.array(saving) + 3.0),
        time_seconds=np.linspace(7, 2 * 86_400 + 6, rows).astype(np.int64),
        weight=np.array(weight),
        score=np.full(rows, 0.5),
    )


@pytest.mark.parametrize(
    ("budget", "bar"),
    [
        (1, 40.0),  # two alerts in two days: the best row stands for 2, and just fits
        (2, 7.5),  # 4: the two best stand for 2 + 1.5, the third for 3 more
        (3, 7.5),  # 6: with the third they would be 6.5
        (4, 0.25),  # 8: the fourth, worth less than 1, would make 8.5
        (5, 0.0),
    ],
)
def test_the_bar_is_what_the_first_row_saves_that_the_budget_leaves_out(budget: int, bar: float) -> None:
    rows = _two_days([7.5, 0.25, 90.0, 40.0, -1.0], [3.0, 2.0, 2.0, 1.5, 1.0])
    assert rows.days == 2
    policy = fit_policy(rows, PolicyConfig(review_cost=3.0, alerts_per_day=budget))
    assert policy.minimum_expected_saving == pytest.approx(bar, abs=1e-12)


def test_a_bar_is_never_below_what_pays_for_the_review() -> None:
    rows = _two_days([5.0, -1.5, -2.0], [1.0, 1.0, 7.0])
    assert fit_policy(rows, PolicyConfig(review_cost=3.0, alerts_per_day=1)).minimum_expected_saving == 0


@pytest.mark.parametrize("values", [(1, 3), (1.0, 3.0)])
def test_decisions_have_their_types_whatever_is_given(values: tuple[float, float]) -> None:
    policy = DecisionPolicy(review_cost=3.0)
    probability, amount = np.array(values, dtype=np.float32), np.array(values, dtype=np.float32)
    assert policy.expected_saving(probability, amount).dtype == np.float64
    assert policy.decide(probability, amount).dtype == np.bool_


def test_a_budget_cannot_be_learned_from_nothing(make_rows: Any) -> None:
    rows = make_rows(10)
    with pytest.raises(DataError, match="calibration slice is empty"):
        fit_policy(rows.take(np.zeros(10, dtype=bool)), PolicyConfig(alerts_per_day=10))


@pytest.mark.parametrize(
    ("probability", "amount", "expected"),
    [
        (0.5, 100.0, "alert: expected loss 50.00 exceeds the review cost of 3.00 plus 2.00 for the alert budget"),
        (0.04, 100.0, "accept: expected loss 4.00 does not exceed the review cost of 3.00 plus 2.00 for the alert budget"),
        (1.0, 5.0, "accept: amount 5.00 is not above the review cost of 3.00 plus 2.00 for the alert budget"),
    ],
)
def test_the_reason_agrees_with_the_decision(probability: float, amount: float, expected: str) -> None:
    policy = DecisionPolicy(review_cost=3.0, alerts_per_day=50, minimum_expected_saving=2.0)
    assert policy.reason(probability, amount) == expected
    decided = bool(policy.decide(np.array([probability]), np.array([amount]))[0])
    assert decided == expected.startswith("alert")


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        (0.0, "accept: amount 2.00 is not above the review cost of 3.00"),
        (0.4, "accept: amount 2.00 is not above the review cost of 3.00 plus 0.40 for the alert budget"),
    ],
)
def test_the_reason_names_a_bar_where_there_is_one(bar: float, expected: str) -> None:
    assert DecisionPolicy(review_cost=3.0, minimum_expected_saving=bar).reason(0.9, 2.0) == expected


def test_a_fraud_that_gives_money_back_costs_what_was_given_back() -> None:
    policy = DecisionPolicy(review_cost=3.0, loss_without_amount=11.0)
    amount = np.array([-40.0, 40.0, -2.0, 0.0, np.nan])
    assert policy.loss(amount).tolist() == [40.0, 40.0, 2.0, 0.0, 11.0]
    assert [policy.loss_of(each) for each in (-40.0, 40.0, -2.0, 0.0, None)] == [40.0, 40.0, 2.0, 0.0, 11.0]
    assert policy.decide(np.full(5, 0.1), amount).tolist() == [True, True, False, False, False]
    assert policy.reason(0.1, -40.0) == "alert: expected loss 4.00 exceeds the review cost of 3.00"
    assert policy.reason(0.9, -2.0) == "accept: a fraud's loss of 2.00 is not above the review cost of 3.00"


def test_a_policy_survives_json() -> None:
    policy = DecisionPolicy(review_cost=3.0, alerts_per_day=50, minimum_expected_saving=1 / 3)
    assert DecisionPolicy.model_validate_json(policy.model_dump_json()) == policy
