"""Results as a whole measurement would give them, with round numbers that a reader can check by hand."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.churn_quality import ChurnQuality
from benchmarks.engines import EngineRun
from benchmarks.machine import Machine
from benchmarks.measure import Measurement
from benchmarks.pipeline_run import MeasuredRun, PipelineRun, StepTime
from benchmarks.results import Results
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.readings import AVERAGE_PRECISION, CALIBRATION_ERROR, ROC_AUC
from fusionguard.families.churn.out_of_fold import AVERAGE, CANDIDATES
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, REFERENCES

_NAMES = ("load_data", "train_xgboost", "register_model", "gate")


def pipeline_run(rows: int, seconds: float, peak_mb: float, steps: tuple[float, ...], cached: int = 0) -> PipelineRun:
    """A run of four steps, the first ``cached`` of them from the cache."""
    times = (
        StepTime(name=name, seconds=each, cached=place < cached)
        for place, (name, each) in enumerate(zip(_NAMES, steps, strict=True))
    )
    return PipelineRun(rows=rows, took=Measurement(seconds=seconds, peak_mb=peak_mb), steps=tuple(times))


def measured_run(pipeline: str, cold: PipelineRun) -> MeasuredRun:
    """A cold run, a cached one of 15 s, and imports of 10 s."""
    return MeasuredRun(
        pipeline=pipeline,
        cold=cold,
        cached=pipeline_run(cold.rows, 15.0, 1200.0, (0.0, 0.0, 3.0, 1.0), cached=2),
        imports=Measurement(seconds=10.0, peak_mb=900.0),
        modules=7000,
    )


def comparison(roc_auc: float = 0.87, average_precision: float = 0.72, calibration_error: float = 0.01) -> CrossValidation:
    """The average of both was chosen; each other model is 0.01 lower, beyond chance in average precision only."""
    others = [name for name in (*CANDIDATES, *REFERENCES, CATBOOST_DEFAULTS) if name != AVERAGE]
    models = {
        name: {
            ROC_AUC: _around(roc_auc - lower, 0.01),
            AVERAGE_PRECISION: _around(average_precision - lower, 0.02),
            CALIBRATION_ERROR: _around(calibration_error, 0.001),
        }
        for name, lower in [*((name, 0.01) for name in others), (AVERAGE, 0.0)]
    }
    gains = {name: {ROC_AUC: _around(0.01, 0.02), AVERAGE_PRECISION: _around(0.01, 0.005)} for name in others}
    reason = "It has the highest mean average precision."
    return CrossValidation(folds=5, repeats=5, rows=6_400, models=models, chosen=AVERAGE, reason=reason, gains=gains)


@pytest.fixture
def results() -> Results:
    """Every part, of full size, the churn models' quality on a file."""
    cold = pipeline_run(284_807, 60.0, 2000.0, (4.0, 30.0, 6.0, 1.0))
    sizes = ((284_807, 2.0, 20.0), (2_848_070, 8.0, 40.0), (14_240_350, 30.0, 120.0))
    customers = ((10_000, 1.0, 12.0), (1_000_000, 5.0, 20.0))
    return Results(
        day=date(2026, 11, 23),
        machine=Machine(
            cores=2, memory_gb=24, system="Debian 12, x86_64", python="3.11.2", libraries={"zenml": "0.98.0"}, load=0.1
        ),
        full_size=True,
        fraud_run=measured_run("fraud", cold),
        plain_script=Measurement(seconds=150.0, peak_mb=3000.0),
        without_zenml=pipeline_run(284_807, 50.0, 1800.0, (3.0, 29.0, 5.0, 1.0)),
        engines=_engine_runs(sizes),
        growth=(
            cold,
            pipeline_run(569_614, 100.0, 2500.0, (8.0, 60.0, 6.0, 1.0)),
            pipeline_run(1_139_228, 190.0, 4000.0, (16.0, 120.0, 6.0, 1.0)),
        ),
        churn_run=measured_run("churn", pipeline_run(10_000, 32.0, 1500.0, (2.0, 12.0, 5.0, 1.0))),
        churn_quality=ChurnQuality(
            customers=8_000, simulated=False, comparison=comparison(), took=Measurement(seconds=90.0, peak_mb=600.0)
        ),
        churn_engines=_engine_runs(customers),
        seconds=900.0,
    )


def _engine_runs(sizes: tuple[tuple[int, float, float], ...]) -> tuple[EngineRun, ...]:
    return tuple(
        EngineRun(engine=engine, rows=rows, seconds=seconds, peak_mb=peak_mb)
        for rows, duckdb, spark in sizes
        for engine, seconds, peak_mb in (("duckdb", duckdb, 500.0), ("spark", spark, 1500.0))
    )


def _around(value: float, half: float) -> Interval:
    return Interval(value=value, low=value - half, high=value + half)
