"""Helpers without a cluster: what is submitted, what becomes of them, and that no trouble of theirs is the step's."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from stacks.slurm.client import SlurmClient
from stacks.slurm.directives import array_options
from stacks.slurm.folder import JOB_SCRIPT, JobFolder, JobRecord
from stacks.slurm.helpers import Helpers
from stacks.slurm.poll import Poll
from stacks.slurm.settings import SlurmSettings
from stacks.slurm.states import JobState
from tests.slurm.test_commands import Fakes, fakes  # noqa: F401

OPTIONS = ["--partition=cpu", "--parsable", "--job-name=tune-1", "--output=/jobs/1/log", "--requeue", "--chdir=/jobs/1"]
RECORD = JobRecord(7, "tune", "step-run", "run", tuple(OPTIONS), 0, 0.0)


class Case:
    """A step's job folder with its helpers, and what they said."""

    def __init__(self, folder: Path) -> None:
        self.folder = JobFolder(folder)
        self.folder.path.mkdir()
        self.folder.write_record(RECORD)
        self.said: list[str] = []
        self.logged: list[str] = []
        self.client = SlurmClient()
        self.poll = Poll(self.client, seconds=0.0)
        self.helpers = self.found()

    def found(self) -> Helpers:
        return Helpers(self.folder, self.client, self.poll, say=self.said.append, log=self.logged.append)

    def submit(self, **settings: int) -> None:
        self.helpers.submit(
            SlurmSettings.model_validate(settings),
            OPTIONS,
            command=["true"],
            setup=[],
            environment={"TOKEN": "secret", "CHECKPOINTS": "the step's"},
            checkpoint_variable="CHECKPOINTS",
            patience_seconds=0.1,
        )

    def task(self, number: int) -> JobFolder:
        return self.folder.helpers.task(number)

    def end_task(self, number: int, status: int) -> None:
        (self.task(number).path / "attempts").write_text("1 8.0 node\n")
        (self.task(number).path / "exit").write_text(f"{status} 8.0\n")

    def environments(self) -> list[Path]:
        return list(self.folder.path.rglob("environment"))


@pytest.fixture
def case(fakes: Fakes, tmp_path: Path) -> Case:  # noqa: F811
    """Three helpers, submitted as job array 8."""
    fakes.answer("sbatch", "8\n")
    fakes.answer("scancel")
    case = Case(tmp_path / "job")
    case.submit(helpers=3, helpers_at_once=2)
    return case


def test_an_array_is_like_the_steps_job_but_for_names_and_folders() -> None:
    options = array_options(OPTIONS, Path("/jobs/100%j/helpers"), 3, 2)
    assert options == [
        *("--partition=cpu", "--parsable", "--requeue"),
        *("--job-name=tune-1-helpers", "--output=/jobs/100%%j/helpers/%a/log", "--chdir=/jobs/100%j/helpers"),
        "--array=1-3%2",
    ]


@pytest.mark.parametrize(("count", "at_once", "array"), [(1, None, "1-1"), (3, 9, "1-3%3"), (1000, 1, "1-1000%1")])
def test_the_bound_of_an_array(count: int, at_once: int | None, array: str) -> None:
    assert array_options(OPTIONS, Path("/j"), count, at_once)[-1] == f"--array={array}"


@pytest.mark.parametrize(
    "wrong", [{"helpers": -1}, {"helpers": 1001}, {"helpers": "x"}, {"helpers_at_once": 0}, {"extra": {"array": "1-9"}}]
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"helpers|array"):
        SlurmSettings.model_validate(wrong)


def test_helpers_are_one_submission_with_an_environment_each(case: Case, fakes: Fakes) -> None:  # noqa: F811
    [(words, variables)] = fakes.calls("sbatch")
    assert words[-3:] == ["--array=1-3%2", str(JOB_SCRIPT), str(case.folder.path / "helpers")]
    assert "secret" not in " ".join(words)
    assert "TOKEN" not in variables
    assert len(case.environments()) == 3
    for number in (1, 2, 3):
        file = case.task(number).path / "environment"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        lines = file.read_text().splitlines()
        assert f"export ZENML_SLURM_HELPER={number}" in lines
        assert f"export CHECKPOINTS={case.task(number).checkpoints}" in lines, "two would write one checkpoint"
    assert case.said == ["3 helpers submitted as job array 8, at most 2 at once"]


def test_without_helpers_nothing_is_submitted(fakes: Fakes, tmp_path: Path) -> None:  # noqa: F811
    case = Case(tmp_path / "job")
    case.submit(helpers_at_once=2)
    case.helpers.look()
    case.helpers.end()
    assert case.helpers.facts() == {}
    assert not (case.folder.path / "helpers").exists()
    assert not (fakes.folder / "calls").exists()


@pytest.mark.parametrize(
    "error",
    [
        "sbatch: error: Batch job submission failed: Invalid job array specification",
        "sbatch: error: QOSMaxSubmitJobPerUserLimit",
        "sbatch: error: Unable to contact slurm controller (connect failure)",
    ],
)
def test_a_refusal_is_said_and_leaves_nothing_secret(fakes: Fakes, tmp_path: Path, error: str) -> None:  # noqa: F811
    fakes.answer("sbatch", error=error, status=1)
    fakes.answer("squeue", error=error, status=1)
    case = Case(tmp_path / "job")
    case.submit(helpers=3)
    [said] = case.said
    assert said.startswith("no helpers: sbatch failed:")
    assert said.endswith("The step goes on without them.")
    assert error.rpartition(": ")[2] in said
    assert case.environments() == []
    assert case.helpers.facts() == {}


def test_the_tasks_of_an_array_come_with_the_same_query(case: Case, fakes: Fakes) -> None:  # noqa: F811
    fakes.answer("squeue", "7|RUNNING|None|n\n8_1|RUNNING|None|n\n8_2|COMPLETED|None|n\n8_3|PENDING|JobArrayTaskLimit|\n")
    poll = Poll(SlurmClient(), seconds=60)
    poll.watch(7)
    poll.watch(8)
    own, _ = poll.state(7)
    array, _ = poll.state(8)
    assert own == JobState(7, "RUNNING", "None", "n")
    assert array is not None
    assert not array.is_final
    assert {task: state.state for task, state in array.tasks.items()} == {1: "RUNNING", 2: "COMPLETED", 3: "PENDING"}
    assert len(fakes.calls("squeue")) == 1


def test_a_failure_is_said_once_with_the_tail_of_its_log_and_counted(case: Case, fakes: Fakes) -> None:  # noqa: F811
    fakes.answer("squeue", "8_1|RUNNING|None|n\n8_2|COMPLETED|None|n\n8_3|PENDING|JobArrayTaskLimit|\n")
    case.end_task(1, 1)
    case.end_task(2, 0)
    case.task(1).log.write_text("".join(f"line {number}\n" for number in range(30)))
    for _ in range(3):
        case.helpers.look()
    assert [said for said in case.said if "failed with status 1; the step goes on without it" in said] == case.said[1:]
    assert len(case.said) == 2
    assert case.logged == [f"helper 1: line {number}" for number in range(20, 30)]
    case.helpers.end()
    assert case.helpers.facts() == {
        "slurm_helpers_job": 8,
        "slurm_helpers": 3,
        "slurm_helpers_begun": 2,
        "slurm_helpers_finished": 1,
        "slurm_helpers_failed": 1,
    }


def test_a_preempted_helper_that_comes_back_has_not_failed(case: Case, fakes: Fakes) -> None:  # noqa: F811
    for state in ("PREEMPTED", "PENDING", "PREEMPTED", "RUNNING"):
        fakes.answer("squeue", f"8_1|{state}|None|n\n")
        case.helpers.look()
    assert len(case.said) == 1
    for _ in range(2):
        fakes.answer("squeue", "8_1|PREEMPTED|None|n\n")
        case.helpers.look()
    assert case.said[1].startswith("helper 1 (job 8_1) ended as PREEMPTED")


def test_the_end_of_the_step_is_that_of_its_helpers(case: Case, fakes: Fakes) -> None:  # noqa: F811
    fakes.answer("squeue", "8_1|RUNNING|None|n\n")
    case.end_task(2, 0)
    found = case.found()  # as another process would, with --resume
    found.end()
    assert [words for words, _ in fakes.calls("scancel")] == [["--quiet", "--signal=KILL", "--full", "8"], ["--quiet", "8"]]
    assert case.environments() == []
    facts = found.facts()
    assert (facts["slurm_helpers_finished"], facts["slurm_helpers_failed"]) == (1, 0)


def test_where_all_have_ended_nothing_is_cancelled(case: Case, fakes: Fakes) -> None:  # noqa: F811
    fakes.answer("squeue", "")
    for number in (1, 2, 3):
        case.end_task(number, 0)
    case.helpers.end()
    assert fakes.calls("scancel") == []
    assert case.helpers.facts()["slurm_helpers_finished"] == 3


def test_a_helper_that_slurm_does_not_cancel_is_said(case: Case, fakes: Fakes) -> None:  # noqa: F811
    fakes.answer("squeue", "8_1|RUNNING|None|n\n")
    fakes.answer("scancel", error="Unable to contact slurm controller", status=1)
    case.helpers.end()
    assert case.said[-1].startswith("the helpers (job array 8) could not be cancelled: scancel failed")
    assert case.environments() == []


def test_the_script_of_an_array_works_in_the_folder_of_its_task(case: Case) -> None:
    case.task(2).prepare(
        command=["sh", "-c", "echo helper $ZENML_SLURM_HELPER"], setup=[], environment={"ZENML_SLURM_HELPER": "2"}
    )
    job = {"SLURM_JOB_ID": "9", "SLURM_ARRAY_TASK_ID": "2", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["bash", str(JOB_SCRIPT), str(case.folder.helpers.path)], env=job, capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "helper 2\n"
    assert case.task(2).exit_status() == 0
    assert {file.parent.name for file in case.environments()} == {"1", "3"}, "a helper takes its own environment along"
    assert case.folder.exit_status() is None


def test_a_helper_leaves_when_the_step_has_ended(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks.slurm import helper

    left = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda status: left.set())
    monkeypatch.setattr(helper, "_LOOK_SECONDS", 0.02)
    monkeypatch.setenv("ZENML_SLURM_USAGE", str(case.task(1).usage))
    (case.folder.path / "exit").write_text("137 7.0\n")
    helper.leave_with_the_step()
    assert not left.wait(0.3), "the step was killed: it may come back"
    (case.folder.path / "exit").write_text("1 7.0\n")
    assert left.wait(5)


def test_a_record_of_helpers_is_not_taken_for_a_steps(case: Case) -> None:
    record = case.folder.helpers.record()
    assert record is not None
    assert record == replace(RECORD, job=8, options=record.options, submitted=record.submitted)
    assert case.folder.record() == RECORD
