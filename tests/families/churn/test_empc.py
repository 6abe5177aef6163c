from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import beta as beta_distribution
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from fusionguard.evaluation.metrics import UndefinedMetricError
from fusionguard.families.churn.empc import ProfitReader, expected_maximum_profit, maximum_profit

COSTS: dict[str, float] = {"customer_value": 200, "offer_cost": 10, "contact_cost": 1}
BETA: dict[str, float] = {"alpha": 6, "beta": 14}

# By the numbers of `_case`: rows, share of churners, ties, then V, d, f, alpha, beta, and what EMP-PY 2.0.4 (`empChurn`, the R
# package EMP's authors' port) and empulse 0.13.1 (`mpc_score`, `empc_score` and their `optimal_rate`) both return for it, to the
# twelfth digit: MPC and its fraction, EMPC and its fraction.
CASES = [
    ((200, 0.20, False), (200, 10, 1, 6, 14), (6.885, 0.44, 6.953308161938659, 0.45696372830672816)),
    ((1000, 0.20, False), (200, 10, 1, 6, 14), (5.201, 0.453, 5.448634120002418, 0.4003619809277361)),
    ((1000, 0.50, True), (300, 15, 2, 6, 14), (34.359, 0.852, 34.450903972172384, 0.8530512351267576)),
    ((500, 0.05, True), (100, 30, 5, 2, 3), (0.184, 0.008, 0.18437963348604744, 0.007777800916284882)),
    ((2000, 0.20, True), (199.43, 10, 1, 12, 28), (5.579824, 0.4405, 5.623491500854999, 0.40890799157498625)),
    ((300, 0.30, False), (120, 10, 20, 1.5, 1.5), (4.0, 0.21333333333333335, 4.683844570228119, 0.20076461317110547)),
]


def _case(seed: int, rows: int, churners: float, ties: bool) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    label = (generator.random(rows) < churners).astype(np.int8)
    score = 1 / (1 + np.exp(-(generator.normal(size=rows) + 1.2 * label - 1)))
    return label, np.round(score, 1) if ties else score


def test_published_worked_values() -> None:
    """The examples of ``mpc`` and ``empc`` in the reference of empulse (checked in releases 0.5.2 and 0.7.0)."""
    label, score = np.array([0, 1] * 4, dtype=np.int8), np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9])
    best = maximum_profit(label, score, acceptance=0.3, **COSTS)
    assert (best.profit, best.fraction) == pytest.approx((23.874999999999996, 0.875), rel=1e-12)
    expected = expected_maximum_profit(label, score, **BETA, **COSTS)
    assert (expected.profit, expected.fraction) == pytest.approx((23.875593418348124, 0.8743700763487141), rel=1e-12)


def test_published_values_of_a_cross_validated_model() -> None:
    """The second examples of ``mpc_score`` and ``empc_score`` there: clv=300, incentive_cost=15, mean of five folds."""
    features, label = make_classification(random_state=42)
    costs = COSTS | {"customer_value": 300, "offer_cost": 15}
    fixed, expected = [], []
    for rest, fold in StratifiedKFold(n_splits=5, shuffle=True, random_state=42).split(features, label):
        score = LogisticRegression().fit(features[rest], label[rest]).predict_proba(features[fold])[:, 1]
        fixed.append(maximum_profit(label[fold], score, acceptance=0.3, **costs).profit)
        expected.append(expected_maximum_profit(label[fold], score, **BETA, **costs).profit)
    assert np.mean(fixed) == pytest.approx(42.08999999999999, rel=1e-12)
    assert np.mean(expected) == pytest.approx(42.09000050753503, rel=1e-12)


@pytest.mark.parametrize(("seed", "case"), list(enumerate(CASES)))
def test_two_other_implementations_agree(seed: int, case: Any) -> None:
    shape, (value, offer, contact, alpha, beta), (profit, fraction, expected_profit, expected_fraction) = case
    label, score = _case(seed, *shape)
    costs = {"customer_value": value, "offer_cost": offer, "contact_cost": contact}
    best = maximum_profit(label, score, acceptance=alpha / (alpha + beta), **costs)
    assert (best.profit, best.fraction) == pytest.approx((profit, fraction), rel=1e-12)
    expected = expected_maximum_profit(label, score, alpha=alpha, beta=beta, **costs)
    assert (expected.profit, expected.fraction) == pytest.approx((expected_profit, expected_fraction), rel=1e-12)


@pytest.mark.parametrize(("seed", "case"), list(enumerate(CASES)))
def test_it_is_the_integral_of_the_best_threshold(seed: int, case: Any) -> None:
    """The definition itself, without a hull: every threshold at every gamma, in the paper's notation, summed on a fine grid."""
    shape, (value, offer, contact, alpha, beta), _ = case
    label, score = _case(seed, *shape)
    delta, phi = offer / value, contact / value
    edges = np.linspace(0, 1, 4_001)
    gamma, mass = (edges[1:] + edges[:-1]) / 2, np.diff(beta_distribution.cdf(edges, alpha, beta))
    best, share = np.zeros(gamma.size), np.zeros(gamma.size)
    for threshold in np.unique(score):
        churners = np.mean((score >= threshold) & (label == 1))
        stayers = np.mean((score >= threshold) & (label == 0))
        profit = value * (gamma * (1 - delta) - phi) * churners - value * (delta + phi) * stayers
        share = np.where(profit > best, churners + stayers, share)
        best = np.maximum(best, profit)
    expected = expected_maximum_profit(
        label, score, customer_value=value, offer_cost=offer, contact_cost=contact, alpha=alpha, beta=beta
    )
    assert expected.profit == pytest.approx(float(np.sum(best * mass)), rel=1e-5)
    assert expected.fraction == pytest.approx(float(np.sum(share * mass)), abs=1e-3)


def test_a_perfect_ranking_reaches_every_churner_and_nobody_else() -> None:
    label = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.int8)
    best = maximum_profit(label, label.astype(np.float64), acceptance=0.3, **COSTS)
    assert best.profit == pytest.approx(0.2 * (0.3 * 190 - 1))
    assert best.fraction == pytest.approx(0.2)


def test_without_information_the_choice_is_everybody_or_nobody() -> None:
    label, score = np.array([1] + [0] * 9, dtype=np.int8), np.zeros(10)
    few = maximum_profit(label, score, acceptance=0.3, **COSTS)
    assert (few.profit, few.fraction) == (0.0, 0.0)
    many = maximum_profit(1 - label, score, acceptance=0.3, **COSTS)
    assert many.profit == pytest.approx(0.9 * 56 - 0.1 * 11)
    assert many.fraction == 1.0


@pytest.mark.parametrize("value", [0.0, 5.0, 10.0])
def test_customers_worth_no_more_than_the_offer_are_left_alone(value: float) -> None:
    label, score = _case(0, 200, 0.5, False)
    costs = COSTS | {"customer_value": value}
    assert maximum_profit(label, score, acceptance=0.9, **costs).fraction == 0
    expected = expected_maximum_profit(label, score, **BETA, **costs)
    assert (expected.profit, expected.fraction) == (0.0, 0.0)


def test_only_the_order_counts_and_not_that_of_the_rows() -> None:
    label, score = _case(2, 1000, 0.5, True)
    shuffled = np.random.default_rng(0).permutation(1000)
    expected = expected_maximum_profit(label, score, **BETA, **COSTS)
    again = expected_maximum_profit(label[shuffled], np.exp(5 * score[shuffled]) - 9, **BETA, **COSTS)
    assert again == expected


def test_a_sure_acceptance_distribution_is_the_fixed_one() -> None:
    label, score = _case(1, 1000, 0.2, False)
    nearly_fixed = expected_maximum_profit(label, score, alpha=3e6, beta=7e6, **COSTS)
    assert nearly_fixed.profit == pytest.approx(maximum_profit(label, score, acceptance=0.3, **COSTS).profit, rel=1e-4)


@pytest.mark.parametrize("ties", [False, True])
def test_a_weight_is_so_many_customers(ties: bool) -> None:
    label, score = _case(3, 400, 0.3, ties)
    reader = ProfitReader(label, score, **COSTS, **BETA)
    weight = np.random.default_rng(4).integers(0, 4, 400)
    repeated = expected_maximum_profit(np.repeat(label, weight), np.repeat(score, weight), **COSTS, **BETA).profit
    assert reader.expected_maximum_profit(weight.astype(np.float64)) == pytest.approx(repeated, rel=1e-12)
    assert reader.expected_maximum_profit(np.full(400, 2.5)) == pytest.approx(
        expected_maximum_profit(label, score, **COSTS, **BETA).profit, rel=1e-12
    )


def test_a_draw_without_one_class_is_not_a_number() -> None:
    label, score = _case(3, 400, 0.3, False)
    reader = ProfitReader(label, score, **COSTS, **BETA)
    for weight in (label == 1, label == 0, np.zeros(400)):
        assert np.isnan(reader.expected_maximum_profit(np.asarray(weight, dtype=np.float64)))


@pytest.mark.parametrize(("label", "why"), [([0, 0], "no churners here"), ([1, 1], "no stayers here"), ([], "no customers here")])
def test_one_class_has_no_maximum_profit(label: list[int], why: str) -> None:
    labels, scores = np.array(label, dtype=np.int8), np.arange(len(label), dtype=np.float64)
    with pytest.raises(UndefinedMetricError, match=why):
        maximum_profit(labels, scores, acceptance=0.3, **COSTS)
    with pytest.raises(UndefinedMetricError, match=why):
        expected_maximum_profit(labels, scores, **BETA, **COSTS)


def test_a_segment_that_earns_nothing_is_left_out_and_one_that_earns_little_is_not() -> None:
    label = np.array([1, 0], dtype=np.int8)
    # A churner brings 0.5 * (34 - 10) - 1 = 11, as much as a stayer costs.
    even = maximum_profit(label, np.zeros(2), customer_value=34, offer_cost=10, contact_cost=1, acceptance=0.5)
    assert (even.profit, even.fraction) == (0, 0)
    little = maximum_profit(label, np.array([2.0, 1.0]), customer_value=13, offer_cost=10, contact_cost=1, acceptance=0.5)
    assert (little.profit, little.fraction) == (0.25, 0.5)


def test_one_churner_is_enough_and_none_leaves_neither_number() -> None:
    label, score = np.array([0, 1, 0], dtype=np.int8), np.array([1.0, 2.0, 0.0])
    found = ProfitReader(label, score, **COSTS, **BETA).read(np.ones(3))
    assert found.profit == pytest.approx((0.3 * 190 - 1) / 3, rel=1e-3)
    assert found.fraction == pytest.approx(1 / 3, abs=1e-3)
    nobody = ProfitReader(label, score, **COSTS, **BETA).read(np.array([1.0, 0.0, 1.0]))
    assert np.isnan(nobody.profit) and np.isnan(nobody.fraction)


@pytest.mark.parametrize("weighted", [False, True])
def test_runs_are_pooled_by_how_many_customers_they_hold(weighted: bool) -> None:
    """One stayer, then three churners, then three churners and two stayers: 3 of 4 and 3 of 5 are two edges of the hull.

    Taken as if they were of one size, the first two runs would have a rate of 1/2, below 3/5, and all three would be one edge.
    A churner is worth 12 * gamma - 1 and a stayer costs 11: the edges pay from a gamma of 14/36 and of 25/36 on.
    """
    label, score, weight = np.array([0, 1, 1, 0], dtype=np.int8), np.array([3.0, 2.0, 1.0, 1.0]), np.array([1, 3, 3, 2])
    if not weighted:
        label, score, weight = np.repeat(label, weight), np.repeat(score, weight), np.ones(9, dtype=np.int64)
        best = maximum_profit(label, score, customer_value=22, offer_cost=10, contact_cost=1, acceptance=0.5)
        assert (best.profit, best.fraction) == pytest.approx((4 / 9, 4 / 9))
    for unit in (1, 1000):  # in thousands a segment gains less than 1
        costs = {"customer_value": 22 / unit, "offer_cost": 10 / unit, "contact_cost": 1 / unit}
        found = ProfitReader(label, score, **costs, alpha=1, beta=1).read(weight.astype(np.float64))
        assert found.profit == pytest.approx((22**2 + 11**2) / 72 / 9 / unit)
        assert found.fraction == pytest.approx((4 * 22 + 5 * 11) / 36 / 9)
