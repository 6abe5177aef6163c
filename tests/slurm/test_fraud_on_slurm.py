"""The fraud pipeline on the stack hpc: the bundle of a local run, whether or not its trainers are preempted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.slurm.conftest import CHECKOUT, ToyRuns, wait_until
from tests.slurm.test_preemption import urgent
from tests.slurm.test_sweeps import ENDED, trials_of

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
    pytest.mark.full,
    pytest.mark.long,
    pytest.mark.timeout(900),
]
SMALL = {
    "data.rows": 60_000,
    "xgboost.rounds": 120,
    "autoencoder.epochs": 40,
    "autoencoder.patience_epochs": 40,  # long enough to be preempted in the middle
    "autoencoder.batch_rows": 64,
    "autoencoder.latent_sizes": [4],
    "evaluation.bootstrap_samples": 20,
    "evaluation.shap_rows": 100,
}
QUICK = {"data.rows": 100_000, "xgboost.rounds": 40, "autoencoder.epochs": 2, "tuning.trials": 12}
TRAINERS = {
    "build_features": {"when": "data.engine=spark", "resources": {"cpu_count": 2, "memory": "3GB"}},
    "train_xgboost": {"resources": {"cpu_count": 2, "memory": "3GB"}},
    "train_autoencoder": {"resources": {"cpu_count": 2, "memory": "3GB", "gpu_count": 1}},
    "tune_*": {},
}


@pytest.fixture(scope="module")
def local_summary(zenml_store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same run on the stack local."""
    folder = tmp_path_factory.mktemp("local")
    words = [word for key, value in SMALL.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    command = [sys.executable, str(CHECKOUT / "run.py"), "--source", "simulated", "--summary", str(folder / "s.json"), *words]
    environment = os.environ | {"FUSIONGUARD_HOME": str(folder / "home")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return dict(json.loads((folder / "s.json").read_text()))


def _run(
    toy: ToyRuns, disturb: Callable[[subprocess.Popen[str]], None] = lambda process: None, **settings: object
) -> dict[str, Any]:
    toy.pipeline = "fraud"
    summary = toy.folder / "summary.json"
    process = toy.start("--source", "simulated", "--summary", str(summary), **SMALL | settings)
    disturb(process)
    done = toy.finish(process, 800)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(summary.read_text()))


def _jobs(toy: ToyRuns) -> dict[str, dict[str, Any]]:
    return {name: dict(step.run_metadata) for name, step in toy.last_run().steps.items() if "slurm_job" in step.run_metadata}


def test_the_fraud_pipeline_gives_the_bundle_of_a_local_run(toy: ToyRuns, local_summary: dict[str, Any]) -> None:
    """Features are Spark's here and DuckDB's there: the rows are the same."""
    toy.stack(steps=TRAINERS)
    told = _run(toy, **{"data.engine": "spark"})
    assert told["model_version"] == local_summary["model_version"]
    assert [step["name"] for step in told["steps"]] == [step["name"] for step in local_summary["steps"]]
    jobs = _jobs(toy)
    assert set(jobs) == {"build_features", "train_xgboost", "train_autoencoder"}
    assert jobs["train_autoencoder"]["slurm_partition"] == "gpu"
    _waited_together(toy, {"train_xgboost", "train_autoencoder"})


def _waited_together(toy: ToyRuns, names: set[str]) -> None:
    """Each of these jobs was submitted before the first of them ended."""
    submitted, ended = {}, {}
    for file in (toy.home.state / "slurm" / "runs").glob("*/*/job.json"):
        record = json.loads(file.read_text())
        submitted[record["step"]] = record["submitted"]
        ended[record["step"]] = file.with_name("exit").stat().st_mtime
    assert names <= set(submitted)
    assert max(submitted[name] for name in names) < min(ended[name] for name in names)


def test_each_trainer_preempted_in_the_middle_gives_the_same_bundle(toy: ToyRuns, local_summary: dict[str, Any]) -> None:
    spec = {"FUSIONGUARD_HOME": "{home}", "FUSIONGUARD_CHECKPOINT_SECONDS": "0"}
    toy.stack(steps=TRAINERS, interruptible=True, environment=spec)

    def disturb(process: subprocess.Popen[str]) -> None:
        remaining = {"booster", "autoencoder"}  # who wants the whole node interrupts both, where both are at work
        while remaining:
            wait_until(lambda: _at_work(toy, remaining) or process.poll() is not None, 400)
            assert process.poll() is None, process.communicate()
            name = _at_work(toy, remaining)
            if name is not None:
                remaining.discard(name)
                urgent(toy)()

    told = _run(toy, disturb)
    assert told["model_version"] == local_summary["model_version"]
    jobs = _jobs(toy)
    assert set(jobs) == {"train_xgboost", "train_autoencoder"}
    assert {facts["slurm_restarts"] for facts in jobs.values()} <= {1, 2}
    assert jobs["train_autoencoder"]["slurm_partition"] == "interruptible_gpu"


def _at_work(toy: ToyRuns, names: set[str]) -> str | None:
    """Return which of the trainers is at work and has saved something."""
    for name in names:
        for checkpoint in (toy.home.state / "slurm" / "runs").glob(f"*/*/checkpoints/{name}*"):
            if not (checkpoint.parents[1] / "exit").exists():
                return name
    return None


def test_the_search_of_the_trees_is_shared_by_two_jobs(toy: ToyRuns) -> None:
    toy.stack(steps={**TRAINERS, "tune_*": {"resources": {"cpu_count": 1, "memory": "2GB"}, "settings": {"helpers": 1}}})
    told = _run(toy, **QUICK)
    (journal,) = toy.home.studies.glob("fraud-xgboost-*.log")
    ended = [trial for trial in trials_of(journal) if trial.state in ENDED]
    assert sorted(trial.user_attrs["place"] for trial in ended) == list(range(QUICK["tuning.trials"])), "each trial once"
    assert len({trial.user_attrs["worker"] for trial in ended}) == 2
    jobs = _jobs(toy)
    assert set(jobs) == {"tune_xgboost", "train_xgboost", "train_autoencoder"}
    assert [jobs["tune_xgboost"][f"slurm_helpers{part}"] for part in ("", "_begun", "_failed")] == [1, 1, 0]
    assert told["model_version"]
