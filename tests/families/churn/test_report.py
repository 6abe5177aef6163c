"""The final reading of a churn model: what it holds, what the gate makes of it, and a model made unfair on purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.config import GateConfig
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import PairedDifference
from fusionguard.evaluation.comparison import Comparison
from fusionguard.evaluation.gate import Contender, GateVerdict, decide_gate
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.empc import expected_maximum_profit
from fusionguard.families.churn.report import CHURN_MODEL, ChurnReport, evaluate_customers
from tests.families.churn.cases import ChurnCase

CHAMPION = Contender(version="1", sha256="aa", origin="simulated", source_sha256="s", features_sha256="f", holdout_sha256="h")


def reading_of(case: ChurnCase, customers: ScoredCustomers, **changes: Any) -> ChurnReport:
    """Read other scores of the same test slice, beside references that are the fair scores with noise."""
    noise = np.random.default_rng(3).normal(size=case.customers.rows)
    given: dict[str, Any] = {
        "references": {"logistic regression": case.customers.scored_by(case.customers.probability, case.customers.score + noise)},
        "policy": case.report.policy,
        "comparison": case.report.cross_validation,
        "config": case.config,
        "seen": case.customers,
        "origin": "simulated",
        "amount": "balance",
        "evened_by": "gender",
    } | changes
    return evaluate_customers(customers, **given)


def skewed(customers: ScoredCustomers, group: str, log_odds: float) -> ScoredCustomers:
    """Move the scores of one gender, as a model that wrongs it would."""
    score = customers.score + np.where(customers.groups["gender"] == group, log_odds, 0.0)
    return customers.scored_by(1 / (1 + np.exp(-score)), score)


def gate(report: ChurnReport, champion: Contender | None = None) -> GateVerdict:
    challenger = Contender(
        version="2", sha256="bb", origin="simulated", source_sha256="s", features_sha256="f", holdout_sha256="h"
    )
    better = PairedDifference(value=0.1, low=0.05, high=0.15, probability_better=1.0)
    surely = Comparison(average_precision=better, log_loss=better, brier=better)
    return decide_gate(challenger, champion, facts=report.gate_facts(), compare=lambda: surely, config=GateConfig())


def test_the_gate_refuses_a_model_made_unfair_on_purpose_and_takes_the_fair_one(churn_case: ChurnCase) -> None:
    fair = reading_of(churn_case, churn_case.customers)
    assert fair.gate_facts().refusals == ()
    assert gate(fair).promoted
    unfair = reading_of(churn_case, skewed(churn_case.customers, "Female", -3.0))
    verdict = gate(unfair)
    assert not verdict.promoted
    assert "The challenger is refused. By gender" in verdict.reason
    assert "'Female'" in verdict.reason
    assert not gate(unfair, CHAMPION).promoted
    assert gate(fair, CHAMPION).promoted


def test_limits_that_are_lifted_let_the_same_model_pass(churn_case: ChurnCase) -> None:
    open_limits = churn_case.config.model_copy(
        update={
            "fairness": type(churn_case.config.fairness).model_validate(
                {
                    name: dict.fromkeys(("true_positive_rate", "false_positive_rate", "calibration"))
                    for name in ("gender", "age_band", "geography")
                }
            )
        }
    )
    report = reading_of(churn_case, skewed(churn_case.customers, "Female", -3.0), config=open_limits)
    assert report.gate_facts().refusals == ()


def test_the_campaign_and_empc_are_those_of_the_rows(churn_case: ChurnCase) -> None:
    report, customers, policy = churn_case.report, churn_case.customers, churn_case.report.policy
    offered = policy.decide(customers.probability, customers.balance)
    assert report.campaign.offers_per_1000 == pytest.approx(1000 * offered.mean())
    profit = policy.campaign_profit(customers.label, customers.balance, offered)
    assert report.value("campaign_profit_per_1000") == pytest.approx(1000 * profit.mean())
    assert report.campaign.churners_reached.value == pytest.approx(customers.label[offered].sum() / customers.churners)
    retention = churn_case.config.retention
    empc = expected_maximum_profit(
        customers.label,
        customers.score,
        customer_value=float(policy.customer_value(customers.balance).mean()),
        offer_cost=retention.offer_cost,
        contact_cost=retention.contact_cost,
        alpha=retention.acceptance_alpha,
        beta=retention.acceptance_beta,
    )
    assert report.value("expected_maximum_profit") == pytest.approx(empc.profit)


def test_lift_in_the_top_tenth_is_that_of_a_sort(churn_case: ChurnCase) -> None:
    customers = churn_case.customers.take(np.arange(590))
    order = np.argsort(-customers.score, kind="stable")
    by_hand = customers.label[order][:59].mean() / customers.label.mean()
    report = reading_of(churn_case, customers, references={}, seen=churn_case.customers)
    assert report.value("lift_in_top_tenth") == pytest.approx(by_hand, rel=0.05)  # ties at the border count in proportion


def test_every_metric_has_an_interval_around_it_and_a_row_of_the_table(churn_case: ChurnCase) -> None:
    rows = churn_case.report.table_rows()
    assert [row.name for row in rows] == list(churn_case.report.metric_labels)
    for row in rows:
        assert next(iter(row.readings)) == CHURN_MODEL
        for reading in row.readings.values():
            assert reading.value is not None and reading.low is not None and reading.high is not None
            assert reading.low <= reading.high
    flat = churn_case.report.flat_metrics()
    assert flat["test_roc_auc"] == churn_case.report.value("roc_auc")
    assert {"cv_roc_auc", "logistic_regression_cv_average_precision", "fairness_gender_calibration_gap"} <= set(flat)


def test_bands_reliability_and_segments_are_partitions(churn_case: ChurnCase) -> None:
    report = churn_case.report
    assert sum(band.rows for band in report.bands) == sum(part.rows for part in report.reliability) == report.test.rows
    for attribute in ("gender", "age_band", "geography"):
        assert sum(part.rows for part in report.segments if part.attribute == attribute) == report.test.rows


def test_a_file_of_one_country_has_no_mitigation_to_offer(churn_case: ChurnCase) -> None:
    groups = churn_case.customers.groups | {"geography": np.full(churn_case.customers.rows, "Spain")}
    one = replace(churn_case.customers, groups=groups)
    references = {"logistic regression": replace(one, score=one.score + np.random.default_rng(0).normal(size=one.rows))}
    assert reading_of(churn_case, one, references=references, seen=one, evened_by="geography").mitigation is None
    assert reading_of(churn_case, one, references=references, seen=one, evened_by=None).mitigation is None


def test_the_same_rows_give_the_same_report_and_it_survives_json(churn_case: ChurnCase) -> None:
    again = reading_of(churn_case, churn_case.customers)
    assert reading_of(churn_case, churn_case.customers).to_json() == again.to_json()
    assert ChurnReport.model_validate_json(again.to_json()) == again
    order = "origin test metric_labels metrics references gains cross_validation policy amount campaign bands "
    order += "lift profit reliability fairness mitigation segments bootstrap_samples seed"
    assert " ".join(json.loads(again.to_json())) == order, "reports that are kept differ from new ones where fields change places"


def test_one_outcome_or_a_reference_of_other_rows_is_refused(churn_case: ChurnCase) -> None:
    stayed = churn_case.customers.take(churn_case.customers.label == 0)
    with pytest.raises(DataError, match="holds no customer who left"):
        reading_of(churn_case, stayed, references={})
    with pytest.raises(DataError, match="'logistic regression' was scored on other customers"):
        reading_of(churn_case, churn_case.customers.take(np.arange(300)))
