"""Runs beyond their retention: what goes, what others still use, and what a clean-up beside a run leaves alone."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import pipelines.clean as cleaning
import pipelines.expired_runs as expired_runs
from fusionguard.clean.needed import Needed
from fusionguard.clean.removal import Removal, freed_bytes
from fusionguard.errors import DataError, StorageError, UsageError
from fusionguard.files import locked
from fusionguard.home import Home
from fusionguard.keep_config import KeepConfig
from pipelines.clean import clean, main
from pipelines.leftovers import taken_over, tidy_up
from pipelines.runner import RunRequest, execute
from pipelines.summary import Summary
from tests.pipelines.toy_entry import ENTRY

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 leaves closing its SQLite connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]
CATALOG = {"toy": ENTRY}
ONE = {"toy": KeepConfig(runs=1)}


def _run(home: Home, *assignments: str, **options: Any) -> Summary:
    return execute(RunRequest("toy", assignments=assignments, **options), home, catalog=CATALOG)


def _runs(home: Home) -> list[str]:
    """Return the names of the home's runs that ZenML knows, oldest first."""
    from stacks.provision import own_stacks
    from stacks.session import open_client

    client = open_client()
    runs = [run for stack in own_stacks(client, home) for run in client.list_pipeline_runs(stack_id=stack.id, size=200).items]
    return [run.name for run in sorted(runs, key=lambda run: run.created)]


def _output(run: str, step: str, name: str) -> Any:
    from stacks.session import open_client

    return open_client().get_pipeline_run(run, allow_name_prefix_match=False).steps[step].outputs[name][0]


def _files(home: Home) -> set[Path]:
    return {file for file in (home.state / "artifacts").rglob("*") if file.is_file() and file.name != ".mark"}


@pytest.mark.full
def test_the_newest_runs_stay_and_others_go_with_their_artifacts_and_logs(home: Home) -> None:
    first, second, third = (_run(home, f"rows={rows}", cache=False).zenml_run for rows in (11, 12, 13))
    page = _shown_on_a_models_page(first)
    before, gone = _files(home), Path(_output(first, "make", "made").uri)
    kept = _output(third, "make", "made")
    size = freed_bytes(removals := clean(home, {"toy": KeepConfig(runs=2)}, dry_run=True))
    assert _files(home) == before and size > 1000
    assert clean(home, {"toy": KeepConfig(runs=2)}) == removals
    assert _runs(home) == [second, third]
    assert not gone.exists()
    left = _files(home)
    assert left < before and 2 * len(before - left) == len(left)  # a third, logs among them
    assert kept.load().rows == 13
    assert clean(home, {"toy": KeepConfig(runs=2)}) == []
    assert page() == (0, 0)


def _shown_on_a_models_page(run: str) -> Callable[[], tuple[int, int]]:
    """Link a run to a model's version; return what counts the runs and artifacts that are linked."""
    from stacks.session import open_client
    from steps.zenml_model import link_run

    client = open_client()
    model = client.create_model(f"toy-{uuid4().hex}")
    version = client.create_model_version(model.id, "v1")
    assert link_run(version, client.get_pipeline_run(run, allow_name_prefix_match=False).id) >= 3
    runs, artifacts = client.list_model_version_pipeline_run_links, client.list_model_version_artifact_links
    return lambda: (runs(model_version_id=version.id).total, artifacts(model_version_id=version.id).total)


@pytest.mark.full
def test_old_runs_go_however_few_they_are_but_the_last_good_one_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first, good = (_run(home, cache=False).zenml_run for _ in range(2))
    with pytest.raises(DataError):
        _run(home, "fail=domain")
    failed = _runs(home)[-1]
    now = expired_runs.time.time()
    monkeypatch.setattr(expired_runs.time, "time", lambda: now + 29 * 86_400)
    assert clean(home, {"toy": KeepConfig(runs=9, days=30)}) == []
    assert _runs(home) == [first, good, failed]
    monkeypatch.setattr(expired_runs.time, "time", lambda: now + 31 * 86_400)
    assert any("31 days old, of 30" in removal.why for removal in clean(home, {"toy": KeepConfig(runs=9, days=30)}))
    assert _runs(home) == [good]


@pytest.mark.full
def test_what_a_kept_run_took_from_the_cache_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (_run(home, "rows=7").zenml_run for _ in range(2))
    assert _output(second, "make", "made").id == _output(first, "make", "made").id
    clean(home, ONE)
    assert _runs(home) == [first, second]
    third = _run(home, "rows=7")
    assert [step.cached for step in third.steps] == [True, True, False]
    clean(home, ONE)
    assert _runs(home) == [first, third.zenml_run]
    now = expired_runs.time.time()
    monkeypatch.setattr(expired_runs.time, "time", lambda: now + 31 * 86_400)
    clean(home, ONE)  # of a run that is too old, only what a kept one has taken stays
    assert _runs(home) == [third.zenml_run]
    assert _output(third.zenml_run, "make", "made").load().rows == 7
    assert _output(third.zenml_run, "work", "provenance").load().rows == 7


@pytest.mark.full
def test_the_run_of_a_needed_model_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, third = (_run(home, cache=False).zenml_run for _ in range(3))
    monkeypatch.setattr(cleaning, "find_needed", lambda _: Needed(frozenset(), frozenset({first})))
    clean(home, ONE)
    assert _runs(home) == [first, third]
    assert _output(first, "make", "made").load().rows == 12


@pytest.mark.full
def test_a_run_that_is_under_way_keeps_all_it_has(home: Home) -> None:
    first, second = (_run(home, cache=False).zenml_run for _ in range(2))
    before = _files(home)
    (home.work / first).mkdir(parents=True)
    with locked(home.work / first):
        assert clean(home, ONE) == []
    assert _files(home) == before and _runs(home) == [first, second]
    assert clean(home, ONE) != []
    assert _runs(home) == [second]


def _play_squeue(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (folder / "squeue").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_CONF", raising=False)


@pytest.mark.full
def test_a_run_with_a_job_on_a_cluster_keeps_all_it_has_and_old_job_folders_go(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from stacks.provision import provision
    from stacks.session import open_client
    from stacks.slurm.folder import JobFolder, JobRecord

    first, second = (_run(home, cache=False).zenml_run for _ in range(2))
    before = _files(home)
    provision("hpc", home)
    run, step = open_client().get_pipeline_run(first).id, uuid4()
    folder, gone = (JobFolder.of(home.state / "slurm", each, step) for each in (run, uuid4()))
    for number, each in enumerate((folder, gone), start=41):
        each.path.mkdir(parents=True)
        options = (f"--job-name=work-{number}",)
        each.write_record(JobRecord(number, "work", str(step), each.path.parent.name, options, 0, 0.0))
        for path in (each.path / "job.json", each.path, each.path.parent):
            os.utime(path, (1, 1))
    (home.work / first).mkdir(parents=True)
    os.utime(home.work / first, (1, 1))
    half = home.state / "slurm" / "runs" / f".{uuid4()}.0123abcd.removed"
    half.mkdir()
    _play_squeue(tmp_path, monkeypatch, "echo 'squeue: Unable to contact slurm controller' >&2; exit 1")
    assert [removal.path for removal in clean(home, ONE, dry_run=True)] == [half]
    assert "nobody knows which there are: squeue failed: squeue: Unable to contact slurm controller" in caplog.text
    _play_squeue(tmp_path, monkeypatch, "echo '41|work-41'")
    planned = clean(home, ONE, dry_run=True)
    assert [removal.path for removal in planned] == [gone.path.parent, half]
    assert planned[0].kind == "job folders and copies of the code" and planned[0].why.startswith("untouched for 30 days")
    assert clean(home, ONE) == planned
    assert not gone.path.parent.exists() and not half.exists()
    assert _files(home) == before and _runs(home) == [first, second] and folder.path.is_dir() and (home.work / first).is_dir()
    _play_squeue(tmp_path, monkeypatch, "exit 0")
    clean(home, ONE)
    assert _runs(home) == [second]
    assert not folder.path.parent.exists() and not (home.work / first).exists()


@pytest.mark.full
def test_what_a_beginning_run_is_about_to_take_is_left(home: Home) -> None:
    first, _ = (_run(home, cache=False).zenml_run for _ in range(2))
    made, told = (Path(_output(first, step, name).uri) for step, name in (("make", "made"), ("tell", "told")))
    os.utime(told, (1, 1))
    # Another run has asked the cache; ZenML does not know yet what it takes.
    from stacks.session import open_client

    client = open_client()
    found = expired_runs.Expired()
    run = client.get_pipeline_run(first)
    expired_runs._expire(client, run, "old", set(), home.state / "artifacts", found, since=made.stat().st_mtime - 1, young=True)
    assert told in found.versions.values() and made not in found.versions.values()


def test_a_run_that_has_its_folder_and_not_yet_its_mark_is_not_taken_for_dead(home: Home) -> None:
    work, mark = home.work / "toy-1", home.running / "toy-1"
    for folder in (work, home.running):
        folder.mkdir(parents=True)
    mark.touch()
    with locked(work):
        tidy_up(home)
        assert work.exists() and mark.exists()
    tidy_up(home)
    assert not work.exists() and not mark.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../predictions", "{home}/predictions"])
def test_to_resume_a_path_removes_nothing(home: Home, name: str) -> None:
    kept = [home.predictions / "fraud" / "part-1.parquet", home.work / "toy-1" / "rows.parquet"]
    for file in kept:
        file.parent.mkdir(parents=True)
        file.write_text("x")
    with pytest.raises(UsageError, match="is no name of a run"), taken_over(home, name.format(home=home.state)):
        raise UsageError("There is no such run.")
    assert [file.exists() for file in kept] == [True, True]


@pytest.mark.full
def test_what_a_run_takes_between_finding_and_removing_is_left(home: Home) -> None:
    first, second = (_run(home, cache=False).zenml_run for _ in range(2))
    made, told = (Path(_output(first, step, name).uri) for step, name in (("make", "made"), ("tell", "told")))
    from stacks.session import open_client

    client = open_client()
    expired = expired_runs.find_expired(client, home, ONE, ())
    os.utime(made, (expired.at + 5, expired.at + 5))
    expired_runs.remove_expired(client, expired)
    assert made.exists() and not told.exists()
    assert _runs(home) == [second]


def test_a_summary_is_written_before_anything_is_removed(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.clean.clean_after_run", stopped)
    with pytest.raises(KeyboardInterrupt):
        _run(home, "rows=17", summary=tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text())["data"]["rows"] == 17


def test_a_home_that_cannot_be_read_is_one_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.state.mkdir(parents=True)

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(home.work))

    monkeypatch.setattr(cleaning, "expired_folders", refused)
    monkeypatch.setattr(cleaning, "default_keeps", lambda: ONE)
    assert main([]) == 1
    err = capsys.readouterr().err
    assert "You may not write there" in err and len(err.splitlines()) == 1


@pytest.mark.full
def test_a_cached_step_whose_files_are_gone_runs_again(home: Home) -> None:
    first = _run(home, "rows=9")
    shutil.rmtree(_output(first.zenml_run, "make", "made").uri)
    second = _run(home, "rows=9")
    assert {step.name: step.cached for step in second.steps} == {"make": False, "work": True, "tell": False}
    shutil.rmtree(_output(first.zenml_run, "work", "provenance").uri)
    third = _run(home, "rows=9")
    assert {step.name: step.cached for step in third.steps} == {"make": True, "work": False, "tell": False}
    assert third.report.to_json()["data"]["rows"] == 9


def test_the_end_of_a_run_applies_its_retention(home: Home) -> None:
    first = _run(home, cache=False).zenml_run
    assert _runs(home) == [first]
    second = _run(home, "keep.runs=1", cache=False).zenml_run
    assert _runs(home) == [second]


@pytest.mark.full
def test_a_clean_up_that_is_killed_can_be_run_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (_run(home, cache=False).zenml_run for _ in range(2))
    planned = clean(home, ONE, dry_run=True)
    done: list[Removal] = []

    def dying(removal: Removal) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(removal)
        real(removal)

    real = expired_runs.remove
    monkeypatch.setattr(expired_runs, "remove", dying)
    with pytest.raises(KeyboardInterrupt):
        clean(home, ONE)
    assert _runs(home) == [first, second]
    monkeypatch.setattr(expired_runs, "remove", real)
    assert clean(home, ONE) == planned[2:]
    assert _runs(home) == [second]
    assert not any(removal.path.exists() for removal in planned)


@pytest.mark.full
def test_a_home_that_cannot_be_written_is_one_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        _run(home, cache=False)

    def refused(source: Path, target: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("fusionguard.clean.removal.os.replace", refused)
    with pytest.raises(StorageError, match="read-only"):
        clean(home, ONE)
    monkeypatch.setattr(cleaning, "default_keeps", lambda: ONE)
    assert main([]) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err and "The file system is read-only" in err and len(err.splitlines()) == 1


@pytest.mark.full
def test_the_command_shows_then_frees_and_keeps_what_is_not_named(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (_run(home, cache=False).zenml_run for _ in range(2))
    part, labels = home.predictions / "fraud" / "part-1.parquet", home.predictions / "fraud" / "labels.sqlite"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 2_000_000)
    labels.write_bytes(b"y" * 500_000)
    monkeypatch.setattr(cleaning, "default_keeps", lambda: ONE)
    capsys.readouterr()
    assert main(["--dry-run", "predictions"]) == 0
    shown = capsys.readouterr().out
    assert "2.0 MB      1 the prediction log in .fusionguard/predictions/fraud: you named it" in shown
    assert "artifacts of runs" in shown and "nothing was removed" in shown
    assert "outcomes of predictions (outcomes)" in shown and "(predictions)" not in shown
    assert part.exists() and _runs(home) == [first, second]
    assert main([]) == 0
    assert part.exists() and labels.exists() and _runs(home) == [second]
    assert main(["prediction"]) == 2
    assert "predictions" in capsys.readouterr().err
    assert part.exists()
    assert main(["predictions"]) == 0
    assert "Freed 2.0 MB." in capsys.readouterr().out
    assert not part.exists() and labels.exists()


@pytest.mark.full
def test_make_clean_keeps_log_and_outcomes_in_the_home_that_is_named(home: Home, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".venv" / "bin" / "fusionguard").exists():
        pytest.skip("needs the .venv that `make setup` makes")
    shutil.copy(root / "Makefile", tmp_path)
    kept = [tmp_path / ".fusionguard" / "predictions" / "part-0.parquet", home.state / "mlartifacts" / "model.bin"]
    kept += [home.predictions / "fraud" / name for name in ("part-1.parquet", "labels.sqlite")]
    gone = [home.feature_store / "fraud" / "key" / "features.parquet", tmp_path / ".ruff_cache" / "x"]
    for file in (*kept, *gone):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    command = ["make", "-C", str(tmp_path), "clean", f"VENV={root / '.venv'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "feature tables in data/feature_store/fraud: can be made again" in done.stdout
    assert [file.exists() for file in kept] == [True] * 4
    assert [file.exists() for file in gone] == [False] * 2
