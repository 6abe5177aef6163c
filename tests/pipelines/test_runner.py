"""The runner, on a pipeline of three small steps."""

from __future__ import annotations

import io
import json
import logging
import shutil
import subprocess
from contextlib import nullcontext
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fusionguard.data.provenance import Provenance
from fusionguard.errors import DataError, StorageError, UnknownChoiceError, UsageError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.report import TableRow
from fusionguard.home import Home
from fusionguard.registry.tracking import open_store
from pipelines.leftovers import end_in_mlflow
from pipelines.runner import RunRequest, execute
from pipelines.summary import Report, Summary, print_summary
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


def _run(home: Home, *assignments: str, **options: Any) -> Summary:
    return execute(RunRequest("toy", assignments=assignments, **options), home, catalog=CATALOG)


def _last_run(home: Home) -> Any:
    from stacks.provision import provision
    from stacks.session import open_client

    stack = provision("local", home)
    return open_client().list_pipeline_runs(stack_id=stack.id, size=1, sort_by="desc:created", hydrate=True).items[0]


def _cached(summary: Summary) -> dict[str, bool]:
    return {step.name: step.cached for step in summary.steps}


def test_a_run_ends_with_a_summary_of_every_step(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    summary = _run(home, summary=file)
    content = json.loads(file.read_text())
    assert [step["name"] for step in content["steps"]] == ["make", "work", "tell"]
    assert content["steps"][0]["rows"] == 12
    assert sum(step["seconds"] for step in content["steps"]) < content["seconds"]
    assert content["peak_memory_mb"] > 50
    assert content["metrics"] == {"average_precision": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert content["simulated"] is True
    assert content["zenml_run"] == summary.zenml_run
    assert str(_last_run(home).status) == "completed"


def test_a_second_run_is_cached_but_for_steps_that_must_run(home: Home) -> None:
    assert _cached(_run(home)) == {"make": False, "work": False, "tell": False}
    assert _cached(_run(home)) == {"make": True, "work": True, "tell": False}


def test_another_setting_runs_what_depends_on_it(home: Home) -> None:
    _run(home)
    assert _cached(_run(home, "wait_seconds=0.01")) == {"make": True, "work": False, "tell": False}


@pytest.mark.full
def test_the_cache_can_be_left_aside(home: Home) -> None:
    _run(home)
    assert _cached(_run(home, cache=False)) == {"make": False, "work": False, "tell": False}


@pytest.mark.full
def test_changed_code_is_not_served_stale_results(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    import zenml.orchestrators.cache_utils as cache_utils

    _run(home)
    load = cache_utils.source_utils.load
    changed = lambda source: (lambda: "other code") if "freshness" in str(source) else load(source)  # noqa: E731
    monkeypatch.setattr(cache_utils.source_utils, "load", changed)
    assert _cached(_run(home)) == {"make": False, "work": False, "tell": False}


@pytest.mark.full
def test_artifacts_that_are_gone_are_made_again(home: Home) -> None:
    _run(home)
    shutil.rmtree(home.state / "artifacts")
    assert _cached(_run(home)) == {"make": False, "work": False, "tell": False}
    assert _cached(_run(home)) == {"make": True, "work": True, "tell": False}


@pytest.mark.full
def test_settings_come_from_the_pipelines_file_then_config_then_set(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("rows: 5\n")
    assert _run(home).steps[0].rows == 12
    assert _run(home, config_files=(file,)).steps[0].rows == 5
    assert _run(home, "rows=3", config_files=(file,)).steps[0].rows == 3


def test_an_error_of_the_domain_comes_out_as_itself_and_the_run_is_marked_failed(home: Home) -> None:
    with pytest.raises(DataError, match=r"The toy's data is broken\. Mend it\."):
        _run(home, "fail=domain")
    run = _last_run(home)
    assert str(run.status) == "failed"
    assert {name: str(step.status) for name, step in run.steps.items()} == {"make": "completed", "work": "failed"}


def test_a_failed_run_leaves_no_work_files_and_the_next_one_works(home: Home) -> None:
    with pytest.raises(DataError):
        _run(home, "fail=domain")
    assert list(home.work.iterdir()) == []
    assert [step.name for step in _run(home).steps] == ["make", "work", "tell"]


@pytest.mark.parametrize(("fail", "status"), [("nothing", "FINISHED"), ("domain", "FAILED")])
def test_mlflows_run_lasts_as_long_as_the_pipelines_and_ends_like_it(store: Home, fail: str, status: str) -> None:
    with pytest.raises(DataError) if status == "FAILED" else nullcontext():
        _run(store, "registers=true", f"fail={fail}", "wait_seconds=0.5")
    run, client = _last_run(store), open_store(store)
    (found,) = client.search_runs([client.get_experiment_by_name("fusionguard-fraud").experiment_id])
    assert found.info.status == status
    began, ended = (moment.replace(tzinfo=UTC).timestamp() for moment in (run.start_time, run.end_time))
    assert found.info.start_time == round(began * 1000)
    assert 0 <= found.info.end_time / 1000 - ended < 30, "it ends after the last step"
    tags = found.data.tags
    assert (tags["zenml.run"], tags["mlflow.source.name"]) == (run.name, "run.py --pipeline toy")
    assert tags["zenml.run.url"] == f"http://127.0.0.1:8237/projects/default/runs/{run.id}"
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    assert tags.get("mlflow.source.git.commit", "") == commit.stdout.strip()


def test_a_registry_that_fails_at_the_end_does_not_hide_how_a_run_ended(store: Home, caplog: pytest.LogCaptureFixture) -> None:
    (store.state / "mlflow.db").write_bytes(b"cut off")
    end_in_mlflow(store, "toy-1", "FAILED")
    assert "MLflow could not be told that the run toy-1 is over" in caplog.text and "is damaged" in caplog.text


def test_a_disk_that_refuses_is_one_clear_line(home: Home) -> None:
    from pipelines.failures import expected_failure

    with pytest.raises(OSError, match="No space left") as caught:
        _run(home, "fail=disk")
    failure = expected_failure(caught.value)
    assert isinstance(failure, StorageError)
    assert "disk is full" in str(failure)


def test_a_bug_stays_a_bug(home: Home) -> None:
    from pipelines.failures import expected_failure

    with pytest.raises(ZeroDivisionError) as caught:
        _run(home, "fail=bug")
    assert expected_failure(caught.value) is None


def test_progress_is_a_line_a_step_and_what_the_domain_says(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.__stderr__", stream)
    _run(home, "rows=1234")
    first, note, second, third = stream.getvalue().splitlines()
    assert first.split()[:3] == ["[", "1/3]", "make"]
    assert first.endswith("1,234 rows")
    assert note.strip() == "the toy is at work"
    assert " s" in second
    assert "tell" in third


def test_quiet_says_nothing(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.__stderr__", stream)
    _run(home, quiet=True)
    assert stream.getvalue() == ""
    assert capsys.readouterr() == ("", "")


def test_what_the_domain_says_is_kept_in_the_steps_log(home: Home) -> None:
    _run(home, quiet=True)
    logs = [file.read_text() for file in (home.state / "artifacts" / "logs").rglob("*.log")]
    assert any("the toy is at work" in log for log in logs)
    assert logging.getLogger("fusionguard").level == logging.NOTSET


def test_the_table_says_loudly_that_data_is_simulated_and_where_to_look(home: Home) -> None:
    stream = io.StringIO()
    print_summary(_run(home), stream)
    text = stream.getvalue()
    assert "SIMULATED DATA" in text
    assert "0.500 (0.400 to 0.600)" in text
    assert "toy version 1 is the new champion. It is a toy." in text
    assert "card.md" in text
    assert max(map(len, text.splitlines())) <= 130


@pytest.mark.parametrize(
    ("request_", "error", "said"),
    [
        (RunRequest("nope"), UnknownChoiceError, "Unknown pipeline 'nope'. Valid choices: toy."),
        (RunRequest("toy", stack="nope"), UnknownChoiceError, "Unknown stack 'nope'. Valid choices: .*local"),
        (RunRequest("toy", assignments=("nope=1",)), UsageError, "Unknown key 'nope'. Known keys: rows,"),
        (RunRequest("toy", config_files=(Path("nope.yaml"),)), UsageError, r"no config file 'nope\.yaml'"),
        (RunRequest("toy", summary=Path("/nope/summary.json")), UsageError, "no folder '/nope'"),
        (RunRequest("toy", summary=Path("/")), UsageError, "is a folder"),
    ],
)
def test_a_mistake_in_the_request_is_found_before_anything_runs(
    home: Home, request_: RunRequest, error: type[UsageError], said: str
) -> None:
    with pytest.raises(error, match=said):
        execute(request_, home, catalog=CATALOG)
    assert not home.state.exists()


def test_a_home_that_is_a_file_is_found_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StorageError, match="choose another folder"):
        _run(Home(tmp_path / "home"))


def test_a_summary_says_why_a_metric_has_no_value() -> None:
    table = (
        TableRow("brier", "Brier score", {"champion": Interval(value=0.25), "other": Interval(reason="no odds")}, 3),
        TableRow("top", "precision in the top 9 alerts a day", {"champion": Interval(reason="too few rows")}, 3),
    )
    data = Provenance(dataset="fraud", origin="simulated", description="drawn", sha256="1" * 64, rows=3)
    report = Report.model_construct(data=data, table=table[:1], gate={"promoted": False, "reason": "worse"}, registered_as="x 1")
    said: list[str] = []
    console = Console(file=io.StringIO())
    report.show(console, lambda text, **_: said.append(text))
    assert not any(line.startswith("No ") for line in said)
    report = report.model_copy(update={"table": (table[1],)})
    report.show(console, lambda text, **_: said.append(text))
    assert "No precision in the top 9 alerts a day: too few rows." in said
