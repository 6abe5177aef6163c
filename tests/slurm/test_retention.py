"""Old job folders go, but for those that a job may still need: with commands that are played, and on a cluster."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

import pipelines.expired_runs as expired_runs
from fusionguard.keep_config import KeepConfig
from pipelines.clean import clean
from stacks.slurm.client import SlurmClient
from stacks.slurm.folder import JobFolder
from stacks.slurm.recovery import close
from stacks.slurm.retention import KnownJobs, expired, overview, prune
from stacks.slurm.snapshot import snapshot
from tests.slurm.conftest import ToyRuns
from tests.slurm.test_commands import Fakes, fakes  # noqa: F401
from tests.slurm.test_helpers import RECORD
from tests.slurm.test_trouble import killed

DAY = 86_400.0
OLD, NEW = UUID(int=1), UUID(int=2)


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A folder of jobs with an old run and a new one, each with a copy of code of its own, and checkpoints that were left."""
    root, jobs = tmp_path / "code", tmp_path / "jobs"
    root.mkdir()
    for run in (OLD, NEW):
        (root / "run.py").write_text(f"{run}")
        snapshot(jobs, run, root, ["."])
        step_folder(jobs, run).path.mkdir()
    (jobs / "left" / "key").mkdir(parents=True)
    age(jobs, 31)
    for path in (jobs / "runs" / str(NEW)).rglob("*"):
        os.utime(path, None)
    return jobs


def step_folder(jobs: Path, run: UUID) -> JobFolder:
    return JobFolder.of(jobs, run, UUID(int=run.int + 100))


def record_old(jobs: Path, *, job: int = 41, helpers: int | None = None) -> JobFolder:
    """Note a job of the old run, and its helpers' array."""
    folder = step_folder(jobs, OLD)
    folder.write_record(replace(RECORD, job=job, run=str(OLD)))
    if helpers is not None:
        folder.helpers.path.mkdir()
        options = ("--job-name=tune-1-helpers",)
        folder.helpers.write_record(replace(RECORD, job=helpers, run=str(OLD), options=options))
    age(jobs / "runs" / str(OLD), 31)
    return folder


def age(folder: Path, days: float) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (time.time() - days * DAY, time.time() - days * DAY))


def copy_of(jobs: Path, run: UUID) -> Path:
    return jobs / "code" / (jobs / "runs" / str(run) / "code").read_text()


def test_old_runs_go_and_what_new_ones_use_stays(jobs: Path, fakes: Fakes) -> None:  # noqa: F811
    copy = copy_of(jobs, NEW)
    gone = [jobs / "runs" / str(OLD), copy_of(jobs, OLD), jobs / "left" / "key"]
    known = KnownJobs(SlurmClient())
    assert sorted(expired(jobs, 30, known)) == sorted(gone)
    assert expired(jobs, 32, known) == []
    prune(jobs, 30, known)
    assert not any(path.exists() for path in gone)
    assert copy.is_dir() and step_folder(jobs, NEW).path.is_dir()
    assert fakes.calls("squeue") == [], "nobody was to be asked"


@pytest.mark.parametrize("listed", ["41|tune-1", "99|tune-1", "7|tune-1-helpers", "6|other|name\n41|tune-1"])
def test_a_job_that_slurm_knows_keeps_its_folder_and_its_code(jobs: Path, fakes: Fakes, listed: str) -> None:  # noqa: F811
    record_old(jobs, helpers=7)
    fakes.answer("squeue", f"{listed}\n")
    found = overview(jobs, 30, SlurmClient())
    assert (found.runs, found.expired, found.silence) == ({OLD}, (jobs / "left" / "key",), None)
    assert len(fakes.calls("squeue")) == 1, "asked once for all"
    prune(jobs, 30, KnownJobs(SlurmClient()))
    assert step_folder(jobs, OLD).path.is_dir() and copy_of(jobs, OLD).is_dir()


@pytest.mark.parametrize("listed", ["", "42|tune-2\n", "141|tune-11\n"])
def test_a_job_that_slurm_has_forgotten_keeps_nothing(jobs: Path, fakes: Fakes, listed: str) -> None:  # noqa: F811
    record_old(jobs, helpers=7)
    fakes.answer("squeue", listed)
    found = overview(jobs, 30, SlurmClient())
    assert found.runs == set() and jobs / "runs" / str(OLD) in found.expired


def test_a_job_whose_id_nobody_could_note_is_known_by_its_name(jobs: Path, fakes: Fakes) -> None:  # noqa: F811
    record_old(jobs, job=0)
    fakes.answer("squeue", "12|tune-1\n")
    assert overview(jobs, 30, SlurmClient()).runs == {OLD}


def test_where_slurm_does_not_answer_only_what_is_surely_over_goes(jobs: Path, fakes: Fakes) -> None:  # noqa: F811
    folder = record_old(jobs)
    fakes.answer("squeue", error="slurm_load_jobs error: Unable to contact slurm controller\n", status=1)
    found = overview(jobs, 30, SlurmClient())
    assert found.runs == {OLD} and jobs / "runs" / str(OLD) not in found.expired
    assert found.silence is not None and found.silence.what.startswith("squeue failed: slurm_load_jobs error: Unable to contact")
    close(folder)
    age(jobs / "runs" / str(OLD), 31)
    found = overview(jobs, 30, SlurmClient())
    assert found.runs == set() and jobs / "runs" / str(OLD) in found.expired, "its step needs nothing of it"


def test_a_job_that_has_ended_by_itself_needs_no_controller(jobs: Path, fakes: Fakes) -> None:  # noqa: F811
    folder = record_old(jobs)
    (folder.path / "exit").write_text("0 41.0\n")
    age(jobs / "runs" / str(OLD), 31)
    found = overview(jobs, 30, SlurmClient())
    assert found.runs == set() and jobs / "runs" / str(OLD) in found.expired
    assert fakes.calls("squeue") == []


def test_a_record_that_a_crash_has_cut_is_no_reason_to_fail(jobs: Path, fakes: Fakes) -> None:  # noqa: F811
    (record_old(jobs).path / "job.json").write_text('{"job": 4')
    age(jobs / "runs" / str(OLD), 31)
    assert jobs / "runs" / str(OLD) in overview(jobs, 30, SlurmClient()).expired


@pytest.mark.full
@pytest.mark.usefixtures("zenml_store")
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # 2026-11: ZenML 0.98 reads a field it has deprecated
def test_a_clean_up_leaves_what_the_job_of_a_dead_client_needs(
    toy: ToyRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = {"marker": str(tmp_path / "marker"), "wait_seconds": 25}
    job, died = killed(toy, tmp_path, wait_seconds=25)
    run, work = toy.job_folder().parent, toy.home.work / died
    work.mkdir(parents=True, exist_ok=True)
    age(toy.home.state / "slurm", 40)
    age(work, 40)
    before = toy.cluster.jobs()
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(expired_runs.time, "time", lambda: now + 3 * DAY)  # a run that never ended is spared for two days anyway
        clean(toy.home, {"slurmtoy": KeepConfig(runs=0)})
    assert job in before and run.is_dir() and work.is_dir()
    again = toy.run("--quiet", "--resume", died, **what)
    assert again.returncode == 0, again.stderr
    assert str(toy.run_named(died).status) == "stopped"
    assert set(toy.cluster.jobs()) <= set(before), "it was not submitted again"
