"""What goes wrong on a cluster: each gets a name, and what can go on goes on."""

from __future__ import annotations

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


@full
def test_an_unknown_partition_is_refused_before_the_run_begins(toy: ToyRuns) -> None:
    toy.stack(partitions={"cpu": "batch"})
    before = set(toy.cluster.jobs())
    done = toy.run("--quiet")
    assert done.returncode == 2
    assert done.stderr.startswith("Unknown partition batch. Valid partitions: cancelled_cpu, cpu, down, gpu,")
    assert len(done.stderr.splitlines()) == 1
    assert set(toy.cluster.jobs()) <= before


@full
def test_an_unknown_partition_of_one_step_is_refused_with_the_valid_ones(toy: ToyRuns) -> None:
    toy.stack(settings={"partition": "batch"})
    done = toy.run("--quiet")
    assert done.returncode == 2
    assert "invalid partition" in done.stderr
    assert "Valid partitions: cancelled_cpu, cpu," in done.stderr
    assert not list((toy.home.state / "slurm" / "runs").glob("*/*/environment"))


@full
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"settings": {"partion": "cpu"}},
            "Unknown setting 'partion'. Did you mean 'partition'? Valid settings: account, constraint, extra,",
        ),
        ({"resources": {"cpus": 4}}, "unknown resources: cpus. Valid resources: cpu_count, memory, gpu_count, gpu_class."),
        ({"resources": {"memory": "lots"}}, "memory"),
    ],
)
def test_settings_that_mean_nothing_are_refused_before_the_run_begins(
    toy: ToyRuns, changes: dict[str, object], said: str
) -> None:
    toy.stack(**changes)  # type: ignore[arg-type]
    done = toy.run("--quiet")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@full
@pytest.mark.parametrize(
    ("resources", "status", "said"),
    [({"cpu_count": 1000}, 1, "can never start: PartitionConfig."), ({"memory": "900GB"}, 2, "Nothing was submitted.")],
)
def test_a_job_that_can_never_run_here_is_told_at_once(
    toy: ToyRuns, resources: dict[str, object], status: int, said: str
) -> None:
    toy.stack(resources=resources)
    done = toy.run("--quiet")
    assert done.returncode == status
    assert said in done.stderr
    wait_until(lambda: "PENDING" not in toy.cluster.jobs().values())


@full
def test_a_job_that_does_not_start_is_given_up_and_cancelled(toy: ToyRuns) -> None:
    toy.stack(partition="down", queue_hours=0.002)
    done = toy.run("--quiet")
    assert done.returncode == 1
    assert "did not start within queue_hours=0.002 (PartitionDown)" in done.stderr
    wait_until(lambda: "PENDING" not in toy.cluster.jobs().values())


@full
def test_out_of_memory_is_named(toy: ToyRuns) -> None:
    done = toy.run("--quiet", megabytes=1500, wait_seconds=60)
    assert done.returncode == 1
    assert "ran out of memory" in done.stderr
    assert "memory: 16GB" in done.stderr


@full
def test_a_log_that_is_taken_away_does_not_matter(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(poll_seconds=1)
    process = toy.start(marker=str(tmp_path / "marker"), wait_seconds=15)
    wait_for(tmp_path / "marker", process)
    (toy.job_folder() / "log").unlink()
    done = toy.finish(process)
    assert done.returncode == 0, done.stderr
    assert "was removed; what it said before is kept in the step's log" in done.stderr


@full
def test_a_controller_that_is_away_while_a_job_runs_does_not_matter(toy: ToyRuns, tmp_path: Path) -> None:
    process = toy.start(marker=str(tmp_path / "marker"), wait_seconds=20)
    wait_for(tmp_path / "marker", process)
    toy.cluster.stop_controller()
    wait_until(lambda: "UP" not in toy.cluster.ask("scontrol", "ping"), 60)
    toy.cluster.start_controller()
    done = toy.finish(process)
    assert done.returncode == 0, done.stderr
    assert toy.metadata()["slurm_state"] == "COMPLETED"


@full
def test_a_controller_that_is_away_at_the_jobs_end_does_not_matter(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(poll_seconds=1)
    process = toy.start(marker=str(tmp_path / "marker"), wait_seconds=15)
    wait_for(tmp_path / "marker", process)
    toy.cluster.stop_controller()
    try:
        done = toy.finish(process)
    finally:
        toy.cluster.start_controller()
    assert done.returncode == 0, done.stderr
    assert "Slurm's controller does not answer; the job may well run on" in done.stderr
    assert toy.metadata()["slurm_source"] == "job"


@full
def test_two_runs_at_once_do_not_disturb_each_other(toy: ToyRuns) -> None:
    before = set(toy.cluster.jobs())
    first, second = toy.start("--quiet", rounds=20, round_seconds=0.2), toy.start("--quiet", rounds=30, round_seconds=0.2)
    for process in (first, second):
        done = toy.finish(process)
        assert done.returncode == 0, done.stderr
    assert len(set(toy.cluster.jobs()) - before) == 2


@full
def test_a_client_that_died_is_started_again_and_finds_its_job_and_helpers(toy: ToyRuns, tmp_path: Path) -> None:
    what = {"marker": str(tmp_path / "marker"), "wait_seconds": 25}
    toy.stack(settings={"helpers": 2})
    process = toy.start("--quiet", **what)
    job = int(wait_for(tmp_path / "marker", process))
    wait_until(lambda: toy.helpers_running() == 2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before, died = set(toy.cluster.jobs()), toy.last_run().name
    summary = tmp_path / "summary.json"
    again = toy.run("--resume", died, "--summary", str(summary), **what)
    assert again.returncode == 0, again.stderr
    assert f"found as job {job}, its helpers as job array" in again.stderr
    assert set(toy.cluster.jobs()) <= before, "it was submitted again"
    told = json.loads(summary.read_text())
    assert told["data"]["description"] == expected(3)
    assert {step["name"]: step["cached"] for step in told["steps"]} == {"begin": True, "work": True, "end": False}
    assert toy.run_named(died).steps["work"].run_metadata["slurm_helpers"] == 2
    assert str(toy.run_named(died).status) == "stopped"
    assert not list(toy.home.running.glob("*"))
    wait_until(lambda: toy.helpers_running() == 0)
    assert list(toy.job_folder().rglob("environment")) == []


def killed(toy: ToyRuns, tmp_path: Path, **what: object) -> tuple[int, str]:
    """Start a run, kill its process while its job is at work, and return the job and the run's name."""
    marker = tmp_path / "marker"
    process = toy.start("--quiet", marker=str(marker), **what)
    job = int(wait_for(marker, process))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return job, toy.last_run().name


@full
def test_an_interrupted_resumption_cancels_the_job_and_closes_the_old_run(toy: ToyRuns, tmp_path: Path) -> None:
    job, died = killed(toy, tmp_path, wait_seconds=300)
    again = toy.start("--resume", died, marker=str(tmp_path / "marker"), wait_seconds=300)
    assert again.stderr is not None
    assert any("found as job" in line for line in again.stderr)
    again.send_signal(signal.SIGTERM)
    done = toy.finish(again, 60)
    assert done.returncode == 128 + signal.SIGTERM
    assert "Stopping: jobs are cancelled and the run is closed. A second Ctrl-C changes nothing." in done.stderr.splitlines()[:2]
    wait_until(lambda: toy.cluster.jobs().get(job) in {"CANCELLED", "FAILED"})
    old = toy.run_named(died)
    assert str(old.status) == "stopped"
    assert str(old.steps["work"].status) in {"stopped", "failed"}
    assert list((toy.home.state / "slurm").rglob("environment")) == []


@full
def test_a_resumption_of_a_job_that_failed_meanwhile_closes_the_old_run(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(partition="down")
    process = toy.start("--quiet", fail="bug")
    wait_until(lambda: "PENDING" in toy.cluster.jobs().values(), 120)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    died = toy.last_run().name
    toy.cluster.ask("scancel", "--state=PENDING", "--user=root")
    toy.stack()
    again = toy.run("--quiet", "--resume", died, fail="bug")
    assert again.returncode == 1
    assert "a bug on the node" in again.stderr
    assert str(toy.run_named(died).status) == "stopped"
    assert str(toy.last_run().status) == "failed"
    assert list((toy.home.state / "slurm").rglob("environment")) == []


@full
def test_the_next_run_tidies_up_after_one_that_was_killed(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(partition="down")
    process = toy.start("--quiet")
    wait_until(lambda: "PENDING" in toy.cluster.jobs().values(), 120)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    waiting, waits = toy.job_folder(), toy.last_run().name
    toy.stack()
    job, died = killed(toy, tmp_path, wait_seconds=300)
    at_work = toy.job_folder()
    toy.cluster.ask("scancel", "--state=PENDING", "--user=root")
    wait_until(lambda: "PENDING" not in toy.cluster.jobs().values())
    assert toy.run("--quiet").returncode == 0
    assert not (waiting / "environment").exists(), "nobody waits for this job any more"
    assert str(toy.run_named(waits).status) == "stopped"
    assert (at_work / "environment").exists(), "this job may be queued again, and can be resumed"
    assert str(toy.run_named(died).status) == "running"
    toy.cluster.ask("scancel", str(job))
    wait_until(lambda: toy.cluster.jobs().get(job) == "CANCELLED")
    wait_until(lambda: not (at_work / "environment").exists())  # by the job itself
    assert toy.run("--quiet").returncode == 0
    assert str(toy.run_named(died).status) == "stopped"
    assert not list(toy.home.running.glob("*"))


@full
def test_a_run_at_work_cannot_be_resumed(toy: ToyRuns, tmp_path: Path) -> None:
    process = toy.start("--quiet", marker=str(tmp_path / "marker"), wait_seconds=20)
    wait_for(tmp_path / "marker", process)
    name = toy.last_run().name
    refused = toy.run("--quiet", "--resume", name)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"The run {name} is at work in another process.")
    assert toy.finish(process).returncode == 0
    assert str(toy.run_named(name).status) == "completed"


@full
def test_what_is_known_of_a_job_is_metadata_while_it_waits(toy: ToyRuns) -> None:
    toy.stack(partition="down")
    process = toy.start("--quiet")
    wait_until(lambda: "PENDING" in toy.cluster.jobs().values(), 120)
    (job,) = [job for job, state in toy.cluster.jobs().items() if state == "PENDING"]
    wait_until(lambda: "slurm_job" in toy.metadata(), 20)
    assert toy.metadata() == {"slurm_job": job, "slurm_partition": "down", "slurm_state": "PENDING"}
    process.send_signal(signal.SIGINT)
    assert toy.finish(process, 60).returncode == 130


@full
@pytest.mark.parametrize("arguments", [(), ("--resume", "some-run")])
def test_where_slurm_has_no_configuration_a_run_ends_at_once(toy: ToyRuns, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    toy.environment = {"SLURM_CONF": str(tmp_path / "nowhere.conf")}
    done = toy.run("--quiet", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"SLURM_CONF names '{tmp_path}/nowhere.conf', which is not a file")
    assert len(done.stderr.splitlines()) == 1


@full
def test_an_unknown_run_cannot_be_resumed(toy: ToyRuns) -> None:
    done = toy.run("--quiet", "--resume", "nope")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no run 'nope'.")


@full
def test_a_gpu_step_on_a_node_without_one_goes_on_and_says_so(toy: ToyRuns) -> None:
    toy.stack(resources={"cpu_count": 1, "gpu_count": 1})
    done = toy.run()
    assert done.returncode == 0, done.stderr
    assert toy.metadata()["slurm_partition"] == "gpu"
    assert "shows none: it goes on with the CPU" in (toy.job_folder() / "log").read_text()


@full
def test_a_gpu_the_cluster_does_not_have_is_done_without(toy: ToyRuns) -> None:
    toy.stack(resources={"cpu_count": 1, "gpu_count": 5})
    done = toy.run()
    assert done.returncode == 0, done.stderr
    assert "the cluster gives no GPU" in done.stderr
    assert toy.metadata()["slurm_partition"] == "cpu"


@full
def test_a_set_up_line_that_fails_is_told(toy: ToyRuns) -> None:
    toy.stack(setup=["module load nothing-of-that-name"])
    done = toy.run("--quiet")
    assert done.returncode == 1
    assert "a set-up line failed with status 127" in done.stderr


@full
def test_accounting_tells_what_a_job_used(accounted_toy: ToyRuns) -> None:
    assert accounted_toy.digest(wait_seconds=5) == expected(3)
    facts = accounted_toy.metadata()
    assert facts["slurm_source"] == "sacct"
    assert facts["slurm_peak_memory_mb"] > 50
    assert 0 < facts["slurm_cpu_efficiency"] <= 1
    assert facts["slurm_elapsed_seconds"] >= 5


@full
def test_editing_the_code_does_not_change_a_job_in_the_queue(toy: ToyRuns, tmp_path: Path) -> None:
    import shutil

    from tests.slurm.conftest import CHECKOUT

    copy = tmp_path / "checkout"
    for name in ("src", "steps", "pipelines", "materializers", "stacks", "tests"):
        shutil.copytree(CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    toy.stack(partition="down", code_root=str(copy), code=["src", "steps", "pipelines", "materializers", "stacks", "tests"])
    process = toy.start("--quiet", "--summary", str(tmp_path / "summary.json"))
    wait_until(lambda: "PENDING" in toy.cluster.jobs().values(), 120)
    edited = copy / "tests" / "slurm" / "toy.py"
    edited.write_text(edited.read_text().replace("state['digest']}{state['round']", "edited"))
    toy.cluster.ask("scontrol", "update", "partitionname=down", "state=up")
    try:
        done = toy.finish(process)
    finally:
        toy.cluster.ask("scontrol", "update", "partitionname=down", "state=down")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "summary.json").read_text())["data"]["description"] == expected(3)
