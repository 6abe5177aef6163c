from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation import metrics
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.report import FRAUD_MODEL, EvaluationReport, evaluate
from tests.evaluation.conftest import transaction_segments

CONFIG = FraudEvaluationConfig(bootstrap_samples=20)
POLICY = DecisionPolicy(review_cost=3.0)


def test_the_report_holds_every_metric_of_every_model(report: EvaluationReport) -> None:
    assert list(report.readings()) == [FRAUD_MODEL, "logistic regression", "XGBoost defaults"]
    for read in report.readings().values():
        assert list(read) == list(report.metric_labels)
    rows = report.table_rows()
    assert [row.label for row in rows][:3] == ["average precision", "ROC AUC", "recall at 0.1 % false-positive rate"]
    assert set(rows[0].readings) == set(report.readings())
    assert rows[0].readings[FRAUD_MODEL].value == report.value("average_precision")


def test_the_gain_over_a_reference_is_the_difference_of_the_readings(report: EvaluationReport) -> None:
    gain = report.gains["logistic regression"]
    expected = report.value("average_precision") - report.value("average_precision", "logistic regression")
    assert gain.value == pytest.approx(expected)
    assert gain.value > 0


def test_the_report_is_the_same_each_time_and_survives_json(make_report: Any, report: EvaluationReport) -> None:
    text = report.to_json()
    assert make_report().to_json() == text
    assert EvaluationReport.model_validate_json(text) == report
    assert "NaN" not in text and "Infinity" not in text
    read = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    order = "origin test metric_labels metrics references gains policy operating_point slices curves fairness"
    kept = "reports that are kept differ from new ones where fields change places"
    assert " ".join(read) == f"{order} bootstrap_samples seed", kept


def test_a_tracker_gets_plain_finite_numbers(report: EvaluationReport) -> None:
    flat = report.flat_metrics()
    assert flat["test_average_precision"] == report.value("average_precision")
    assert flat["test_average_precision_low"] < flat["test_average_precision_high"]
    assert "logistic_regression_test_brier" in flat
    assert all(np.isfinite(value) for value in flat.values())
    assert all(name.replace("_", "").isalnum() for name in flat)


def test_the_window_is_weighted_to_the_real_prior(make_rows: Any) -> None:
    rows = make_rows(2_000)
    window = evaluate(rows, {}, POLICY, CONFIG, origin="local", seed=1).test
    assert window.rows == 2_000
    assert window.transactions == pytest.approx(rows.positives + 12.2 * (2_000 - rows.positives))
    assert window.fraud_rate == pytest.approx(rows.positives / window.transactions)
    assert window.fraud_amount == pytest.approx(rows.amount[rows.label == 1].sum())


def test_the_operating_point_lies_on_the_cost_curve(make_rows: Any) -> None:
    rows = make_rows()
    report = evaluate(rows, {}, POLICY, CONFIG, origin="local", seed=1)
    curve = report.curves.cost[FRAUD_MODEL]
    near = np.interp(report.operating_point.alerts_per_day, curve.alerts_per_day, curve.savings)
    assert near == pytest.approx(report.value("savings"), abs=0.02)
    assert max(curve.savings) >= report.value("savings") - 0.02


def test_slices_cover_every_row_once_in_each_segment(report: EvaluationReport) -> None:
    for segment in ("amount", "time of day"):
        parts = [part for part in report.slices if part.segment == segment]
        assert sum(part.rows for part in parts) == report.test.rows
        assert sum(part.frauds for part in parts) == report.test.frauds


def test_a_slice_reads_what_its_rows_read_alone(make_rows: Any) -> None:
    rows = make_rows()
    report = evaluate(rows, {}, POLICY, CONFIG, origin="local", seed=1, segments=transaction_segments(rows))
    part = next(part for part in report.slices if part.name == "10 to under 100")
    own = rows.take((rows.amount >= 10) & (rows.amount < 100))
    assert part.rows == own.rows
    assert part.average_precision.value == metrics.average_precision(own.label, own.score, own.weight)
    assert part.recall.value == metrics.recall(own.label, own.weight, POLICY.decide(own.probability, own.amount))


def test_a_slice_without_frauds_has_a_reason_instead_of_a_number(make_rows: Any) -> None:
    rows = make_rows()
    large = rows.amount >= 500
    rows = replace(rows, label=np.where(large, 0, rows.label).astype(np.int8))
    report = evaluate(rows, {}, POLICY, CONFIG, origin="local", seed=1, segments=transaction_segments(rows))
    part = next(part for part in report.slices if part.name == "500 and more")
    assert part.rows > 0 and part.frauds == 0
    assert part.average_precision.value is None
    assert part.average_precision.reason == part.recall.reason == "no positive rows here"
    assert part.alert_rate.value is not None
    assert part.calibration_error.value is not None
    empty = next(part for part in report.slices if part.name == "00 to 05")
    assert empty.rows == 0
    assert {reading.reason for reading in (empty.average_precision, empty.recall, empty.alert_rate)} == {"no rows here"}


def test_a_test_slice_of_one_class_is_refused_with_a_remedy(make_rows: Any) -> None:
    rows = make_rows(500)
    for chosen, expected in ((rows.label == 0, "holds no fraud"), (rows.label == 1, "holds only frauds")):
        with pytest.raises(DataError, match=expected) as caught:
            evaluate(rows.take(chosen), {}, POLICY, CONFIG, origin="local", seed=1)
        assert "larger share" in caught.value.remedy


def test_a_reference_of_other_rows_is_refused(make_rows: Any) -> None:
    with pytest.raises(DataError, match="'other' was scored on other rows"):
        evaluate(make_rows(500), {"other": make_rows(500, seed=3)}, POLICY, CONFIG, origin="local", seed=1)


def test_frauds_without_amounts_leave_the_savings_open(make_rows: Any) -> None:
    rows = make_rows(800)
    report = evaluate(replace(rows, amount=np.zeros(800)), {}, POLICY, CONFIG, origin="local", seed=1)
    assert report.metrics["savings"].reason == "the positive rows here have no amount to lose"
    assert report.operating_point.precision.reason == "no alerts here"
    assert report.curves.cost[FRAUD_MODEL].savings == ()
    with pytest.raises(DataError, match="no savings against accept-all"):
        report.value("savings")


def test_the_gate_gets_the_models_and_the_logistic_regressions_average_precision(report: EvaluationReport) -> None:
    facts = report.gate_facts()
    assert facts.own == report.metrics["average_precision"].value
    assert facts.bar == report.references["logistic regression"]["average_precision"].value
    assert facts.test_seconds == (report.test.first_second, report.test.last_second)
    assert facts.refusals == ()
    assert report.model_copy(update={"references": {}}).gate_facts().bar is None
