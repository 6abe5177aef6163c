"""The toy as a Slurm job: well, failing, cancelled, interrupted."""

from __future__ import annotations

import hashlib
import signal
import stat
from pathlib import Path

import pytest

from tests.slurm.conftest import ToyRuns, wait_for, wait_until

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]


full = pytest.mark.full


def expected(rounds: int) -> str:
    """What the toy computes when nothing disturbs it."""
    digest = "seed"
    for number in range(rounds):
        digest = hashlib.sha256(f"{digest}{number}".encode()).hexdigest()
    return digest


@full
def test_only_the_heavy_step_is_a_job_and_its_facts_are_metadata(toy: ToyRuns) -> None:
    assert toy.digest() == expected(3)
    run = toy.last_run()
    assert {name: str(step.status) for name, step in run.steps.items()} == dict.fromkeys(("begin", "work", "end"), "completed")
    jobs = toy.cluster.jobs()
    assert jobs[max(jobs)] in {"COMPLETED", "COMPLETING"}
    facts = toy.metadata()
    assert facts["slurm_state"] == "COMPLETED"
    assert facts["slurm_source"] == "scontrol"
    assert facts["slurm_restarts"] == 0
    assert facts["slurm_partition"] == "cpu"
    assert 100 < facts["slurm_peak_memory_mb"] < 2000
    assert 0 < facts["slurm_cpu_efficiency"] <= 1
    assert not any(name.startswith("slurm_") for name in run.steps["begin"].run_metadata)
    _log_of_the_job_is_in_the_steps(run.steps["work"])
    _nothing_secret_is_left(toy)


def _log_of_the_job_is_in_the_steps(step: object) -> None:
    logs = {logs.source: Path(logs.uri).read_text() for logs in step.log_collection}  # type: ignore[attr-defined]
    assert "at work in job" in logs["step"]
    assert "at work in job" in logs["prepare_step"]
    assert "submitted as job" in logs["prepare_step"]


def _nothing_secret_is_left(toy: ToyRuns) -> None:
    folder = toy.job_folder()
    assert not (folder / "environment").exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    details = toy.cluster.ask("scontrol", "show", "job")
    assert "ZENML_STORE" not in details


@full
@pytest.mark.parametrize(
    ("fail", "said"),
    [
        ("domain", "The toy's data is broken. Mend it."),
        ("disk", "Cannot write /full/file: No space left on device. The disk is full:"),
    ],
)
def test_an_expected_failure_in_a_job_is_one_line(toy: ToyRuns, fail: str, said: str) -> None:
    done = toy.run("--quiet", fail=fail)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.full
def test_a_bug_in_a_job_shows_the_traceback_from_the_node(toy: ToyRuns) -> None:
    done = toy.run("--quiet", fail="bug")
    assert done.returncode == 1
    assert "a bug on the node" in done.stderr
    assert "_break_something" in done.stderr
    assert toy.last_run().steps["work"].exception_info.traceback.count("_break_something") >= 1


@full
def test_a_step_that_dies_without_a_word_is_told_with_its_last_lines(toy: ToyRuns) -> None:
    done = toy.run("--quiet", fail="exit")
    assert done.returncode == 1
    assert "ended with status 7 before its step could say why" in done.stderr
    assert "at work in job" in done.stderr


@full
def test_a_job_cancelled_from_outside_is_told_so(toy: ToyRuns, tmp_path: Path) -> None:
    process = toy.start("--quiet", marker=str(tmp_path / "marker"), wait_seconds=300)
    job = wait_for(tmp_path / "marker", process)
    toy.cluster.ask("scancel", job)
    done = toy.finish(process)
    assert done.returncode == 1
    assert f"Job {job} of step 'work' was cancelled from outside" in done.stderr
    assert str(toy.last_run().steps["work"].status) == "failed"


@full
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_cancels_its_job_and_helpers(
    toy: ToyRuns, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    toy.stack(settings={"helpers": 2, "helpers_at_once": 1})
    process = toy.start("--quiet", marker=str(tmp_path / "marker"), wait_seconds=300)
    job = int(wait_for(tmp_path / "marker", process))
    wait_until(lambda: toy.helpers_running() == 1)
    process.send_signal(number)
    done = toy.finish(process, 60)
    assert done.returncode == status, done.stderr
    wait_until(lambda: toy.cluster.jobs().get(job) in {"CANCELLED", "FAILED"})
    wait_until(lambda: toy.helpers_running() == 0 and "PENDING" not in toy.cluster.jobs().values())
    assert list(toy.job_folder().rglob("environment")) == []
    assert str(toy.last_run().steps["work"].status) in {"stopped", "failed"}


@full
def test_an_interrupted_run_cancels_a_job_that_waits(toy: ToyRuns) -> None:
    toy.stack(partition="down")
    process = toy.start("--quiet")
    wait_until(lambda: "PENDING" in toy.cluster.jobs().values(), 120)
    process.send_signal(signal.SIGINT)
    assert toy.finish(process, 60).returncode == 130
    wait_until(lambda: "PENDING" not in toy.cluster.jobs().values())
