"""The measuring tool measures what a command and its children do, and leaves nothing running."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from benchmarks.imports import import_all
from benchmarks.measure import CHECKOUT, BenchmarkError, fresh_environment, measure, python

_HOLD = "import time; held = b'x' * {mb} * 2**20; time.sleep({seconds})"
_LEAVES_A_CHILD = "import subprocess; child = subprocess.Popen(['sleep', '60']); open({note!r}, 'w').write(str(child.pid))"


def test_seconds_and_memory_of_one_process() -> None:
    taken = measure(python("-c", _HOLD.format(mb=200, seconds=0.5)), environment=os.environ)
    assert taken.seconds >= 0.5
    assert 200 <= taken.peak_mb <= 260


def test_memory_of_children_is_added() -> None:
    child = _HOLD.format(mb=150, seconds=1.5)
    start = f"subprocess.Popen([sys.executable, '-c', {child!r}])"
    code = f"import subprocess, sys; both = [{start}, {start}]; [each.wait() for each in both]"
    taken = measure(python("-c", code), environment=os.environ)
    assert 300 <= taken.peak_mb <= 400


def test_a_peak_between_two_samples_is_seen() -> None:
    code = "import time; held = b'x' * 300 * 2**20; del held; time.sleep(0.5)"
    assert measure(python("-c", code), environment=os.environ).peak_mb >= 300


def test_a_failure_ends_with_the_last_lines() -> None:
    with pytest.raises(BenchmarkError, match=r"failed with status 3: .*the reason"):
        measure(python("-c", "import sys; print('the reason', file=sys.stderr); sys.exit(3)"), environment=os.environ)


def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = _LEAVES_A_CHILD.format(note=str(note)) + "; import time; time.sleep(60)"
    with pytest.raises(BenchmarkError, match="ran out of time"):
        measure(python("-c", code), environment=os.environ, timeout_seconds=2)
    assert _gone(int(note.read_text()))


def test_a_child_that_outlives_the_command_is_ended(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    measure(python("-c", _LEAVES_A_CHILD.format(note=str(note))), environment=os.environ)
    assert _gone(int(note.read_text()))


def test_a_fresh_environment_knows_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", "theirs")
    environment = fresh_environment(tmp_path)
    assert "MLFLOW_TRACKING_URI" not in environment and "ZENML_ACTIVE_STACK_ID" not in environment
    assert environment["FUSIONGUARD_HOME"] == str(tmp_path / "home")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("import chunk_that_is_absent", 1),
        ("from fusionguard.garbage import leave; leave(4)", 4),  # as run.py does
    ],
)
def test_recording_names_what_a_script_imports_however_it_ends(tmp_path: Path, end: str, status: int) -> None:
    script, modules = tmp_path / "script.py", tmp_path / "modules.json"
    script.write_text(f"import sys\nassert sys.argv[1:] == ['--flag']\nimport colorsys\n{end}\n")
    command = python("-m", "benchmarks.imports", "record", modules, script, "--flag")
    assert subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=60).returncode == status
    assert "colorsys" in json.loads(modules.read_text())


def test_imports_that_cannot_be_made_again_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert import_all(["__main__", "colorsys", "made_up_at_run_time"]) == ["made_up_at_run_time"]


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
