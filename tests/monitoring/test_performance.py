"""Metrics on late labels: against the evaluation, by delay, in calibration and in fairness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.fairness import read_fairness
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.families.churn.outcomes import ChurnOutcomes, gaps_of, scored_customers
from fusionguard.families.churn.readings import read_customers_metrics
from fusionguard.families.churn.retention import fit_retention_policy
from fusionguard.families.fraud.config import FraudEvaluationConfig, PolicyConfig
from fusionguard.families.fraud.outcomes import FraudOutcomes, scored_transactions
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import read_metrics
from fusionguard.families.outcomes import Gap, MetricReader, OutcomeReading
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.monitoring.outcomes import LabelledRows, delay_cohorts, labelled_rows, metric_delta, read_performance
from fusionguard.monitoring.performance import PerformanceReport
from tests.monitoring.windows import DAY_MICROS, START_MICROS, churn_window, fraud_window, known_at

SAMPLES = 40
Baseline = tuple[dict[str, Interval], tuple[Gap, ...]]
CHURN = ChurnConfig().model_copy(
    update={"evaluation": ChurnConfig().evaluation.model_copy(update={"bootstrap_samples": SAMPLES})}
)


def churn_log(rows: int, seed: int, *, moved: float = 0.0, random: float = 0.0) -> pa.Table:
    """Customers labelled as the score says (``moved`` in log-odds), a share of them at random; every fifth has no label yet."""
    log = churn_window(rows, seed)
    rng = np.random.default_rng(seed + 1)
    true = 1 / (1 + np.exp(-log["score"].to_numpy() - moved))
    true = np.where(rng.random(rows) < random, true.mean(), true)
    label = pa.array((rng.random(rows) < true).astype(np.int8), mask=np.arange(rows) % 5 == 0)
    delay = rng.choice([0.5, 3.0, 45.0], rows) * DAY_MICROS
    observed = log["time"].cast(pa.int64()).to_numpy() + delay.astype(np.int64)
    stamps = pa.array(observed, mask=np.arange(rows) % 5 == 0).cast(pa.timestamp("us", tz="UTC"))
    return log.append_column("label", label).append_column("label_observed_at", stamps)


def churn_reader(rows: LabelledRows) -> MetricReader:
    customers = scored_customers(rows.table, CHURN_FEATURES)
    policy = fit_retention_policy(customers, CHURN.retention)
    return lambda flags: read_customers_metrics(customers.take(flags), policy, CHURN.retention, CHURN.evaluation, seed=7)


def gaps_between(rows: LabelledRows) -> tuple[Gap, ...]:
    offered = np.array(rows.table["decision"].to_pylist()) == "offer"
    return gaps_of(
        read_fairness(scored_customers(rows.table, CHURN_FEATURES), offered, FairnessConfig(), samples=SAMPLES, seed=7)
    )


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    rows = labelled_rows(churn_log(3_000, 41))
    return dict(churn_reader(rows)(np.ones(rows.table.num_rows, dtype=np.bool_))), gaps_between(rows)


def read_churn(log: pa.Table, baseline: Baseline) -> PerformanceReport:
    rows = labelled_rows(log)
    reading = OutcomeReading(churn_reader(rows), gaps=gaps_between(rows))
    return read_performance(rows, reading, baseline[0], judged=ChurnOutcomes.judged, gaps=baseline[1])


def test_windows_like_the_evaluation_raise_no_alarm(baseline: Baseline) -> None:
    reports = [read_churn(churn_log((500, 900)[seed % 2], 50 + seed), baseline) for seed in range(6)]
    assert all(report.comparisons for report in reports)
    assert sum(bool(report.findings) for report in reports) <= 1, [report.findings for report in reports]


def test_worse_ranking_is_found_with_its_interval(baseline: Baseline) -> None:
    report = read_churn(churn_log(3_000, 42, random=0.6), baseline)
    by_metric = {finding.subject: finding for finding in report.findings if finding.kind == "metric"}
    assert by_metric["roc_auc"].level == "act"
    delta = report.deltas["roc_auc"]
    assert delta.high is not None and delta.high < -0.02
    assert "when the model was evaluated" in by_metric["roc_auc"].sentence


def test_another_base_rate_is_found_as_calibration(baseline: Baseline) -> None:
    report = read_churn(churn_log(3_000, 43, moved=1.2), baseline)
    kinds = {(finding.kind, finding.level) for finding in report.findings}
    assert ("calibration", "act") in kinds
    assert not any(finding.subject == "roc_auc" for finding in report.findings)


def test_grown_gaps_between_groups_are_found(baseline: Baseline) -> None:
    log = churn_log(4_000, 44)
    women = np.array(log["Gender"].to_pylist()) == "Female"
    decision = np.where(women, "none", np.array(log["decision"].to_pylist()))
    report = read_churn(log.set_column(log.column_names.index("decision"), "decision", pa.array(decision)), baseline)
    gap = next(finding for finding in report.findings if finding.subject == "true_positive_rate by gender")
    assert gap.level == "act", "it breaks the limit that the gate keeps"
    assert "gender" in gap.sentence
    selection = next(finding for finding in report.comparisons if finding.subject == "selection_rate by gender")
    assert selection.level == "watch", "no limit is set for it"


def test_cohorts_divide_the_labels_by_delay(baseline: Baseline) -> None:
    report = read_churn(churn_log(1_500, 45), baseline)
    assert [cohort.name for cohort in report.cohorts] == ["within 1 days", "1 to 7 days", "after 30 days"]
    assert sum(cohort.rows for cohort in report.cohorts) == report.coverage.labelled == 1_200
    assert report.coverage.share == pytest.approx(0.8)
    assert report.coverage.median_delay_days == pytest.approx(3.0)
    assert all("roc_auc" in cohort.metrics for cohort in report.cohorts)


def test_the_fraud_log_is_read_as_its_evaluation_is() -> None:
    log = fraud_window(3_000, 46)
    label = (np.random.default_rng(1).random(3_000) < log["probability"].to_numpy()).astype(np.int8)
    log = log.append_column("label", pa.array(label)).append_column("label_observed_at", log["time"])
    rows = labelled_rows(log)
    scored = scored_transactions(rows.table, FRAUD_FEATURES, DecisionPolicy(review_cost=3.0))
    policy = DecisionPolicy(review_cost=PolicyConfig().review_cost)
    config = FraudEvaluationConfig(bootstrap_samples=SAMPLES)
    reading = OutcomeReading(lambda flags: read_metrics(scored.take(flags), policy, config, seed=7))
    report = read_performance(rows, reading, {}, judged=FraudOutcomes.judged)
    assert report.metrics["roc_auc"].value is not None
    assert report.calibration is not None and report.calibration.rows == 3_000
    assert scored.time_seconds[0] == 0


def test_chargebacks_alone_are_read_once_rows_are_old_enough() -> None:
    log = fraud_window(1_000, 47, days=100)
    time = log["time"].cast(pa.int64()).to_numpy()
    fraud = np.arange(1_000) % 50 == 0
    observed = pa.array(time + 10 * DAY_MICROS, mask=~fraud).cast(pa.timestamp("us", tz="UTC"))
    log = log.append_column("label", pa.array(np.ones(1_000, dtype=np.int8), mask=~fraud))
    log = log.append_column("label_observed_at", observed)
    until = datetime.fromtimestamp(START_MICROS / 1e6, UTC) + timedelta(days=100)
    eager, patient = labelled_rows(log), labelled_rows(known_at(log, until, negative_after_days=30))
    assert eager.coverage.positives == eager.coverage.labelled == 20, "only frauds: no rate can be read of these"
    old = time <= START_MICROS + 70 * DAY_MICROS
    assert patient.coverage.labelled == old.sum()
    assert patient.coverage.positives == (old & fraud).sum()
    assert patient.coverage.presumed_negative == (old & ~fraud).sum()
    assert [name for name, _ in delay_cohorts(patient.delay_days)] == ["7 to 30 days", "no label, taken as negative"]


def test_no_or_few_labels_are_said_and_not_judged(baseline: Baseline) -> None:
    log = churn_log(400, 48)
    place = log.column_names.index("label")
    none = labelled_rows(log.set_column(place, "label", pa.nulls(400, pa.int8())))
    judged = ChurnOutcomes.judged
    unread = OutcomeReading(lambda flags: {})
    assert read_performance(none, unread, baseline[0], judged=judged).remarks == ("no labels have arrived",)
    few = labelled_rows(log.slice(0, 40))
    report = read_performance(few, OutcomeReading(churn_reader(few)), baseline[0], judged=judged)
    assert "too few" in report.remarks[0]
    assert not any(finding.kind == "metric" for finding in report.comparisons)
    with pytest.raises(DataError, match="lacks the columns label,"):
        labelled_rows(churn_window(10, 1))


def test_differences_join_both_intervals() -> None:
    delta = metric_delta(Interval(value=0.7, low=0.6, high=0.78), Interval(value=0.8, low=0.76, high=0.83))
    assert delta.value == pytest.approx(-0.1)
    assert delta.low == pytest.approx(-0.1 - np.hypot(0.1, 0.03))
    assert delta.high == pytest.approx(-0.1 + np.hypot(0.08, 0.04))
    assert metric_delta(Interval(reason="no frauds here"), Interval(value=1)).reason == "no frauds here"
    assert metric_delta(Interval(value=1), Interval(value=0.5)).low is None
