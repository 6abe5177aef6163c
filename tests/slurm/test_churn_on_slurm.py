"""The churn pipeline on the stack hpc: the bundle of a local run, with a search that is preempted in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.conftest import CHECKOUT, ToyRuns, wait_until
from tests.slurm.test_preemption import urgent

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
    pytest.mark.full,
    pytest.mark.long,
    pytest.mark.timeout(900),
]
SMALL = {
    "data.rows": 3_000,
    "holdout.folds": 3,
    "holdout.repeats": 1,
    "lightgbm.rounds": 40,
    "catboost.rounds": 40,
    "tuning.trials": 12,
    "evaluation.bootstrap_samples": 20,
    "evaluation.shap_rows": 100,
}
HEAVY = {name: {"resources": {"cpu_count": 2, "memory": "2GB"}} for name in ("tune_*", "cross_validate")}


def test_a_search_preempted_in_the_middle_gives_the_bundle_of_a_local_run(toy: ToyRuns, tmp_path: Path) -> None:
    words = [word for key, value in SMALL.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    command = [sys.executable, str(CHECKOUT / "run.py"), "--pipeline", "churn", "--source", "simulated", *words]
    environment = os.environ | {"FUSIONGUARD_HOME": str(tmp_path / "local-home")}
    done = subprocess.run(
        [*command, "--summary", str(tmp_path / "local.json")], env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    local = json.loads((tmp_path / "local.json").read_text())

    toy.pipeline = "churn"
    toy.stack(steps=HEAVY, interruptible=True)
    process = toy.start("--source", "simulated", "--summary", str(tmp_path / "slurm.json"), **SMALL)
    wait_until(lambda: _trials(toy) >= 3 or process.poll() is not None, 400)
    assert process.poll() is None, process.communicate()
    urgent(toy)()
    finished = toy.finish(process, 800)
    assert finished.returncode == 0, finished.stderr

    told = json.loads((tmp_path / "slurm.json").read_text())
    assert told["model_version"] == local["model_version"]
    jobs = {name: dict(step.run_metadata) for name, step in toy.last_run().steps.items() if "slurm_job" in step.run_metadata}
    assert set(jobs) == {"tune_models", "cross_validate"}
    assert jobs["tune_models"]["slurm_restarts"] == 1


def _trials(toy: ToyRuns) -> int:
    """Return how many trials of the first study have been begun."""
    return sum(file.read_text().count('"op_code":4') for file in toy.home.studies.glob("churn-lightgbm-*.log"))
