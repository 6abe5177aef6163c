"""Jobs that are taken away: whatever happens, the toy ends with the digest of an undisturbed run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.slurm.conftest import ToyRuns, wait_until
from tests.slurm.test_runs import expected

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
    pytest.mark.full,
]
ROUNDS = 100


def _disturbed(toy: ToyRuns, journal: Path, disturb: Callable[[], None], times: int) -> str:
    """Run the toy and disturb its job that often, each time after some rounds; return what it computed."""
    summary = toy.folder / "summary.json"
    process = toy.start("--summary", str(summary), rounds=ROUNDS, round_seconds=0.2, journal=str(journal))
    for time in range(times):
        before = _lines(journal)
        wait_until(lambda before=before: _lines(journal) >= before + 5 or process.poll() is not None, 120)
        assert process.poll() is None, (time, process.communicate())
        disturb()
    done = toy.finish(process)
    assert done.returncode == 0, done.stderr
    return done.stderr


def _lines(journal: Path) -> int:
    return len(journal.read_text().splitlines()) if journal.exists() else 0


def urgent(toy: ToyRuns) -> Callable[[], None]:
    """Return what submits a job that wants the whole node for a second, and outranks the interruptible ones."""

    def disturb() -> None:
        wanted = ["--partition=cpu", "--cpus-per-task=8", "--mem=100M", "--time=5", "--output=/dev/null", "--wrap=sleep 1"]
        job = int(toy.cluster.ask("sbatch", "--parsable", *wanted))
        wait_until(lambda: toy.cluster.jobs().get(job) == "COMPLETED", 90)

    return disturb


def _digest(toy: ToyRuns) -> str:
    import json

    return str(json.loads((toy.folder / "summary.json").read_text())["data"]["description"])


def test_preempted_twice_with_a_warning_nothing_is_lost(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(interruptible=True, poll_seconds=1)
    said = _disturbed(toy, tmp_path / "journal", urgent(toy), 2)
    assert _digest(toy) == expected(ROUNDS)
    assert _lines(tmp_path / "journal") == ROUNDS, "a round was done twice"
    facts = toy.metadata()
    assert facts["slurm_restarts"] == 2
    assert facts["slurm_partition"] == "interruptible_cpu"
    assert "slurm_earlier_jobs" not in facts
    assert said.count("was interrupted and is queued again") == 2


def test_a_site_that_cancels_is_submitted_to_again(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(partition="cancelled_cpu", poll_seconds=1)
    said = _disturbed(toy, tmp_path / "journal", urgent(toy), 2)
    assert _digest(toy) == expected(ROUNDS)
    assert _lines(tmp_path / "journal") == ROUNDS, "a round was done twice"
    assert said.count("was preempted: submitted again as job") == 2
    assert len(toy.metadata()["slurm_earlier_jobs"].split(", ")) == 2


def test_a_site_that_cancels_too_often_is_told_so(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(partition="cancelled_cpu", preemption_limit=0)
    journal = tmp_path / "journal"
    process = toy.start("--quiet", rounds=ROUNDS * 5, round_seconds=0.2, journal=str(journal))
    wait_until(lambda: _lines(journal) >= 3, 120)
    urgent(toy)()
    done = toy.finish(process)
    assert done.returncode == 1
    assert "was preempted, once more than preemption_limit allows" in done.stderr


def test_a_site_that_does_not_warn_still_lets_the_step_save(unwarned_toy: ToyRuns, tmp_path: Path) -> None:
    unwarned_toy.stack(interruptible=True)
    _disturbed(unwarned_toy, tmp_path / "journal", urgent(unwarned_toy), 1)
    assert _digest(unwarned_toy) == expected(ROUNDS)
    assert _lines(tmp_path / "journal") == ROUNDS, "a round was done twice"
    assert unwarned_toy.metadata()["slurm_restarts"] == 1


def test_a_node_that_fails_gives_the_job_back(toy: ToyRuns, tmp_path: Path) -> None:
    node = subprocess.run(["hostname", "-s"], capture_output=True, text=True, check=True).stdout.strip()

    def disturb() -> None:
        toy.cluster.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        wait_until(lambda: "RUNNING" not in toy.cluster.jobs().values())
        toy.cluster.ask("scontrol", "update", f"nodename={node}", "state=resume")

    _disturbed(toy, tmp_path / "journal", disturb, 1)
    assert _digest(toy) == expected(ROUNDS)
    assert toy.metadata()["slurm_restarts"] == 1


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_job_that_runs_out_of_time_goes_on(toy: ToyRuns, tmp_path: Path) -> None:
    # Slurm looks at limits every half minute or so: work for longer than the minute is sure to be cut.
    toy.stack(time="1", warning_seconds=45, timeout_limit=8)
    journal, summary = tmp_path / "journal", toy.folder / "summary.json"
    done = toy.finish(toy.start("--summary", str(summary), rounds=120, round_seconds=0.7, journal=str(journal)), 500)
    assert done.returncode == 0, done.stderr
    assert "ran out of time: submitted again as job" in done.stderr
    assert _digest(toy) == expected(120)
    assert _lines(journal) == 120, "a round was done twice"


@pytest.mark.long
def test_a_job_that_runs_out_of_time_too_often_is_told_so(toy: ToyRuns) -> None:
    toy.stack(time="1", timeout_limit=0)
    done = toy.finish(toy.start("--quiet", wait_seconds=400), 280)
    assert done.returncode == 1
    assert "ran out of time, once more than timeout_limit allows" in done.stderr
    assert "time:" in done.stderr
