"""Slurm's commands, played by small scripts: what is handed to them, and what their answers mean."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from stacks.slurm.client import SlurmClient
from stacks.slurm.errors import CommandError, SettingsError
from stacks.slurm.folder import JobFolder
from stacks.slurm.poll import Poll
from stacks.slurm.settings import SlurmSettings
from stacks.slurm.states import JobState
from stacks.slurm.submission import submit


class Fakes:
    """A folder on the PATH whose commands note how they were called and answer what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answer(self, name: str, out: str = "", *, error: str = "", status: int = 0, seconds: float = 0) -> None:
        """Let a command answer that way from now on."""
        script = self.folder / name
        script.write_text(
            f"#!{sys.executable}\nimport json, os, sys, time\n"
            f"with open({str(self.folder / 'calls')!r}, 'a') as f:\n"
            f"    f.write(json.dumps([{name!r}, sys.argv[1:], dict(os.environ)]) + '\\n')\n"
            f"time.sleep({seconds})\nsys.stdout.write({out!r})\nsys.stderr.write({error!r})\nsys.exit({status})\n"
        )
        script.chmod(0o755)

    def calls(self, name: str) -> list[tuple[list[str], dict[str, str]]]:
        """Return each call's words and environment."""
        file = self.folder / "calls"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [(words, environment) for called, words, environment in lines if called == name]


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """Slurm's commands, played."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return Fakes(folder)


HOSTILE = ["a b", "a'; touch /tmp/pwned; echo '", 'x"$(id)"', "two\nlines", "-n 5", "*"]


@pytest.mark.parametrize("value", HOSTILE)
def test_words_reach_sbatch_as_they_are(fakes: Fakes, tmp_path: Path, value: str) -> None:
    fakes.answer("sbatch", "42;cluster\n")
    assert SlurmClient().submit([f"--comment={value}"], tmp_path / "job.sh", f"/jobs/{value}") == 42
    [(words, _)] = fakes.calls("sbatch")
    assert words == [f"--comment={value}", str(tmp_path / "job.sh"), f"/jobs/{value}"]


def test_variables_that_would_change_the_commands_stay_out(fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slurm.conf").touch()
    monkeypatch.setenv("SBATCH_PARTITION", "gpu")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    fakes.answer("sbatch", "1\n")
    SlurmClient().submit([], Path("job.sh"))
    [(_, environment)] = fakes.calls("sbatch")
    assert "SBATCH_PARTITION" not in environment
    assert "SLURM_JOB_ID" not in environment
    assert environment["SLURM_CONF"] == str(tmp_path / "slurm.conf")


@pytest.mark.parametrize("name", ["missing.conf", "folder"])
def test_a_configuration_that_cannot_be_read_is_told_before_slurm_tries_for_a_minute(
    fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    for command in ("sbatch", "squeue", "scontrol", "scancel"):
        fakes.answer(command, "1\n")
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / name))
    said = f"SLURM_CONF names '{tmp_path / name}', which is not a file that can be read here."
    with pytest.raises(SettingsError) as caught:
        SlurmClient.check_installed()
    assert str(caught.value) == f"{said} Let it name the cluster's slurm.conf, or unset it on a login node that needs none."
    with pytest.raises(CommandError) as away:  # of a job that is watched already: the file may come back
        SlurmClient().states([1])
    assert away.value.what == said
    assert away.value.unreachable
    assert fakes.calls("squeue") == []


def test_what_sbatch_refuses_is_told_in_its_words(fakes: Fakes) -> None:
    fakes.answer("sbatch", error="sbatch: error: Batch job submission failed: Invalid qos specification\n", status=1)
    with pytest.raises(SettingsError, match=r"Invalid qos specification.*Nothing was submitted"):
        SlurmClient().submit([], Path("job.sh"))


def test_an_unknown_partition_comes_with_the_valid_ones(fakes: Fakes) -> None:
    fakes.answer("sbatch", error="sbatch: error: invalid partition specified: x\n", status=1)
    fakes.answer("sinfo", "cpu\ngpu\ncpu\n")
    with pytest.raises(SettingsError, match="Valid partitions: cpu, gpu"):
        SlurmClient().submit([], Path("job.sh"))


def test_a_command_that_hangs_is_given_up(fakes: Fakes) -> None:
    fakes.answer("squeue", seconds=30)
    with pytest.raises(CommandError, match=r"did not answer within 0 s|did not answer") as caught:
        SlurmClient(command_seconds=0.3).states([1])
    assert caught.value.unreachable


def test_states_are_asked_for_in_one_query(fakes: Fakes) -> None:
    fakes.answer("squeue", "1|RUNNING|None|node1\n2|PENDING|Resources|\n")
    assert SlurmClient().states([2, 1, 3]) == {
        1: JobState(1, "RUNNING", "None", "node1"),
        2: JobState(2, "PENDING", "Resources", ""),
    }
    [(words, _)] = fakes.calls("squeue")
    assert "--jobs=1,2,3" in words


def test_a_forgotten_job_is_no_error(fakes: Fakes) -> None:
    fakes.answer("squeue", error="slurm_load_jobs error: Invalid job id specified\n", status=1)
    fakes.answer("scontrol", error="slurm_load_jobs error: Invalid job id specified\n", status=1)
    assert SlurmClient().states([1]) == {}
    assert SlurmClient().details(1) == {}


def test_no_accounting_is_no_error(fakes: Fakes) -> None:
    fakes.answer("sacct", error="Slurm accounting storage is disabled\n", status=1)
    assert SlurmClient().accounting(1) == []


def test_the_controller_is_asked_once_for_all_jobs_in_the_time(fakes: Fakes) -> None:
    fakes.answer("squeue", "1|RUNNING|None|n\n2|RUNNING|None|n\n3|RUNNING|None|n\n")
    poll = Poll(SlurmClient(), seconds=60)
    for job in (1, 2, 3):
        poll.watch(job)
    for _ in range(50):
        for job in (1, 2, 3):
            state, _ = poll.state(job)
            assert state is not None
    assert len(fakes.calls("squeue")) == 1


def test_a_controller_that_is_away_is_waited_for(fakes: Fakes) -> None:
    fakes.answer("squeue", error="slurm_load_jobs error: Unable to contact slurm controller\n", status=1)
    poll = Poll(SlurmClient(), seconds=0.0)
    poll.watch(1)
    assert poll.state(1) == (None, 0)
    assert poll.silent_seconds > 0
    fakes.answer("squeue", "1|RUNNING|None|n\n")
    state, _ = poll.state(1)
    assert state is not None
    assert poll.silent_seconds == 0


def test_a_submission_whose_answer_got_lost_is_found_again(fakes: Fakes, tmp_path: Path) -> None:
    fakes.answer("sbatch", error="sbatch: error: Batch job submission failed: Socket timed out\n", status=1)
    fakes.answer("squeue", "41\n")
    jobs: list[int] = []
    submit(SlurmClient(), ["--job-name=work-1"], JobFolder(tmp_path), patience_seconds=5, record=jobs.append)
    assert jobs == [41]
    assert len(fakes.calls("sbatch")) == 1
    assert "--name=work-1" in fakes.calls("squeue")[0][0]


def test_a_controller_that_stays_away_is_told(fakes: Fakes, tmp_path: Path) -> None:
    error = "Unable to contact slurm controller (connect failure)\n"
    fakes.answer("sbatch", error=error, status=1)
    fakes.answer("squeue", error=error, status=1)
    with pytest.raises(CommandError, match="Unable to contact slurm controller"):
        submit(SlurmClient(), ["--job-name=work-1"], JobFolder(tmp_path), patience_seconds=1, record=lambda job: None)


def test_without_slurm_the_missing_commands_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="Slurm's commands are not here: sbatch, squeue"):
        SlurmClient.check_installed()


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            "sinfo: error: fetch_config: DNS SRV lookup failed\nsinfo: fatal: Could not establish a configuration source\n",
            SettingsError,
            "Slurm's commands know of no cluster here."
            " Run this on a cluster's login node, or let SLURM_CONF name its slurm.conf.",
        ),
        (
            "slurm_load_partitions: Unable to contact slurm controller (connect failure)\n",
            CommandError,
            "sinfo failed: slurm_load_partitions: Unable to contact slurm controller (connect failure)."
            " 'scontrol ping' tells whether the controller is up.",
        ),
    ],
)
def test_where_no_cluster_answers_a_run_does_not_begin(fakes: Fakes, error: str, kind: type[Exception], said: str) -> None:
    fakes.answer("sinfo", error=error, status=1)
    with pytest.raises(kind) as caught:
        SlurmClient().partitions_of_the_site()
    assert str(caught.value) == said


def test_a_signal_between_a_submission_and_its_record_waits(fakes: Fakes, tmp_path: Path) -> None:
    fakes.answer("sbatch", "41\n", seconds=2)
    jobs: list[int] = []
    threading.Thread(target=_interrupt_at, args=(fakes,), daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        submit(SlurmClient(), ["--job-name=work-1"], JobFolder(tmp_path), patience_seconds=5, record=jobs.append)
    assert jobs == [41]


def _interrupt_at(fakes: Fakes) -> None:
    """Send this process Ctrl-C as soon as a command runs."""
    while not (fakes.folder / "calls").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_job_of_before_is_not_taken_for_the_one_submitted_again(fakes: Fakes, tmp_path: Path) -> None:
    fakes.answer("sbatch", error="sbatch: error: Batch job submission failed: Socket timed out\n", status=1)
    fakes.answer("squeue", "41\n")
    jobs: list[int] = []
    with pytest.raises(CommandError):
        submit(SlurmClient(), ["--job-name=work-1"], JobFolder(tmp_path), patience_seconds=1, record=jobs.append, after=41)
    assert jobs == []
    fakes.answer("squeue", "42\n")
    submit(SlurmClient(), ["--job-name=work-1"], JobFolder(tmp_path), patience_seconds=5, record=jobs.append, after=41)
    assert jobs == [42]


def test_a_controller_is_not_silent_because_nobody_asked(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = Poll(SlurmClient(), seconds=0.0)
    later = time.monotonic() + 3000
    monkeypatch.setattr("stacks.slurm.poll.time.monotonic", lambda: later)
    fakes.answer("squeue", error="slurm_load_jobs error: Unable to contact slurm controller\n", status=1)
    poll.watch(1)
    poll.state(1)
    assert poll.silent_seconds < 60


@pytest.mark.parametrize("name", ["arra", "hol", "clusters", "reque"])
def test_what_the_operator_sets_cannot_be_reached_by_an_abbreviation(name: str) -> None:
    with pytest.raises(ValidationError, match="is set by the step operator"):
        SlurmSettings(extra={name: "x"})
