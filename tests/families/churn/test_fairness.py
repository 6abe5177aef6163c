from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from fusionguard.errors import DataError
from fusionguard.evaluation.scored import Flags
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.fairness import METRIC_NAMES, FairnessReport, read_fairness
from fusionguard.families.churn.fairness_config import FairnessConfig, FairnessLimits
from fusionguard.families.churn.gaps import largest_difference, largest_distance
from fusionguard.families.churn.group_tally import tally_groups
from fusionguard.families.churn.retention import fit_retention_policy
from fusionguard.features.churn import AGE_BANDS
from tests.families.churn.cases import ATTRIBUTES

CONFIG = FairnessConfig()
NO_LIMITS = dict.fromkeys(FairnessLimits.model_fields)


def offers(customers: ScoredCustomers) -> Flags:
    policy = fit_retention_policy(customers, RetentionConfig(contacts=250))
    return policy.decide(customers.probability, customers.balance)


def read(customers: ScoredCustomers, config: FairnessConfig = CONFIG, samples: int = 60, seed: int = 7) -> FairnessReport:
    return read_fairness(customers, offers(customers), config, samples=samples, seed=seed)


def skewed(customers: ScoredCustomers, attribute: str, group: str, log_odds: float) -> ScoredCustomers:
    """What a model would say that is wrong about one group on purpose."""
    score = customers.score + log_odds * (customers.groups[attribute] == group)
    return customers.scored_by(1 / (1 + np.exp(-score)), score)


def regrouped(customers: ScoredCustomers, attribute: str, names: Any) -> ScoredCustomers:
    return replace(customers, groups=customers.groups | {attribute: np.asarray(names)})


def test_groups_and_gaps_are_what_counting_says(make_customers: Any) -> None:
    customers = make_customers(1_500)
    offered, report = offers(customers), read(customers)
    assert [(group.attribute, group.group) for group in report.groups][2:7] == [("age_band", band) for band in AGE_BANDS]
    left = customers.label == 1
    for group in report.groups:
        chosen = customers.groups[group.attribute] == group.group
        assert (group.rows, group.churners) == (chosen.sum(), left[chosen].sum())
        assert group.selection_rate.value == pytest.approx(offered[chosen].mean())
        assert group.true_positive_rate.value == pytest.approx(offered[chosen & left].mean())
        assert group.false_positive_rate.value == pytest.approx(offered[chosen & ~left].mean())
        assert group.mean_probability == pytest.approx(customers.probability[chosen].mean())
        assert group.churn_rate == pytest.approx(left[chosen].mean())
        assert group.calibration_gap.value == pytest.approx(group.mean_probability - group.churn_rate)
    assert [(gap.attribute, gap.metric) for gap in report.gaps] == [(of, name) for of in ATTRIBUTES for name in METRIC_NAMES]
    for gap in report.gaps:
        of = [group for group in report.groups if group.attribute == gap.attribute]
        if gap.metric == "calibration":
            expected = {group.group: abs(group.calibration_gap.value) for group in of}
            assert gap.groups == (max(expected, key=expected.__getitem__),)
            assert gap.value.value == pytest.approx(max(expected.values()))
        else:
            expected = {group.group: getattr(group, gap.metric).value for group in of}
            assert gap.groups == (max(expected, key=expected.__getitem__), min(expected, key=expected.__getitem__))
            assert gap.value.value == pytest.approx(max(expected.values()) - min(expected.values()))
        assert 0 <= gap.value.low <= gap.value.value <= gap.value.high <= 1


@pytest.mark.parametrize(
    ("attribute", "group", "log_odds", "highest"),
    [
        ("gender", "Female", -2.5, ("Male", "Female")),
        ("gender", "Female", 2.5, ("Female", "Male")),
        ("geography", "Spain", -4.0, ("", "Spain")),
    ],
)
def test_a_model_made_unfair_on_purpose_breaks_its_limits(
    make_customers: Any, attribute: str, group: str, log_odds: float, highest: tuple[str, str]
) -> None:
    fair = make_customers(1_600)
    assert read(fair).broken == ()
    report = read(skewed(fair, attribute, group, log_odds))
    broken = {(gap.attribute, gap.metric): gap for gap in report.broken}
    # Every other group holds some of the wronged one, so its calibration is off too; its offers are not further from its peers'.
    assert {of for of, metric in broken if metric != "calibration"} == {attribute}
    gap = broken[attribute, "true_positive_rate"]
    assert gap.groups[1] == highest[1]
    assert highest[0] in ("", gap.groups[0])
    assert gap.value.low > gap.limit
    assert broken[attribute, "calibration"].groups == (group,)
    sentence = next(each for each in report.sentences() if "true-positive" in each)
    assert sentence == gap.sentence()
    assert all(f"'{name}'" in sentence for name in gap.groups)
    assert f"By {attribute}" in sentence and f"breaks the limit of {gap.limit:.3f} beyond doubt" in sentence


@pytest.mark.full
def test_noise_alone_does_not_break_a_limit_in_19_of_20_samples(make_customers: Any) -> None:
    # Groups by lot: the true gap is 0, that of five small groups is above its limit nearly always.
    strict = dict.fromkeys(FairnessLimits.model_fields, 0.02)
    config = FairnessConfig.model_validate({"gender": NO_LIMITS, "age_band": strict, "geography": NO_LIMITS})
    above = dict.fromkeys(METRIC_NAMES, 0)
    broken = dict.fromkeys(METRIC_NAMES, 0)
    for seed in range(20):
        report = read(make_customers(1_600, seed=100 + seed), config, samples=20, seed=seed)
        for metric in METRIC_NAMES:
            above[metric] += report.gap("age_band", metric).value.value > 0.02
            broken[metric] += report.gap("age_band", metric) in report.broken
    assert min(above[metric] for metric in ("selection_rate", "true_positive_rate", "false_positive_rate")) >= 19
    assert max(broken.values()) <= 1


@pytest.mark.full
@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.3, 0.5, 0.5), (0.4, 0.4, 0.4, 0.4, 0.4), (0.2, 0.4, 0.6, 0.6, 0.6)])
def test_the_lower_bound_of_the_largest_gap_is_seldom_above_the_truth(rates: tuple[float, ...]) -> None:
    generator, truth = np.random.default_rng(5), np.array(rates)
    spread = np.linspace(0.02, 0.08, truth.size)
    drawn = truth + spread * generator.normal(size=(500, truth.size))
    bounds = np.array([largest_difference(each, spread) for each in drawn])
    gap = truth.max() - truth.min()
    assert np.mean(bounds[:, 0] > gap) <= 0.06
    assert np.mean(bounds[:, 1] < gap) <= 0.06
    assert np.mean((drawn.max(axis=1) - drawn.min(axis=1)) > gap) >= 0.49, "the gap itself leans upwards"


def test_two_groups_get_the_usual_interval_and_one_distance_too() -> None:
    low, high = largest_difference(np.array([0.7, 0.4]), np.array([0.03, 0.04]))
    assert (low, high) == pytest.approx((0.3 - norm.ppf(0.975) * 0.05, 0.3 + norm.ppf(0.975) * 0.05))
    low, high = largest_distance(np.array([-0.2]), np.array([0.05]))
    assert (low, high) == pytest.approx((0.2 - norm.ppf(0.975) * 0.05, 0.2 + norm.ppf(0.975) * 0.05))


def test_more_groups_make_the_interval_wider() -> None:
    widths = [np.ptp(largest_difference(np.linspace(0.4, 0.6, k), np.full(k, 0.03))) for k in (2, 3, 5)]
    assert widths == sorted(widths) and len(set(widths)) == 3


def test_standard_errors_are_the_textbook_ones(make_customers: Any) -> None:
    customers = make_customers(4_000)
    tally = tally_groups(customers, offers(customers), samples=300, seed=1)["gender"]
    for metric in ("true_positive_rate", "false_positive_rate"):
        rate = tally.hits[metric] / tally.of[metric]
        assert tally.spread[metric] == pytest.approx(np.sqrt(rate * (1 - rate) / tally.of[metric]), rel=0.15)
    error = customers.probability - customers.label
    own = [error[customers.groups["gender"] == name].std() for name in tally.names]
    assert tally.spread["calibration"] == pytest.approx(own / np.sqrt(tally.of["calibration"]), rel=0.15)


def test_a_group_treated_all_alike_leaves_doubt(make_customers: Any) -> None:
    customers = make_customers(1_000)
    chosen = customers.groups["gender"] == "Male"
    report = read_fairness(customers, chosen, CONFIG, samples=60, seed=7)
    men = next(group for group in report.groups if group.group == "Male")
    assert men.true_positive_rate.value == men.true_positive_rate.high == 1
    assert men.true_positive_rate.low < 0.99
    gap = report.gap("gender", "true_positive_rate")
    assert gap.value.value == 1 and gap.value.low < 0.995


@pytest.mark.full
def test_small_groups_are_shown_but_not_judged(make_customers: Any) -> None:
    customers = make_customers(1_600)
    names = customers.groups["geography"].astype("<U12")
    names[:29] = "Andorra"
    few = regrouped(customers, "geography", names)
    offered = offers(few)
    offered[:29] = True
    report = read_fairness(few, offered, CONFIG, samples=60, seed=7)
    andorra = next(group for group in report.groups if group.group == "Andorra")
    assert (andorra.rows, andorra.selection_rate.value) == (29, 1)
    assert all("Andorra" not in gap.groups for gap in report.gaps)
    assert report.gap("geography", "selection_rate").value.value < 0.3
    judged = read_fairness(few, offered, FairnessConfig(minimum_group_rows=29), samples=60, seed=7)
    assert judged.gap("geography", "selection_rate").groups[0] == "Andorra"
    # 29 customers are enough then, but fewer of them left: a rate is judged by what it is a share of.
    assert "Andorra" not in judged.gap("geography", "true_positive_rate").groups


def test_a_group_of_one_class_has_a_reason_instead_of_a_rate(make_customers: Any) -> None:
    customers = make_customers(1_000)
    stayers_only = regrouped(customers, "gender", np.where(customers.label == 1, "Male", customers.groups["gender"]))
    report = read(stayers_only)
    women = next(group for group in report.groups if group.group == "Female")
    assert women.churners == 0
    assert women.true_positive_rate.value is None and women.true_positive_rate.reason == "no leavers in this group"
    assert women.false_positive_rate.value is not None
    assert women.calibration_gap.value == pytest.approx(women.mean_probability)
    gap = report.gap("gender", "true_positive_rate")
    assert gap.verdict == "reported" and gap.groups == ()
    assert gap.value.reason == "only 'Male' has 30 leavers or more"
    assert any("cannot be compared" in each and "its limit of 0.150 was not checked" in each for each in report.sentences())


@pytest.mark.full
def test_a_gap_that_may_be_chance_is_watched_or_broken_as_the_config_asks(make_customers: Any) -> None:
    customers = make_customers(1_600)
    plain = read(customers).gap("gender", "true_positive_rate")
    limit = (plain.value.low + plain.value.value) / 2
    limits = NO_LIMITS | {"true_positive_rate": limit}
    watched = read(customers, FairnessConfig.model_validate({"gender": limits}))
    assert watched.gap("gender", "true_positive_rate").verdict == "watch"
    assert watched.broken == ()
    assert "chance alone may do that: to be watched" in watched.sentences()[0]
    refused = read(customers, FairnessConfig.model_validate({"gender": limits, "beyond_doubt": False}))
    assert [gap.metric for gap in refused.broken] == ["true_positive_rate"]
    assert "to be watched" not in refused.sentences()[0]
    assert plain.verdict == "within" and read(customers).sentences() == []
    assert (
        read(customers, FairnessConfig.model_validate({"gender": NO_LIMITS})).gap("gender", "true_positive_rate").verdict
        == "reported"
    )


def test_the_same_seed_gives_the_same_report_and_it_survives_json(make_customers: Any) -> None:
    customers = make_customers(800)
    first, again, other = read(customers), read(customers), read(customers, seed=8)
    assert first == again != other
    assert FairnessReport.model_validate_json(first.model_dump_json()) == first


def test_what_cannot_be_read_is_said(make_customers: Any) -> None:
    customers = make_customers(100)
    offered = offers(customers)
    with pytest.raises(DataError, match="no customers"):
        read_fairness(customers.take(offered & ~offered), offered[:0], CONFIG, samples=20, seed=0)
    with pytest.raises(DataError, match=r"100 customers, not bool of shape \(99,\)"):
        read_fairness(customers, offered[1:], CONFIG, samples=20, seed=0)
    with pytest.raises(DataError, match="not float64"):
        read_fairness(customers, offered.astype(np.float64), CONFIG, samples=20, seed=0)  # type: ignore[arg-type]
    without = read(replace(customers, groups={}))
    assert (without.groups, without.gaps, without.sentences()) == ((), (), [])
    with pytest.raises(DataError, match="no reading of 'luck' by 'gender'"):
        read(customers).gap("gender", "luck")


def test_a_limit_that_is_left_out_keeps_its_default() -> None:
    config = FairnessConfig.model_validate({"gender": {"true_positive_rate": 0.3}})
    assert (config.gender.true_positive_rate, config.gender.calibration) == (0.3, FairnessConfig().gender.calibration)
    assert config.gender.calibration is not None
