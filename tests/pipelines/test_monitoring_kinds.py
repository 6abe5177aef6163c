"""Each kind of drift, of the size that the benchmarks state, reaches its verdict through the functions that the steps call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.monitoring.judging import Judge
from benchmarks.monitoring.windows import make_window
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.traffic import Drift, usual_size
from fusionguard.monitoring.verdict import Verdict
from tests.conftest import PipelineRun, run_small

pytestmark = [pytest.mark.full, pytest.mark.long]

FRAUD = (
    *("data.rows=200000", "xgboost.rounds=100", "autoencoder.epochs=2", "autoencoder.latent_sizes=[2]"),
    *("evaluation.bootstrap_samples=200", "evaluation.shap_rows=100"),
)
"""Of the suite's small fraud model, 6 frauds are expected where 21 come: it saw too few. This one saw more."""

ROWS = {"fraud": 12_000, "churn": 2_000}


@pytest.fixture(scope="module")
def fraud_run(zenml_store: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    """A fraud model of enough frauds to be calibrated."""
    return run_small("fraud", FRAUD, tmp_path_factory.mktemp("larger-fraud-run"))


@pytest.fixture(scope="module")
def judge(model: str, request: pytest.FixtureRequest) -> Judge:
    """Judges windows of a model that a pipeline trained, with the evaluation and the rows it left."""
    run: PipelineRun = request.getfixturevalue(f"{model}_run")
    return Judge.of(Champion.of(run.home, Bundle.open(Path(run.summary["bundle"]))))


def judged(judge: Judge, drift: Drift) -> tuple[Verdict, pa.Table]:
    model = judge.champion.bundle.manifest.model
    window = make_window(judge.model, rows=ROWS[model], drift=drift, size=usual_size(model, drift), seed=71)
    return judge.of_rows(window)[0], window


@pytest.mark.parametrize("model", ["fraud", "churn"], scope="module")
@pytest.mark.parametrize(
    ("drift", "causes"),
    [
        (Drift.COVARIATE_SHIFT, {"population"}),
        (Drift.HEAVIER_TAIL, {"population", "upstream data"}),
        (Drift.NEW_PATTERN, {"concept"}),
        (Drift.MISSING_FEATURE, {"population", "upstream data"}),
        (Drift.UNIT_ERROR, {"upstream data"}),
    ],
)
def test_a_drift_raises_an_alarm_with_its_cause_and_its_time(judge: Judge, drift: Drift, causes: set[str]) -> None:
    verdict, window = judged(judge, drift)
    assert verdict.state in ("watch", "act")
    assert verdict.cause in causes, verdict.reasons
    assert verdict.action != "none"
    if verdict.since is not None:
        times = window["time"].to_pylist()
        assert verdict.since >= times[int(0.2 * len(times))], "nothing had changed before"


@pytest.mark.parametrize("model", ["fraud", "churn"], scope="module")
@pytest.mark.parametrize("drift", [Drift.NONE, Drift.LABEL_DELAY])
def test_late_outcomes_and_calm_raise_none(judge: Judge, drift: Drift) -> None:
    verdict, window = judged(judge, drift)
    assert verdict.state == "healthy", verdict.reasons
    known = np.array([label is not None for label in window["label"].to_pylist()])
    assert known.mean() == (0.5 if drift is Drift.LABEL_DELAY else 1.0)
    if drift is Drift.LABEL_DELAY:
        assert known[: known.size // 2].all(), "the latest are those that are not known yet"
