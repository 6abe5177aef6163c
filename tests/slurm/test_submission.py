"""Whose job it is: what is known of a job whose client was killed while it handed it over, without a cluster and on one."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from stacks.slurm.client import SlurmClient
from stacks.slurm.folder import JobFolder
from stacks.slurm.submission import submitted
from tests.slurm.conftest import ToyRuns, wait_until
from tests.slurm.test_commands import Fakes, fakes  # noqa: F401
from tests.slurm.test_helpers import RECORD
from tests.slurm.test_runs import expected


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    (tmp_path / "job").mkdir()
    return JobFolder(tmp_path / "job")


def test_where_nothing_was_to_be_submitted_nobody_is_asked(folder: JobFolder, fakes: Fakes) -> None:  # noqa: F811
    assert submitted(SlurmClient(), folder) is None
    assert fakes.calls("squeue") == []


def test_a_job_without_a_noted_id_is_found_by_its_name(folder: JobFolder, fakes: Fakes) -> None:  # noqa: F811
    folder.write_record(replace(RECORD, job=0))
    fakes.answer("squeue", "9\n")
    found = submitted(SlurmClient(), folder)
    assert found == folder.record() == replace(RECORD, job=9)
    assert "--name=tune-1" in fakes.calls("squeue")[0][0]


def test_a_job_that_slurm_never_got_is_none(folder: JobFolder, fakes: Fakes) -> None:  # noqa: F811
    folder.write_record(replace(RECORD, job=0))
    fakes.answer("squeue", "")
    assert submitted(SlurmClient(), folder) is None


def test_a_job_submitted_again_replaces_the_one_that_was_noted(folder: JobFolder, fakes: Fakes) -> None:  # noqa: F811
    folder.write_record(RECORD)
    fakes.answer("squeue", "7\n9\n")
    assert submitted(SlurmClient(), folder) == replace(RECORD, job=9, earlier=(7,))


def test_a_step_that_is_over_needs_no_controller(folder: JobFolder, fakes: Fakes) -> None:  # noqa: F811
    folder.write_record(RECORD)
    (folder.path / "exit").write_text("0 8.0\n")
    assert submitted(SlurmClient(), folder) == RECORD
    assert fakes.calls("squeue") == []


_KILLS_ITS_CLIENT = """#!/bin/sh
REAL "$@" && kill -KILL $PPID
"""


@pytest.mark.full
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # 2026-11: ZenML 0.98 reads a deprecated field of its own
def test_a_client_killed_while_it_hands_a_job_over_finds_it_again(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack()
    real = shutil.which("sbatch", path=toy.cluster.environment.get("PATH", os.environ["PATH"]))
    assert real is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").write_text(_KILLS_ITS_CLIENT.replace("REAL", real))
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    path = toy.cluster.environment.get("PATH", os.environ["PATH"])
    toy.environment["PATH"] = f"{tmp_path / 'bin'}:{path}"
    before = set(toy.cluster.jobs())
    killed = toy.run("--quiet", rounds=20, round_seconds=0.2)
    assert killed.returncode == -signal.SIGKILL
    wait_until(lambda: set(toy.cluster.jobs()) - before)
    (job,) = set(toy.cluster.jobs()) - before
    toy.environment["PATH"] = path
    summary = tmp_path / "summary.json"
    again = toy.run("--resume", toy.last_run().name, "--summary", str(summary), rounds=20, round_seconds=0.2)
    assert again.returncode == 0, again.stderr
    assert f"found as job {job}" in again.stderr
    assert set(toy.cluster.jobs()) - before == {job}, "it was submitted again"
    told = json.loads(summary.read_text())
    assert told["data"]["description"] == expected(20)
    assert {step["name"]: step["cached"] for step in told["steps"]}["work"]
