from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.scored import Flags
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.fairness import read_fairness
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.families.churn.mitigation import Mitigation, even_out, price_of
from fusionguard.families.churn.retention import RetentionPolicy, fit_retention_policy


@pytest.fixture
def uneven(make_customers: Any) -> Any:
    """A function that makes customers of whom women leave more often, and are told apart better, than men."""

    def make(rows: int = 6_000, seed: int = 1) -> ScoredCustomers:
        base = make_customers(rows, seed=seed)
        women = base.groups["gender"] == "Female"
        score = np.where(women, base.score + 1.0, 0.7 * base.score - 0.8)
        probability = 1 / (1 + np.exp(-score))
        label = (np.random.default_rng(seed + 1).random(rows) < probability).astype(np.int8)
        return replace(base, label=label, probability=probability, score=score)

    return make


def rate(customers: ScoredCustomers, offered: Flags, group: str) -> float:
    return float(offered[(customers.groups["gender"] == group) & (customers.label == 1)].mean())


def decide(policy: RetentionPolicy, customers: ScoredCustomers) -> Flags:
    return policy.decide(customers.probability, customers.balance, customers.groups)


@pytest.mark.parametrize("contacts", [None, 150])
def test_leavers_of_all_groups_are_reached_alike_and_the_limit_of_contacts_is_kept(uneven: Any, contacts: int | None) -> None:
    customers = uneven()
    policy = fit_retention_policy(customers, RetentionConfig(contacts=contacts))
    done = even_out(customers, policy, "gender")
    offered = decide(done.policy, customers)
    assert done.before == pytest.approx(
        rate(customers, decide(policy, customers), "Female") - rate(customers, decide(policy, customers), "Male")
    )
    assert done.before > 0.15
    fewest = min((customers.label[customers.groups["gender"] == name]).sum() for name in ("Female", "Male"))
    assert done.after <= 1 / fewest
    assert done.after == pytest.approx(abs(rate(customers, offered, "Female") - rate(customers, offered, "Male")))
    assert (done.policy.group_attribute, set(done.policy.group_margins)) == ("gender", {"Female", "Male"})
    assert done.policy.group_margins["Female"] > 0 > done.policy.group_margins["Male"]
    assert contacts is None or 0.95 * contacts < done.offers_after <= contacts
    profit = policy.campaign_profit(customers.label, customers.balance, offered)
    assert done.profit_after == pytest.approx(1000 * profit.mean())
    assert done.price.value == pytest.approx(done.profit_before - done.profit_after)
    assert done.price.low < done.price.value < done.price.high


def test_no_other_pair_of_bars_that_meets_earns_more(uneven: Any) -> None:
    customers = uneven(400)
    policy = fit_retention_policy(customers, RetentionConfig())
    done = even_out(customers, policy, "gender")
    expected = policy.expected_profit(customers.probability, customers.balance)
    groups = [customers.groups["gender"] == name for name in ("Female", "Male")]
    left = [int(customers.label[group].sum()) for group in groups]
    most = -np.inf
    traces = []
    for group, leavers in zip(groups, left, strict=True):
        bars = np.append(np.unique(expected[group]), -np.inf)
        offered = [group & (expected > bar) for bar in bars]
        share = np.array([customers.label[each].sum() / leavers for each in offered])
        profit = np.array([policy.campaign_profit(customers.label, customers.balance, each).sum() for each in offered])
        traces.append((share, profit))
    for share, profit in zip(*traces[0], strict=True):
        meets = np.abs(traces[1][0] - share) <= 0.5 / max(left)
        if meets.any():
            most = max(most, profit + traces[1][1][meets].max())
    assert 1000 * most / customers.rows <= done.profit_after + 1e-6


def test_fairlearn_s_threshold_optimizer_finds_the_same_common_rate(uneven: Any) -> None:
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Known(ClassifierMixin, BaseEstimator):
        def fit(self, X: Any, y: Any) -> Known:
            self.classes_ = np.array([0, 1])
            return self

        def predict_proba(self, X: Any) -> Any:
            return np.column_stack([1 - X[:, 0], X[:, 0]])

        def predict(self, X: Any) -> Any:
            return (X[:, 0] > 0.5).astype(int)

        def __sklearn_is_fitted__(self) -> bool:
            return True

    customers = uneven(20_000)
    customers = replace(customers, balance=np.zeros(customers.rows))
    # A leaver reached earns as often more than a stayer costs as there are more stayers: profit is then balanced accuracy.
    worth = (customers.rows - customers.churners) / customers.churners
    policy = RetentionPolicy(base_value=2 * worth + 1, balance_margin=0, offer_cost=1, contact_cost=0, acceptance=0.5)
    done = even_out(customers, policy, "gender")
    ours = decide(done.policy, customers)
    theirs = ThresholdOptimizer(
        estimator=Known().fit(None, None),
        constraints="true_positive_rate_parity",
        objective="balanced_accuracy_score",
        prefit=True,
        predict_method="predict_proba",
    )
    X, gender = customers.probability[:, None], customers.groups["gender"]
    theirs.fit(X, customers.label, sensitive_features=gender)
    tossed = theirs.predict(X, sensitive_features=gender, random_state=1).astype(bool)

    def balanced(offered: Flags) -> float:
        return float(offered[customers.label == 1].mean() - offered[customers.label == 0].mean())

    assert done.after < 0.001 < done.before
    assert abs(rate(customers, tossed, "Female") - rate(customers, tossed, "Male")) < 0.02
    assert balanced(ours) == pytest.approx(balanced(tossed), abs=0.01)
    assert rate(customers, ours, "Male") == pytest.approx(rate(customers, tossed, "Male"), abs=0.04)


def test_the_gap_stays_small_and_the_price_near_on_customers_it_was_not_fitted_on(uneven: Any) -> None:
    customers, fresh = uneven(12_000), uneven(12_000, seed=50)
    policy = fit_retention_policy(customers, RetentionConfig())
    done = even_out(customers, policy, "gender")
    price = price_of(fresh, policy, done.policy)
    assert price.rows == fresh.rows
    assert price.after < 0.05 < 0.15 < price.before
    assert price.price.low <= done.price.high and done.price.low <= price.price.high
    assert price.profit_after < price.profit_before, "even-handedness is not for free where groups differ this much"


def test_a_refused_model_passes_once_evened_out(uneven: Any) -> None:
    customers, fresh = uneven(8_000), uneven(1_600, seed=9)
    policy = fit_retention_policy(customers, RetentionConfig(contacts=150))
    done = even_out(customers, policy, "gender")
    before, after = (
        read_fairness(fresh, decide(each, fresh), FairnessConfig(), samples=60, seed=7) for each in (policy, done.policy)
    )
    assert ("gender", "true_positive_rate") in {(gap.attribute, gap.metric) for gap in before.broken}
    assert after.gap("gender", "true_positive_rate").verdict == "within"


def test_tied_customers_stay_together_and_the_same_input_gives_the_same_margins(uneven: Any) -> None:
    customers = uneven(2_000)
    customers = replace(customers, probability=np.round(customers.probability, 1), balance=np.round(customers.balance, -5))
    policy = fit_retention_policy(customers, RetentionConfig(contacts=100))
    done, again = (even_out(customers, policy, "gender") for _ in range(2))
    assert done == again
    assert done.after < done.before
    assert done.offers_after <= 100
    assert Mitigation.model_validate_json(done.model_dump_json()) == done


def test_where_offers_never_pay_nobody_gets_one(uneven: Any) -> None:
    customers = uneven(500)
    policy = RetentionPolicy(base_value=5, balance_margin=0, offer_cost=10, contact_cost=1, acceptance=0.3)
    done = even_out(customers, policy, "gender")
    assert (done.offers_after, done.profit_after, done.after, done.price.value) == (0, 0, 0, 0)


def test_a_group_without_leavers_keeps_the_common_bar(uneven: Any) -> None:
    customers = uneven(3_000)
    names = customers.groups["gender"].astype("<U8")
    names[(customers.label == 0) & (np.arange(3_000) < 200)] = "unknown"
    customers = replace(customers, groups=customers.groups | {"gender": names})
    policy = fit_retention_policy(customers, RetentionConfig(contacts=150))
    done = even_out(customers, policy, "gender")
    assert set(done.policy.group_margins) == {"Female", "Male"}
    unknown = names == "unknown"
    assert np.array_equal(decide(done.policy, customers)[unknown], decide(policy, customers)[unknown])
    assert done.offers_after <= 150


def test_margins_replace_those_of_before(uneven: Any) -> None:
    customers = uneven(2_000)
    policy = fit_retention_policy(customers, RetentionConfig())
    once = even_out(customers, policy, "gender")
    assert even_out(customers, once.policy, "gender") == once
    assert even_out(customers, once.policy, "geography").policy.group_attribute == "geography"


def test_the_sentence_names_gap_and_price(uneven: Any) -> None:
    customers = uneven(2_000)
    done = even_out(customers, fit_retention_policy(customers, RetentionConfig()), "gender")
    sentence = done.sentence()
    assert f"{done.before:.3f} becomes {done.after:.3f}" in sentence
    assert f"a price of {done.price.text(0)}" in sentence


def test_what_cannot_be_evened_out_is_said(uneven: Any) -> None:
    customers = uneven(300)
    policy = fit_retention_policy(customers, RetentionConfig())
    with pytest.raises(DataError, match="not grouped by 'shoe size'") as error:
        even_out(customers, policy, "shoe size")
    assert "gender, age_band, geography" in error.value.remedy
    women = customers.take(customers.groups["gender"] == "Female")
    with pytest.raises(DataError, match="1 of its groups have customers who left"):
        even_out(women, policy, "gender")
    with pytest.raises(DataError, match="no customers, or a policy without margins"):
        price_of(customers, policy, policy)
    mitigated = even_out(customers, policy, "gender").policy
    assert price_of(women, policy, mitigated).after is None
    with pytest.raises(DataError, match="not known here"):
        price_of(replace(customers, groups={}), policy, mitigated)
