"""A job's files: the environment nobody else reads, the script no value gets into, the copy of the code, the growing log."""

from __future__ import annotations

import os
import py_compile
import stat
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from stacks.slurm.environment import write_environment
from stacks.slurm.errors import SettingsError
from stacks.slurm.folder import JOB_SCRIPT, JobFolder, JobRecord, leave_checkpoints, take_checkpoints
from stacks.slurm.log_tail import LogTail
from stacks.slurm.snapshot import snapshot

_WITHOUT_PREFIX = {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}
HOSTILE = {
    "A": "two\nlines",
    "B": "it's $(touch pwned) `touch pwned`",
    "C": '"; touch pwned; "',
    "D": "",
    "E": "\\ \t x",
    "ZENML_STORE_API_TOKEN": "secret",
}


def test_the_environment_file_is_the_owners_and_says_what_it_was_told(tmp_path: Path) -> None:
    old = os.umask(0o000)
    try:
        write_environment(tmp_path / "environment", HOSTILE)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "environment").stat().st_mode) == 0o600
    show = ". ./environment; exec " + sys.executable + " -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    done = subprocess.run(["bash", "-c", show], cwd=tmp_path, capture_output=True, text=True, check=True)
    import json

    assert HOSTILE.items() <= json.loads(done.stdout).items()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["A B", "A;B", "1A", "", "A\nB", "$(id)"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        write_environment(tmp_path / "environment", {name: "x"})


def _run_job(folder: JobFolder, command: list[str], setup: list[str] | None = None, **environment: str) -> int:
    folder.prepare(
        command=command,
        setup=setup or [],
        environment={"PATH": os.environ["PATH"]} | environment,
    )
    job = ["bash", str(JOB_SCRIPT), str(folder.path)]
    with folder.log.open("ab") as log:
        return subprocess.run(job, stdout=log, stderr=log, env={"SLURM_JOB_ID": "7"}, timeout=30).returncode


@pytest.mark.parametrize("name", ["plain", "with space", "it's", 'quo"te', "dollar$(touch pwned)", "new\nline"])
def test_the_script_runs_whatever_the_folder_and_the_words_are_called(tmp_path: Path, name: str) -> None:
    folder = JobFolder(tmp_path / name)
    hostile = ["a b", "'; touch pwned #", "$(touch pwned)", "two\nlines", ""]
    say = "import sys; open(sys.argv[1], 'w').write(repr(sys.argv[2:]))"
    assert _run_job(folder, [sys.executable, "-c", say, str(tmp_path / "said"), *hostile]) == 0
    assert (tmp_path / "said").read_text() == repr(hostile)
    assert folder.exit_status() == 0
    assert not (folder.path / "environment").exists()
    assert not list(tmp_path.rglob("pwned"))


def test_a_failure_is_noted_and_the_environment_still_removed(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    assert _run_job(folder, [sys.executable, "-c", "raise SystemExit(3)"]) == 3
    assert folder.exit_status() == 3
    assert not (folder.path / "environment").exists()


def test_set_up_lines_come_first_and_their_failure_is_the_jobs(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    show = [sys.executable, "-c", "import os; print(os.environ['FROM_SETUP'])"]
    assert _run_job(folder, show, ["export FROM_SETUP='it works'"]) == 0
    assert "it works" in folder.log.read_text()
    assert _run_job(folder, show, ["false", "export FROM_SETUP=1"]) == 78
    assert "a set-up line failed with status 1" in folder.log.read_text()


def test_a_requeued_job_whose_step_had_ended_does_nothing(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    marker = tmp_path / "ran"
    command = [sys.executable, "-c", f"open({str(marker)!r}, 'a').write('x')"]
    assert _run_job(folder, command) == 0
    job = ["bash", str(JOB_SCRIPT), str(folder.path)]
    assert subprocess.run(job, env={"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "1"}, timeout=30).returncode == 0
    assert marker.read_text() == "x"


def test_the_warning_reaches_the_step_and_one_that_is_ended_by_it_holds_the_job(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    listen = (
        "import os, signal, time\n"
        "def hear(*_):\n"
        "    print('warned', os.path.exists(os.environ['ZENML_SLURM_WARNING']), flush=True)\n"
        "    os._exit(75)\n"
        "signal.signal(signal.SIGUSR1, hear)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {"PATH": os.environ["PATH"]}
    folder.prepare(command=[sys.executable, "-c", listen], setup=[], environment=environment)
    with folder.log.open("ab") as log:
        job = subprocess.Popen(["bash", str(JOB_SCRIPT), str(folder.path)], stdout=log, stderr=log, env={"SLURM_JOB_ID": "7"})
    try:
        _until(lambda: "ready" in folder.log.read_text())
        job.terminate()  # a site that does not warn sends TERM
        _until(lambda: "warned True" in folder.log.read_text())
        time.sleep(1)
        assert job.poll() is None, "the job left by itself: it would not be queued again"
        assert folder.exit_status() is None
    finally:
        job.kill()
        job.wait()


def _until(condition: object) -> None:
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    assert folder.record() is None
    record = JobRecord(7, "work", "s", "r", ("--a=b c",), 1, 1.5, (5, 6))
    folder.write_record(record)
    assert folder.record() == record


def test_byte_code_comes_along_and_python_trusts_it(tmp_path: Path) -> None:
    root = _code(tmp_path / "code")
    py_compile.compile(str(root / "pkg" / "a.py"), doraise=True)
    copy = snapshot(tmp_path / "jobs", uuid4(), root, ["."])
    command = [sys.executable, "-v", "-c", "import pkg.a"]
    said = subprocess.run(command, cwd=copy, capture_output=True, text=True, env=_WITHOUT_PREFIX).stderr
    assert f"matches {copy}/pkg/a.py" in said


def _code(root: Path) -> Path:
    for name in ("pkg/a.py", "pkg/__pycache__/a.pyc", ".git/config", "venv/pyvenv.cfg", "venv/lib.py", "run.py", "other.py"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return root


def test_code_is_copied_once_a_run_and_shared_where_it_is_the_same(tmp_path: Path) -> None:
    root, first, second = _code(tmp_path / "code"), uuid4(), uuid4()
    copy = snapshot(tmp_path / "jobs", first, root, ["pkg", "run.py"])
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()) == ["pkg/a.py", "run.py"]
    assert snapshot(tmp_path / "jobs", second, root, ["pkg", "run.py"]) == copy
    (root / "run.py").write_text("edited")
    assert snapshot(tmp_path / "jobs", first, root, ["pkg", "run.py"]) == copy
    assert (copy / "run.py").read_text() == "run.py"
    edited = snapshot(tmp_path / "jobs", uuid4(), root, ["pkg", "run.py"])
    assert (edited / "run.py").read_text() == "edited"


def test_a_whole_root_leaves_out_what_is_not_code(tmp_path: Path) -> None:
    copy = snapshot(tmp_path / "jobs", uuid4(), _code(tmp_path / "code"), ["."])
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()) == ["other.py", "pkg/a.py", "run.py"]


def test_code_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="The code 'nope' is not in"):
        snapshot(tmp_path / "jobs", uuid4(), _code(tmp_path / "code"), ["nope"])


def test_a_log_is_read_as_it_grows_and_after_it_was_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "log"
    tail = LogTail(file)
    assert tail.lines() == []
    file.write_text("one\ntw")
    assert tail.lines() == ["one"]
    with file.open("a") as stream:
        stream.write("o\nthree")
    assert tail.lines() == ["two"]
    file.unlink()
    assert tail.lines() == []
    assert tail.was_lost
    file.write_text("four\n")
    assert tail.lines(last=True) == ["four"]


def test_checkpoints_of_a_dead_job_go_to_the_one_that_computes_the_same(tmp_path: Path) -> None:
    dead, next_one, third = (JobFolder(tmp_path / name) for name in ("dead", "next", "third"))
    dead.checkpoints.mkdir(parents=True)
    (dead.checkpoints / "state").write_text("saved")
    leave_checkpoints(tmp_path, dead, "key")
    take_checkpoints(tmp_path, next_one, "other key")
    assert not next_one.checkpoints.exists()
    take_checkpoints(tmp_path, next_one, "key")
    take_checkpoints(tmp_path, third, "key")
    assert (next_one.checkpoints / "state").read_text() == "saved"
    assert not third.checkpoints.exists()


def test_a_line_without_an_end_is_cut_and_a_flood_does_not_hold_the_watcher(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 40_000_000)
    tail = LogTail(log)
    first = tail.lines()
    assert 0 < sum(map(len, first)) < 20_000_000, "one call read it all"
    assert max(map(len, first)) < 2_000_000
    rest = [*tail.lines(), *tail.lines(last=True)]
    assert sum(map(len, first + rest)) == 40_000_000
