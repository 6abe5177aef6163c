"""The fraud run is only shown as cached where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fraud_run
from benchmarks.measure import BenchmarkError
from benchmarks.results import Results
from benchmarks.sizes import QUICK, Sizes


def test_a_second_run_that_found_nothing_is_an_error(tmp_path: Path, results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    assert results.fraud_run is not None
    cold = results.fraud_run.cold
    monkeypatch.setattr(fraud_run, "run_pipeline", lambda *_, **__: cold)
    with pytest.raises(BenchmarkError, match="Leave the code alone"):
        fraud_run.measure_fraud_run(QUICK, tmp_path)


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="Unknown key 'no'"):
        fraud_run.run_pipeline(Sizes(1000, (), (), 1, settings=("no.such=1",)), 1000, tmp_path)


def test_beyond_imports_is_a_difference(results: Results) -> None:
    assert results.fraud_run is not None
    assert results.fraud_run.beyond_imports.seconds == 50.0
    assert results.fraud_run.cold.outside_steps_seconds == 19.0
