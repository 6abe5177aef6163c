"""A pipeline run is only shown as cached where it was, and judged by its own target."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import pipeline_run
from benchmarks.measure import BenchmarkError, Measurement
from benchmarks.pipeline_run import TARGETS
from benchmarks.results import Results
from benchmarks.sizes import FULL, QUICK, RunSize


def test_a_second_run_that_found_nothing_is_an_error(tmp_path: Path, results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    assert results.fraud_run is not None
    cold = results.fraud_run.cold
    monkeypatch.setattr(pipeline_run, "run_pipeline", lambda *_, **__: cold)
    with pytest.raises(BenchmarkError, match="Leave the code alone"):
        pipeline_run.measure_run(QUICK.fraud, tmp_path, warm_up=None)


@pytest.mark.parametrize("pipeline", ["fraud", "churn"])
def test_a_run_that_fails_says_why(pipeline: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="Unknown key 'no'"):
        pipeline_run.run_pipeline(RunSize(pipeline, 5000, ("no.such=1",)), tmp_path)


def test_beyond_imports_is_a_difference(results: Results) -> None:
    assert results.fraud_run is not None
    assert results.fraud_run.beyond_imports.seconds == 50.0
    assert results.fraud_run.cold.outside_steps_seconds == 19.0


def test_memory_is_judged_where_the_target_names_it() -> None:
    taken = Measurement(seconds=20.0, peak_mb=3000.0)
    assert not TARGETS["fraud"].met_by(taken)
    assert TARGETS["churn"].met_by(taken)
    assert not TARGETS["churn"].met_by(Measurement(seconds=25.1, peak_mb=100.0))


def test_a_size_says_its_rows_and_settings_to_the_pipeline() -> None:
    assert FULL.fraud.with_rows(5).assignments() == ["--set", "data.rows=5"]
    assert QUICK.churn.assignments()[:4] == ["--set", "data.rows=2000", "--set", "holdout.folds=2"]
