"""Ctrl-C and SIGTERM in the middle of a real process: one line, nothing half-written, nothing left "running"."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fusionguard.home import Home
from fusionguard.registry.tracking import open_store
from pipelines.interruption import Interrupted, InterruptionGuard

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]
RUN_TOY = Path(__file__).with_name("run_toy.py")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, str(RUN_TOY), "--pipeline", "toy", *arguments]


def _wait_for(file: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _statuses(home: Home) -> tuple[str, dict[str, str]]:
    from stacks.provision import provision
    from stacks.session import open_client

    stack = provision("local", home)
    run = open_client().list_pipeline_runs(stack_id=stack.id, size=1, sort_by="desc:created", hydrate=True).items[0]
    return str(run.status), {name: str(step.status) for name, step in run.steps.items()}


@pytest.mark.long
@pytest.mark.full
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "Interrupted"), pytest.param(signal.SIGTERM, 143, "Stopped by SIGTERM", marks=pytest.mark.full)],
)
def test_a_signal_ends_a_run_with_one_line_and_the_next_run_works(
    home: Home, tmp_path: Path, number: signal.Signals, status: int, said: str
) -> None:
    marker, summary = tmp_path / "marker", tmp_path / "summary.json"
    slow = _command("--set", f"marker={marker}", "--set", "wait_seconds=300", "--summary", str(summary), "--quiet")
    process = subprocess.Popen(slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    _wait_for(marker, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    assert process.returncode == status, err
    assert out == ""
    assert err.splitlines() == [f"{said}: the run was stopped and left nothing half-written."]
    assert not summary.exists()
    assert list(home.work.iterdir()) == []
    run, steps = _statuses(home)
    assert run in {"failed", "stopped"}
    assert steps["make"] == "completed"
    assert steps["work"] in {"failed", "stopped"}
    assert not list((home.state / "artifacts" / "work").rglob("*.json"))

    again = subprocess.run(_command("--summary", str(summary)), capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    cached = {step["name"]: step["cached"] for step in json.loads(summary.read_text())["steps"]}
    assert cached == {"make": True, "work": False, "tell": False}
    assert _statuses(home)[0] == "completed"


@pytest.mark.full
def test_a_run_that_was_killed_is_closed_by_the_next_one(store: Home, tmp_path: Path) -> None:
    from stacks.session import open_client

    home, marker = store, tmp_path / "marker"
    slow = _command("--set", f"marker={marker}", "--set", "wait_seconds=300", "--set", "registers=true", "--quiet")
    process = subprocess.Popen(slow, text=True)
    _wait_for(marker, process)
    process.kill()
    process.wait()
    (mark,) = home.running.iterdir()
    ended = {"make": "completed", "register_model": "completed"}
    assert _statuses(home) == ("running", {**ended, "work": "running"})
    again = subprocess.run(_command("--quiet"), capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    run = open_client().get_pipeline_run(mark.name, allow_name_prefix_match=False)
    assert str(run.status) == "stopped"
    assert {name: str(step.status) for name, step in run.steps.items()} == {**ended, "work": "stopped"}
    client = open_store(home)
    (in_mlflow,) = client.search_runs([client.get_experiment_by_name("fusionguard-fraud").experiment_id])
    assert (in_mlflow.info.status, in_mlflow.data.tags["zenml.run"]) == ("KILLED", mark.name)
    assert list(home.running.iterdir()) == []
    assert list(home.work.iterdir()) == []


def test_the_first_signal_is_answered_at_once_and_the_second_changes_nothing() -> None:
    said: list[str] = []
    with pytest.raises(Interrupted) as caught, InterruptionGuard(said.append):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            assert said == ["Stopping: jobs are cancelled and the run is closed. A second Ctrl-C changes nothing."]
            signal.raise_signal(signal.SIGINT)
    assert caught.value.signal_number == signal.SIGTERM
    assert len(said) == 1
