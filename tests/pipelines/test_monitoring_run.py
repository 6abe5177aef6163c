"""The monitoring pipeline from end to end, as a user runs it: a log that drifted and is partly damaged, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.history import history_file, read_history
from fusionguard.monitoring.traffic import Drift
from tests.conftest import PipelineRun
from tests.monitoring.logged import log_drift

DOOR = Path(__file__).resolve().parents[2] / "run.py"
STEPS = [
    "find_model",
    "read_log",
    "measure_drift",
    "measure_outcomes",
    "judge_window",
    "write_verdict",
    "send_alerts",
]


def monitoring(home: Home, *settings: str) -> PipelineRun:
    """Return the command of a monitoring run, which is not started."""
    command = (sys.executable, str(DOOR), "--pipeline", "monitoring", *(word for each in settings for word in ("--set", each)))
    return PipelineRun(home, command, {}, "", "")


def finished(run: PipelineRun, summary: Path) -> PipelineRun:
    """Run it, and return what it said."""
    done = run.again("--summary", str(summary))
    assert done.returncode == 0, done.stderr
    return replace(run, summary=json.loads(summary.read_text()), out=done.stdout, err=done.stderr)


@pytest.fixture(scope="module")
def log(fraud_run: PipelineRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fraud log whose amounts came in cents from 30 % on; its second part lost its end, a third was never finished."""
    folder = tmp_path_factory.mktemp("log")
    log_drift(folder, Bundle.open(Path(fraud_run.summary["bundle"])), Drift.UNIT_ERROR, rows=6_000)
    _, second, _ = sorted((folder / "fraud").glob("part-*.parquet"))
    second.write_bytes(second.read_bytes()[:-100])
    (folder / "fraud" / ".part-unfinished.tmp").write_bytes(b"PAR1")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.suffix in (".parquet", ".tmp")}


@pytest.fixture(scope="module")
def run(fraud_run: PipelineRun, log: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    """The pipeline, run on it."""
    version = fraud_run.summary["registered_as"].rpartition(" ")[2]
    wanted = (f'log="{log}"', f'version="{version}"', "evidently.rows=0")
    before = contents(log)
    done = finished(monitoring(fraud_run.home, *wanted), tmp_path_factory.mktemp("monitoring") / "summary.json")
    assert contents(log) == before, "monitoring changes nothing of the log"
    return done


def test_every_step_ran(run: PipelineRun) -> None:
    steps = {step["name"]: step for step in run.summary["steps"]}
    assert sorted(steps) == sorted(STEPS)
    assert not any(step["cached"] for step in steps.values())
    assert steps["read_log"]["rows"] == 4_000


def test_the_verdict_says_what_since_when_why_and_what_to_do(run: PipelineRun) -> None:
    verdict = run.summary["verdict"]
    assert (verdict["state"], verdict["cause"], verdict["action"]) == ("act", "upstream data", "fix data")
    assert "Amount" in verdict["features"]
    assert "2026-03-0" in verdict["since"]
    assert verdict["sureness"] > 0.99
    assert run.summary["simulated"] is True
    assert run.summary["facts"]["rows"] == 4_000
    assert run.summary["measured"]["metrics"]["roc_auc"]["value"] is not None


def test_the_end_of_a_run_tells_it_in_a_few_lines(run: PipelineRun) -> None:
    for word in ("SIMULATED DATA", "Verdict act: ", "advice: fix data", "Told    log: sent, file: sent", "verdict.html"):
        assert word in run.out
    assert "could not be read" in run.out, "a part of the log is missing"
    assert "prediction log: left out" in run.err
    assert "Traceback" not in run.err
    assert "Warning" not in run.err + run.out
