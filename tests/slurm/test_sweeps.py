"""A step that shares its work with helpers: a search on several jobs of a real Slurm, whatever becomes of the helpers."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tests.slurm.conftest import ToyRuns, wait_until

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
    pytest.mark.full,
    pytest.mark.timeout(600),
]
TRIALS = 24
ENDED = {TrialState.COMPLETE, TrialState.PRUNED}


def test_helpers_share_the_search_and_may_fail_and_be_cancelled(toy: ToyRuns, tmp_path: Path) -> None:
    toy.stack(settings={"helpers": 3, "helpers_at_once": 2}, poll_seconds=1)
    process = toy.start(fail="helper 1", trials=TRIALS, trial_seconds=1.5, hold=str(tmp_path / "go on"))
    most = 0

    def second_has_worked() -> bool:
        nonlocal most
        most = max(most, toy.helpers_running())
        return process.poll() is not None or (
            "2" in toy.helpers_at_work() and len(_workers(trials_of(toy.home.studies / "toy.log"))) > 1
        )

    wait_until(second_has_worked, 150)
    assert process.poll() is None, process.communicate()
    helpers = toy.job_folder() / "helpers"
    array = json.loads((helpers / "job.json").read_text())["job"]
    modes = [stat.S_IMODE(file.stat().st_mode) for file in helpers.glob("*/environment")]
    assert modes, "no helper has an environment"
    assert set(modes) == {0o600}
    toy.cluster.ask("scancel", f"{array}_2")
    wait_until(lambda: "3" in toy.helpers_at_work() or process.poll() is not None)
    (tmp_path / "go on").touch()
    while process.poll() is None:
        most = max(most, toy.helpers_running())
        time.sleep(0.5)
    done = toy.finish(process)
    assert done.returncode == 0, done.stderr

    finished = [trial for trial in trials_of(toy.home.studies / "toy.log") if trial.state in ENDED]
    assert sorted(trial.user_attrs["place"] for trial in finished) == list(range(TRIALS)), "each trial once"
    assert len(_workers(finished)) >= 2
    assert most == 2
    assert f"3 helpers submitted as job array {array}, at most 2 at once" in done.stderr
    assert done.stderr.count(f"helper 1 (job {array}_1) failed with status 1; the step goes on without it") == 1
    assert done.stderr.count(f"helper 2 (job {array}_2) ended as CANCELLED") == 1
    facts = toy.metadata()
    assert facts["slurm_helpers_job"] == array
    assert [facts[f"slurm_helpers{part}"] for part in ("", "_begun", "_failed")] == [3, 3, 2]
    _the_step_is_as_without_helpers(toy)
    assert list(helpers.rglob("environment")) == []
    wait_until(lambda: not {"PENDING", "RUNNING", "COMPLETING"} & set(toy.cluster.jobs().values()))


def _the_step_is_as_without_helpers(toy: ToyRuns) -> None:
    step = toy.last_run().steps["work"]
    assert str(step.status) == "completed"
    assert {name: len(versions) for name, versions in step.outputs.items()} == {"digest": 1}
    logs = {logs.source: Path(logs.uri).read_text() for logs in step.log_collection}
    assert "helper 1: ZeroDivisionError: a bug in a helper" in logs["prepare_step"]
    assert "a bug in a helper" not in logs["step"]


def trials_of(journal: Path) -> list[Any]:
    """Return the trials of a study, none where it has not begun."""
    if not journal.exists() or b"\n" not in journal.read_bytes():
        return []
    return optuna.load_study(study_name=journal.stem, storage=JournalStorage(JournalFileBackend(str(journal)))).trials


def _workers(trials: list[Any]) -> set[str]:
    return {trial.user_attrs["worker"] for trial in trials}
