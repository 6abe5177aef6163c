"""Steps that do not need each other: their jobs are in the queue at the same time, and end together where one fails."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest

from tests.slurm.conftest import ToyRuns, wait_for, wait_until
from tests.slurm.test_runs import expected

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]
full = pytest.mark.full


def _both(rounds: int) -> str:
    """What the pair computes when nothing disturbs it."""
    other = "seed too"
    for number in range(rounds):
        other = hashlib.sha256(f"{other}{number}".encode()).hexdigest()
    return hashlib.sha256(f"{expected(rounds)}{other}".encode()).hexdigest()


def _pair(toy: ToyRuns, **extra: object) -> None:
    resources = {"cpu_count": 1, "memory": "600MB"}
    toy.stack(steps={"work": {"resources": resources}, "work_too": {"resources": resources}}, **extra)


def _pending(toy: ToyRuns) -> list[int]:
    return sorted(job for job, state in toy.cluster.jobs().items() if state == "PENDING")


@full
def test_both_wait_at_the_same_time_while_a_cheap_step_runs(toy: ToyRuns, tmp_path: Path) -> None:
    _pair(toy, partition="down", poll_seconds=1)
    summary, journal = tmp_path / "summary.json", tmp_path / "journal"
    process = toy.start("--summary", str(summary), pair=True, journal=str(journal))
    wait_until(lambda: len(_pending(toy)) == 2, 150)
    first, second = _pending(toy)
    assert wait_for(journal, process) == "looked on\n"
    assert _pending(toy) == [first, second]
    toy.cluster.ask("scontrol", "update", "partitionname=down", "state=up")
    try:
        done = toy.finish(process)
    finally:
        toy.cluster.ask("scontrol", "update", "partitionname=down", "state=down")
    assert done.returncode == 0, done.stderr
    told = json.loads(summary.read_text())
    assert told["data"]["description"] == _both(3)
    assert {step["name"]: step["cached"] for step in told["steps"]} == dict.fromkeys(
        ("begin", "work", "work_too", "look_on", "both", "end"), False
    )
    steps = toy.last_run().steps
    assert {name: str(step.status) for name, step in steps.items()} == dict.fromkeys(steps, "completed")
    assert (steps["work"].run_metadata["slurm_job"], steps["work_too"].run_metadata["slurm_job"]) == (first, second)
    for name, line in (("work", "at work in job"), ("work_too", "too: at work in job")):  # each log tells of its own job alone
        logs = {logs.source: Path(logs.uri).read_text() for logs in steps[name].log_collection}
        assert f"{line} {steps[name].run_metadata['slurm_job']}" in logs["prepare_step"]
        assert logs["prepare_step"].count("at work in job") == 1
    before = set(toy.cluster.jobs())
    assert toy.run("--summary", str(summary), pair=True, journal=str(journal)).returncode == 0
    cached = {step["name"]: step["cached"] for step in json.loads(summary.read_text())["steps"]}
    assert cached == {"begin": True, "work": True, "work_too": True, "look_on": False, "both": True, "end": False}
    assert set(toy.cluster.jobs()) == before


@full
def test_the_failure_of_one_cancels_the_other_and_is_named(toy: ToyRuns, tmp_path: Path) -> None:
    _pair(toy)
    marker = tmp_path / "marker"
    done = toy.run(pair=True, fail_too="domain", marker=str(marker), wait_seconds=300)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "The other toy's data is broken. Mend it."
    assert "work: its job is cancelled: step 'work_too' failed" in done.stderr
    wait_until(lambda: toy.cluster.jobs().get(int(marker.read_text())) in {"CANCELLED", "FAILED"})
    run = toy.last_run()
    assert str(run.status) == "failed"
    assert (str(run.steps["work"].status), str(run.steps["work_too"].status)) == ("stopped", "failed")
    assert list((toy.home.state / "slurm").rglob("environment")) == []


@full
def test_an_interrupted_run_cancels_both(toy: ToyRuns) -> None:
    _pair(toy, partition="down")
    process = toy.start("--quiet", pair=True)
    wait_until(lambda: len(_pending(toy)) == 2, 150)
    process.send_signal(signal.SIGINT)
    done = toy.finish(process, 60)
    assert done.returncode == 130, done.stderr
    wait_until(lambda: _pending(toy) == [])
    run = toy.last_run()
    assert str(run.status) in {"stopped", "failed"}  # the latter where the signal found the step here at work
    assert {str(run.steps[name].status) for name in ("work", "work_too")} == {"stopped"}
    assert list((toy.home.state / "slurm").rglob("environment")) == []


@full
def test_a_killed_run_finds_both_again(toy: ToyRuns, tmp_path: Path) -> None:
    _pair(toy, partition="down", poll_seconds=1)
    process = toy.start("--quiet", pair=True)
    wait_until(lambda: len(_pending(toy)) == 2, 150)
    both = _pending(toy)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    died, before = toy.last_run().name, set(toy.cluster.jobs())
    toy.cluster.ask("scontrol", "update", "partitionname=down", "state=up")
    summary = tmp_path / "summary.json"
    try:
        done = toy.run("--resume", died, "--summary", str(summary), pair=True)
    finally:
        toy.cluster.ask("scontrol", "update", "partitionname=down", "state=down")
    assert done.returncode == 0, done.stderr
    assert all(f"found as job {job}" in done.stderr for job in both)
    assert set(toy.cluster.jobs()) == before
    told = json.loads(summary.read_text())
    assert told["data"]["description"] == _both(3)
    assert {step["name"] for step in told["steps"] if step["cached"]} == {"begin", "work", "work_too"}
    assert str(toy.run_named(died).status) == "stopped"
