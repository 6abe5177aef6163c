"""Sentences, limits and verdicts of the fairness reading, word by word and on both sides of every bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import false_positive_rate, selection_rate, true_positive_rate
from scipy.stats import binomtest

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, resampled_counts
from fusionguard.evaluation.scored import Flags
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.fairness import METRIC_NAMES, FairnessReport, GapReading, read_fairness
from fusionguard.families.churn.fairness_config import FairnessConfig, FairnessLimits
from fusionguard.families.churn.gaps import largest_difference, largest_distance
from fusionguard.families.churn.group_tally import tally_groups

FAIRLEARN = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
}
NO_LIMITS = dict.fromkeys(FairnessLimits.model_fields)


def gap(**changes: Any) -> GapReading:
    given: dict[str, Any] = {
        "attribute": "age_band",
        "metric": "true_positive_rate",
        "value": Interval(value=0.31, low=0.25, high=0.4),
        "limit": 0.2,
        "verdict": "broken",
        "groups": ("30-39", "60+"),
    }
    return GapReading(**given | changes)


TPR = "By age band, the share of leavers who get an offer (true-positive rate) is highest for '30-39' and lowest for '60+', "


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        (gap(), TPR + "0.310 (0.250 to 0.400) apart, which breaks the limit of 0.200 beyond doubt."),
        (gap(limit=None, verdict="reported"), TPR + "0.310 (0.250 to 0.400) apart."),
        (gap(limit=0.35, verdict="within"), TPR + "0.310 (0.250 to 0.400) apart, within the limit of 0.350."),
        (
            gap(limit=0.25),
            TPR + "0.310 (0.250 to 0.400) apart, above the limit of 0.250, though chance alone may do that.",
        ),
        (
            gap(limit=0.28, verdict="watch"),
            TPR + "0.310 (0.250 to 0.400) apart, above the limit of 0.280, though chance alone may do that: to be watched.",
        ),
        (
            gap(value=Interval(value=0.31)),
            TPR + "0.310 apart, above the limit of 0.200, though chance alone may do that.",
        ),
        (
            gap(value=Interval(reason="no group has 30 leavers or more"), verdict="reported", groups=()),
            "By age band, the share of leavers who get an offer (true-positive rate) cannot be compared:"
            " no group has 30 leavers or more, so its limit of 0.200 was not checked.",
        ),
        (
            gap(value=Interval(reason="no group has 30 leavers or more"), verdict="reported", groups=(), limit=None),
            "By age band, the share of leavers who get an offer (true-positive rate) cannot be compared:"
            " no group has 30 leavers or more.",
        ),
        (
            gap(attribute="gender", metric="calibration", groups=("Male",)),
            "By gender, the distance of the mean probability from the churn rate (calibration) is largest for 'Male':"
            " 0.310 (0.250 to 0.400), which breaks the limit of 0.200 beyond doubt.",
        ),
    ],
)
def test_a_gap_is_said_in_one_sentence(reading: GapReading, sentence: str) -> None:
    assert reading.sentence() == sentence


def test_what_needs_an_eye_comes_worst_first() -> None:
    unchecked = gap(metric="false_positive_rate", value=Interval(reason="none"), verdict="reported", groups=())
    unlimited = gap(metric="selection_rate", verdict="reported", limit=None)
    watch, broken, within = gap(verdict="watch", limit=0.28), gap(), gap(verdict="within", limit=0.9)
    report = FairnessReport(groups=(), gaps=(unchecked, unlimited, within, watch, broken), bootstrap_samples=5, seed=1)
    assert report.sentences() == [broken.sentence(), watch.sentence(), unchecked.sentence()]
    assert report.gap("age_band", "selection_rate") is unlimited
    with pytest.raises(DataError) as caught:
        report.gap("gender", "selection_rate")
    assert str(caught.value) == (
        "There is no reading of 'selection_rate' by 'gender'."
        " Metrics: selection_rate, true_positive_rate, false_positive_rate, calibration."
    )


@pytest.fixture(scope="module")
def customers(make_customers: Any) -> ScoredCustomers:
    """Four hundred of three countries; of the smallest, which all get an offer, 31 stayed and 9 left."""
    drawn = make_customers(400, seed=6)
    country = np.where(drawn.label == 1, "Spain", "France").astype("<U8")
    country[::3] = "Germany"
    country[np.flatnonzero(drawn.label == 0)[:31]] = "Andorra"
    country[np.flatnonzero(drawn.label == 1)[:9]] = "Andorra"
    country[np.flatnonzero(drawn.label == 1)[9:14]] = "France"
    return replace(drawn, groups=drawn.groups | {"geography": country})


@pytest.fixture(scope="module")
def offered(customers: ScoredCustomers) -> Flags:
    return (customers.probability > 0.2) | (customers.groups["geography"] == "Andorra")


def read(customers: ScoredCustomers, offered: Flags, **config: Any) -> FairnessReport:
    return read_fairness(customers, offered, FairnessConfig.model_validate(config), samples=15, seed=3)


def test_each_gap_has_the_limit_of_its_attribute_and_metric(customers: ScoredCustomers, offered: Flags) -> None:
    names = ("true_positive_rate", "false_positive_rate", "calibration")
    limits = {
        attribute: {name: (10 * place + number + 1) / 100 for number, name in enumerate(names)}
        for place, attribute in enumerate(("gender", "age_band", "geography"))
    }
    report = read(customers, offered, **limits)
    assert {(each.attribute, each.metric): each.limit for each in report.gaps if each.metric in names} == {
        (attribute, name): limit for attribute, of in limits.items() for name, limit in of.items()
    }
    assert (report.bootstrap_samples, report.seed) == (15, 3)


def test_a_gap_at_its_limit_is_within_it_and_a_bound_at_its_limit_leaves_doubt(
    customers: ScoredCustomers, offered: Flags
) -> None:
    plain = read(customers, offered, geography=NO_LIMITS, minimum_group_rows=5)
    value = {metric: plain.gap("geography", metric).value for metric in METRIC_NAMES}
    cases = {
        "true_positive_rate": (value["true_positive_rate"].value, "within", "within"),
        "false_positive_rate": (np.nextafter(value["false_positive_rate"].value, 0), "watch", "broken"),
        "selection_rate": (value["selection_rate"].low, "watch", "broken"),
        "calibration": (np.nextafter(value["calibration"].low, 0), "broken", "broken"),
    }
    limits = {metric: float(limit) for metric, (limit, _, _) in cases.items()}
    for beyond_doubt, place in ((True, 1), (False, 2)):
        report = read(customers, offered, geography=limits, minimum_group_rows=5, beyond_doubt=beyond_doubt)
        assert {metric: report.gap("geography", metric).verdict for metric in cases} == {
            metric: case[place] for metric, case in cases.items()
        }
        assert {each.verdict for each in report.gaps if each.limit is None} == {"reported"}


@pytest.mark.parametrize(("metric", "of"), [("selection_rate", None), ("true_positive_rate", 1), ("false_positive_rate", 0)])
def test_gaps_are_between_groups_that_have_enough_of_whom_the_rate_is_a_share(
    metric: str, of: int | None, customers: ScoredCustomers, offered: Flags
) -> None:
    country = customers.groups["geography"]
    inside = np.ones(400, dtype=bool) if of is None else customers.label == of
    counts = {str(name): int((inside & (country == name)).sum()) for name in np.unique(country[inside])}
    smallest, second = sorted(counts.values())[:2]
    for minimum in (smallest, smallest + 1):
        enough = [name for name, count in counts.items() if count >= minimum]
        rates = {name: float(offered[inside & (country == name)].mean()) for name in enough}
        tally = tally_groups(customers, offered, samples=15, seed=3)["geography"]
        judged = np.array([tally.names.index(name) for name in enough])
        found = read(customers, offered, minimum_group_rows=minimum, geography=NO_LIMITS).gap("geography", metric)
        assert rates == pytest.approx(
            {name: FAIRLEARN[metric](customers.label[country == name], offered[country == name].astype(int)) for name in enough}
        )
        highest, lowest = max(rates, key=rates.__getitem__), min(rates, key=rates.__getitem__)
        assert found.groups == (highest, lowest)
        assert found.value.value == pytest.approx(rates[highest] - rates[lowest])
        interval = largest_difference(np.array([rates[name] for name in enough]), tally.spread[metric][judged])
        assert (found.value.low, found.value.high) == pytest.approx(interval)
    assert second > smallest


def test_the_group_furthest_off_is_judged_among_those_with_enough_customers(customers: ScoredCustomers, offered: Flags) -> None:
    tally = tally_groups(customers, offered, samples=15, seed=3)["geography"]
    assert tally.names[0] == "Andorra" and tally.of["calibration"][0] == 40
    for minimum, judged in ((40, [0, 1, 2, 3]), (41, [1, 2, 3])):
        found = read(customers, offered, minimum_group_rows=minimum, geography=NO_LIMITS).gap("geography", "calibration")
        distances = tally.calibration[judged]
        worst = int(np.argmax(np.abs(distances)))
        assert found.groups == (tally.names[judged[worst]],)
        assert found.value.value == pytest.approx(abs(distances[worst]))
        interval = largest_distance(distances, tally.spread["calibration"][judged])
        assert (found.value.low, found.value.high) == pytest.approx(interval)


def test_too_few_to_compare_says_of_whom_and_how_many(customers: ScoredCustomers, offered: Flags) -> None:
    country = customers.groups["geography"]
    rows = {str(name): int((country == name).sum()) for name in np.unique(country)}
    largest = max(rows, key=rows.__getitem__)
    only = read(customers, offered, minimum_group_rows=rows[largest])
    assert only.gap("geography", "selection_rate").value.reason == f"only '{largest}' has {rows[largest]} customers or more"
    assert only.gap("geography", "false_positive_rate").value.reason == f"no group has {rows[largest]} stayers or more"
    assert only.gap("geography", "calibration").groups == (largest,), "one group is enough to be off"
    none = read(customers, offered, minimum_group_rows=401)
    assert none.gap("geography", "calibration").value.reason == "no group has 401 customers or more"
    assert none.gap("gender", "true_positive_rate").value.reason == "no group has 401 leavers or more"
    assert {(each.verdict, each.groups) for each in none.gaps} == {("reported", ())}


def test_a_groups_rates_have_wilsons_interval_and_its_calibration_that_of_the_draws(
    customers: ScoredCustomers, offered: Flags
) -> None:
    report = read(customers, offered)
    tally = tally_groups(customers, offered, samples=15, seed=3)
    for group in report.groups:
        inside = customers.groups[group.attribute] == group.group
        assert (group.rows, group.churners) == (inside.sum(), customers.label[inside].sum())
        assert group.churn_rate == pytest.approx(customers.label[inside].mean())
        assert group.mean_probability == pytest.approx(customers.probability[inside].mean())
        for name, chosen in (
            ("selection_rate", inside),
            ("true_positive_rate", inside & (customers.label == 1)),
            ("false_positive_rate", inside & (customers.label == 0)),
        ):
            found = getattr(group, name)
            if not chosen.any():
                assert (found.value, found.reason) == (None, f"no {'leavers' if name[0] == 't' else 'stayers'} in this group")
                continue
            other = binomtest(int(offered[chosen].sum()), int(chosen.sum())).proportion_ci(0.95, method="wilson")
            assert (found.value, found.low, found.high) == pytest.approx(
                (offered[chosen].mean(), other.low, other.high), abs=1e-6
            )
        place = tally[group.attribute].names.index(group.group)
        drawn = np.percentile(tally[group.attribute].drawn_calibration[:, place], [2.5, 97.5])
        assert group.calibration_gap.value == pytest.approx(group.mean_probability - group.churn_rate)
        assert (group.calibration_gap.low, group.calibration_gap.high) == pytest.approx(tuple(drawn))
    assert [(group.attribute, group.group) for group in report.groups] == [
        (attribute, name) for attribute, of in tally.items() for name in of.names
    ]


def test_a_customer_alone_in_a_group_has_a_calibration_without_an_interval_where_no_draw_holds_them(
    customers: ScoredCustomers, offered: Flags
) -> None:
    country = customers.groups["geography"].copy()
    country[7] = "Malta"
    alone = replace(customers, groups=customers.groups | {"geography": country})
    error = customers.probability[7] - customers.label[7]
    assert customers.label[7] == 0
    for seed, drawn in ((1, [0, 0]), (4, [1, 0])):
        assert [count[7] for count in resampled_counts(customers.label, 2, seed)] == drawn
        report = read_fairness(alone, offered, FairnessConfig(), samples=2, seed=seed)
        malta = next(group for group in report.groups if group.group == "Malta")
        assert malta.calibration_gap.value == pytest.approx(error)
        bounds = (malta.calibration_gap.low, malta.calibration_gap.high)
        assert bounds == (pytest.approx((error, error)) if any(drawn) else (None, None))
        # Of one customer, Wilson's interval of 0 of 1 ends at z^2 / (1 + z^2), and that of 1 of 1 begins at 1 less that.
        share, far = float(offered[7]), 1.959963984540054**2 / (1 + 1.959963984540054**2)
        for rate in (malta.selection_rate, malta.false_positive_rate):
            assert (rate.value, rate.low, rate.high) == pytest.approx(
                (share, share * (1 - far), share * (1 - far) + far), abs=1e-6
            )
        assert malta.true_positive_rate == Interval(reason="no leavers in this group")


def test_what_cannot_be_read_is_said_in_full(customers: ScoredCustomers, offered: Flags) -> None:
    with pytest.raises(DataError) as caught:
        read(customers.take(offered & ~offered), offered[:0])
    assert str(caught.value) == "Fairness cannot be read: there are no customers. Give the test slice a larger share."
    for flags, words in ((offered[1:], "not bool of shape (399,)"), (offered.astype(np.int8), "not int8 of shape (400,)")):
        with pytest.raises(DataError) as caught:
            read(customers, flags)
        assert str(caught.value) == (
            f"Fairness needs an offer flag for each of 400 customers, {words}. Decide on the same customers."
        )
