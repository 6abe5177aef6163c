"""Results as a whole measurement would give them, with round numbers that a reader can check by hand."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.fraud_run import PipelineRun, StepTime
from benchmarks.machine import Machine
from benchmarks.measure import Measurement
from benchmarks.results import EngineRun, Results

_NAMES = ("load_data", "train_xgboost", "register_model", "gate")


def pipeline_run(rows: int, seconds: float, peak_mb: float, steps: tuple[float, ...], cached: int = 0) -> PipelineRun:
    """A run of four steps, the first ``cached`` of them from the cache."""
    times = (
        StepTime(name=name, seconds=each, cached=place < cached)
        for place, (name, each) in enumerate(zip(_NAMES, steps, strict=True))
    )
    return PipelineRun(rows=rows, took=Measurement(seconds=seconds, peak_mb=peak_mb), steps=tuple(times))


@pytest.fixture
def results() -> Results:
    """Every part, of full size."""
    cold = pipeline_run(284_807, 60.0, 2000.0, (4.0, 30.0, 6.0, 1.0))
    fraud_run = PipelineRun(
        cold=cold,
        cached=pipeline_run(284_807, 15.0, 1200.0, (0.0, 0.0, 3.0, 1.0), cached=2),
        imports=Measurement(seconds=10.0, peak_mb=900.0),
        modules=7000,
    )
    sizes = ((284_807, 2.0, 20.0), (2_848_070, 8.0, 40.0), (14_240_350, 30.0, 120.0))
    return Results(
        day=date(2026, 11, 23),
        machine=Machine(
            cores=2, memory_gb=24, system="Debian 12, x86_64", python="3.11.2", libraries={"zenml": "0.98.0"}, load=0.1
        ),
        full_size=True,
        fraud_run=fraud_run,
        plain_script=Measurement(seconds=150.0, peak_mb=3000.0),
        without_zenml=pipeline_run(284_807, 50.0, 1800.0, (3.0, 29.0, 5.0, 1.0)),
        engines=tuple(
            EngineRun(engine=engine, rows=rows, seconds=seconds, peak_mb=peak_mb)
            for rows, duckdb, spark in sizes
            for engine, seconds, peak_mb in (("duckdb", duckdb, 500.0), ("spark", spark, 1500.0))
        ),
        growth=(
            cold,
            pipeline_run(569_614, 100.0, 2500.0, (8.0, 60.0, 6.0, 1.0)),
            pipeline_run(1_139_228, 190.0, 4000.0, (16.0, 120.0, 6.0, 1.0)),
        ),
        seconds=900.0,
    )
