"""A window's outcomes against the champion's evaluation, for either family; windows of millions of rows are thinned first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fusionguard.config import EvaluationConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.families.catalog import model_family
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.fairness import FairnessReport, read_fairness
from fusionguard.families.churn.model import ChurnModel
from fusionguard.families.churn.readings import EMPC, read_customers_metrics
from fusionguard.families.family import ScoringModel
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.model import FraudModel
from fusionguard.families.fraud.readings import RECALL_AT_RATE, TOP_PRECISION, read_metrics
from fusionguard.monitoring.approval import approve, not_found
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.champion_settings import evaluation_settings, fairness_settings, retention_settings
from fusionguard.monitoring.estimate import PerformanceEstimate, estimate_performance
from fusionguard.monitoring.findings import Finding, judge
from fusionguard.monitoring.labelled import LABEL, LabelledRows, labelled_rows, scored_customers, scored_transactions
from fusionguard.monitoring.miscoding import coded_features, miscoding_checks
from fusionguard.monitoring.performance import MetricReader, PerformanceReport, read_performance
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.serving.prediction_log.schema import OBSERVED_AT, TIME

BOOTSTRAP_SAMPLES = 200
MOST_NEGATIVES = 200_000
_MINIMUM_FAIRNESS_ROWS = 200
_DAY_MICROS = 86_400_000_000
_NOT_SAID = Interval(reason="the model's bundle does not say by which settings it was evaluated")


def read_outcomes(
    window: Table, model: ScoringModel, champion: Champion, config: MonitoringConfig, *, until: datetime
) -> PerformanceReport:
    """Read the training metrics on the rows whose outcome is known, with intervals, and compare them with the test slice's.

    Metrics and limits are those of the settings that the model's bundle holds. What it does not say is not judged, and a remark
    says so. Features that outcomes show to be coded the wrong way round are a family of findings of their own.
    """
    columns = [*dict.fromkeys([TIME, LABEL, OBSERVED_AT, *_columns(model)])]
    rows = labelled_rows(
        window.read(columns),
        negative_after_days=config.labels.negative_after_days,
        until_micros=int(until.timestamp() * 1e6),
    )
    report = read_performance(
        rows,
        _reader(rows, model, config.seed),
        champion.baseline(),
        fairness=_fairness(rows, model, config.seed),
        fairness_baseline=champion.fairness(),
        thresholds=config.thresholds,
    )
    if not rows.table.num_rows:
        return report
    miscoded = judge(list(miscoding_checks(rows.table, model, config.thresholds, seed=config.seed)), config.thresholds.chance)
    codes = [each for each in approve(miscoded, config.approved) if each.level != "none"]
    unmet = not_found([each for each in config.approved if each.kind == "miscoded"], codes)
    remarks = (*report.remarks, *_unjudged(model), *unmet)
    return report.model_copy(update={"comparisons": (*codes, *report.comparisons), "remarks": remarks})


def estimate_outcomes(
    window: Table,
    model: ScoringModel,
    champion: Champion,
    outcomes: PerformanceReport,
    drift: tuple[Finding, ...],
    config: MonitoringConfig,
) -> PerformanceEstimate:
    """Estimate the metrics of all rows of the window from their probabilities, and from what outcomes have shown of those."""
    rows = window.read(["probability", "score", "decision"])
    flagged = np.asarray(rows["decision"].to_pylist()) == _flagged(model)
    return estimate_performance(
        rows["probability"].to_numpy(),
        flagged,
        score=rows["score"].to_numpy(),
        calibration=outcomes.calibration,
        evaluated=champion.calibration(),
        drift=drift,
        thresholds=config.thresholds,
        seed=config.seed,
    )


def _columns(model: ScoringModel) -> list[str]:
    answers = ["probability", "score"]
    own = ["Amount", "hour_of_day"] if isinstance(model, FraudModel) else ["Balance", "Age", "Gender", "Geography"]
    family = model_family(model.bundle.manifest.model)
    return [*answers, *own, *(family.features.model_features if coded_features(family) else ())]


def _flagged(model: ScoringModel) -> str:
    return model_family(model.bundle.manifest.model).flagged


def _reader(rows: LabelledRows, model: ScoringModel, seed: int) -> MetricReader:
    if isinstance(model, FraudModel):
        scored, said = scored_transactions(rows.table), evaluation_settings(model.bundle)
        settings = (said or FraudEvaluationConfig()).model_copy(update={"bootstrap_samples": BOOTSTRAP_SAMPLES})
        undefined = {} if said is not None else dict.fromkeys((RECALL_AT_RATE, TOP_PRECISION), _NOT_SAID)
        times = rows.table[TIME].cast(pa.int64())
        whole_days = len(times) > 0 and pc.max(times).as_py() - pc.min(times).as_py() >= _DAY_MICROS

        def read(flags: NDArray[np.bool_]) -> dict[str, Interval]:
            found = read_metrics(_thinned(scored.take(flags), seed), model.policy, settings, seed=seed)
            if not whole_days:
                found[TOP_PRECISION] = Interval(reason="the outcomes span less than a day")
            return found | undefined

        return read
    assert isinstance(model, ChurnModel)
    customers, draws = scored_customers(rows.table), EvaluationConfig(bootstrap_samples=BOOTSTRAP_SAMPLES)
    retention = retention_settings(model.bundle)

    def read_customers(flags: NDArray[np.bool_]) -> dict[str, Interval]:
        worth = retention or RetentionConfig()
        found = read_customers_metrics(customers.take(flags), model.policy, worth, draws, seed=seed)
        return found if retention is not None else found | {EMPC: _NOT_SAID}

    return read_customers


def _unjudged(model: ScoringModel) -> Iterator[str]:
    """Say what the model's bundle does not hold the settings of."""
    remedy = "the bundle does not hold the settings of its evaluation; train the model again to have it judged"
    if isinstance(model, FraudModel):
        if evaluation_settings(model.bundle) is None:
            yield f"recall at a fixed false-positive rate and precision in the top alerts are not judged: {remedy}"
        return
    if retention_settings(model.bundle) is None:
        yield f"the expected maximum profit is not read: {remedy}"
    if fairness_settings(model.bundle) is None:
        yield f"fairness is not judged: {remedy}"


def _thinned(rows: ScoredRows, seed: int) -> ScoredRows:
    """Keep every positive and at most ``MOST_NEGATIVES`` others, which then weigh more: metrics stay, and take seconds."""
    negatives = np.flatnonzero(rows.label == 0)
    if negatives.size <= MOST_NEGATIVES:
        return rows
    kept = rows.label == 1
    kept[np.random.default_rng(seed).choice(negatives, MOST_NEGATIVES, replace=False)] = True
    thinned = rows.take(kept)
    return replace(thinned, weight=np.where(thinned.label == 0, negatives.size / MOST_NEGATIVES, 1.0))


def _fairness(rows: LabelledRows, model: ScoringModel, seed: int) -> FairnessReport | None:
    if not isinstance(model, ChurnModel) or rows.table.num_rows < _MINIMUM_FAIRNESS_ROWS:
        return None
    customers, limits = scored_customers(rows.table), fairness_settings(model.bundle)
    if limits is None or not 0 < customers.label.sum() < customers.label.size:
        return None
    offered = model.policy.decide(customers.probability, customers.balance, customers.groups)
    return read_fairness(customers, offered, limits, samples=BOOTSTRAP_SAMPLES, seed=seed)
