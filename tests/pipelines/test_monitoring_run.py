"""The monitoring pipeline from end to end, as a user runs it: a log that drifted and is partly damaged, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import run as door
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.history import history_file, read_history
from fusionguard.monitoring.score_groups import ScoreGroups
from fusionguard.monitoring.traffic import Drift
from tests.conftest import PipelineRun
from tests.monitoring.logged import log_drift

STEPS = [
    "find_model",
    "read_log",
    "measure_drift",
    "measure_outcomes",
    "judge_window",
    "export_outcomes",
    "write_verdict",
    "send_alerts",
    "record_verdict",
    "update_index",
]


def monitoring(run: PipelineRun, log: Path, *settings: str) -> PipelineRun:
    """Return the command that judges the model of a training run, not started; other tests may promote others meanwhile."""
    version, model = run.summary["registered_as"].rpartition(" ")[2], run.summary["pipeline"]
    wanted = (f"model={model}", f'log="{log}"', f'version="{version}"', *settings)
    words = (sys.executable, str(Path(door.__file__)), "--pipeline", "monitoring")
    return PipelineRun(run.home, (*words, *(word for each in wanted for word in ("--set", each))), {}, "", "")


def finished(run: PipelineRun, summary: Path) -> PipelineRun:
    """Run it, and return what it said."""
    done = run.again("--summary", str(summary))
    assert done.returncode == 0, done.stderr
    return replace(run, summary=json.loads(summary.read_text()), out=done.stdout, err=done.stderr)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.suffix in (".parquet", ".tmp")}


@pytest.fixture(scope="module")
def log(fraud_run: PipelineRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fraud log whose amounts came in cents from 30 % on; its second part lost its end, another was never finished."""
    folder = tmp_path_factory.mktemp("log")
    log_drift(folder, Bundle.open(Path(fraud_run.summary["bundle"])), Drift.UNIT_ERROR, rows=6_000)
    _, second, _ = sorted((folder / "fraud").glob("part-*.parquet"))
    second.write_bytes(second.read_bytes()[:-100])
    (folder / "fraud" / ".part-unfinished.tmp").write_bytes(b"PAR1")
    return folder


@pytest.fixture(scope="module")
def run(fraud_run: PipelineRun, log: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    """The pipeline, run on it, and told to retrain where that is the advice."""
    before = contents(log)
    summary = tmp_path_factory.mktemp("monitoring") / "summary.json"
    done = finished(monitoring(fraud_run, log, "evidently.rows=0", "on_drift=retrain"), summary)
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
    assert run.summary["facts"]["rows"] == run.summary["facts"]["labelled"] == 4_000
    assert run.summary["measured"]["metrics"]["roc_auc"]["value"] is not None


def test_the_end_of_a_run_tells_it_in_a_few_lines(run: PipelineRun) -> None:
    for word in ("SIMULATED DATA", "Verdict act: ", "advice: fix data", "Told    log: sent, file: sent", "verdict.html"):
        assert word in run.out
    assert "could not be read" in run.out, "a part of the log is missing"
    assert "prediction log: left out" in run.err
    assert run.foreign() == [], "libraries are quiet"


def test_without_the_advice_nothing_is_trained(run: PipelineRun) -> None:
    assert "then" not in run.summary
    assert run.summary["labelled"]["file"] is None
    assert "Retrain no: the advice is: fix data" in run.out


def test_the_page_is_whole_and_says_the_same(run: PipelineRun) -> None:
    page = Path(run.summary["page"])
    assert {file.relative_to(page.parent).as_posix() for file in page.parent.rglob("*.*")} == {
        "verdict.html",
        "verdict.json",
        "verdict.md",
        "plots/drift_of_features.png",
        "plots/scores.png",
        "plots/verdicts.png",
    }
    text = page.with_suffix(".md").read_text()
    for word in (
        "SIMULATED DATA",
        "| likely cause | upstream data |",
        "**fix data**",
        "| since | 2026-03-0",
        "could not be read",
    ):
        assert word in text
    html = page.read_text()
    assert "<script" not in html and "http" not in html.replace("http://www.w3.org", "")
    assert html.count("data:image/png") == 3


def test_the_lineage_and_the_readings_are_artifacts(run: PipelineRun) -> None:
    from zenml.client import Client

    steps = Client().get_pipeline_run(UUID(run.summary["zenml_run_id"])).steps
    named = {name for step in steps.values() for name in step.outputs}
    results = {"bundle", "window", "scores", "facts", "drift", "classifier", "drift_plots", "outcomes", "verdict", "verdict_page"}
    assert named >= {f"monitoring_{result}" for result in results}
    assert set(steps["judge_window"].inputs) == {"bundle", "facts", "drift", "classifier", "outcomes"}
    window, scores, facts = (steps["read_log"].outputs[f"monitoring_{name}"][0] for name in ("window", "scores", "facts"))
    assert window.run_metadata["rows"] == facts.load().rows > 3_000
    assert ScoreGroups.read(scores.load()).rows.sum() == facts.load().rows
    done = Client().get_pipeline_run(UUID(run.summary["zenml_run_id"]))
    verdict, bundle = run.summary["verdict"], steps["find_model"].outputs["monitoring_bundle"][0].load()
    said = tuple(done.run_metadata[name] for name in ("verdict", "cause", "action", "model_version"))
    assert said == (verdict["state"], verdict["cause"], verdict["action"], bundle.version)
    assert {tag.name for tag in done.tags} >= {"pipeline:monitoring", "stack:local"}
    (page,) = [each for each in Client().list_model_versions(hydrate=True, size=200).items if _judged_by(each, done.id)]
    assert page.run_metadata["bundle_sha256"].startswith(done.run_metadata["model_version"])
    assert not Path(window.uri).exists()  # the log gives its rows again
    assert not list(run.home.work.iterdir())


def _judged_by(version: Any, run: UUID) -> bool:
    from zenml.client import Client

    links = Client().list_model_version_pipeline_run_links(model_version_id=version.id, size=200).items
    return run in {link.pipeline_run.id for link in links}


@pytest.mark.full
def test_a_window_without_rows_is_not_judged_and_clears_no_alarm(run: PipelineRun, tmp_path: Path) -> None:
    earlier = replace(run, command=(*run.command, "--set", 'window.until="2026-03-01T00:00:00Z"'))
    done = finished(earlier, tmp_path / "empty.json")
    assert done.summary["verdict"]["state"] == "not judged"
    assert "Told    log: quiet, file: quiet" in done.out
    records = read_history(history_file(run.home, "fraud"))
    assert [record.state for record in records][-2:] == ["act", "not judged"]
    assert [record.run for record in records][-2:] == [run.summary["zenml_run"], done.summary["zenml_run"]]
    told = (run.home.monitoring / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["level"] for line in told] == ["act"]


@pytest.mark.parametrize(
    ("settings", "status", "words"),
    [
        (["model=churn"], 1, ("There is no prediction log of churn", "make serve", "make monitoring")),
        (["model=loans"], 2, ("model", "fraud", "churn")),
        (["window.hours=3", 'window.since="2026-03-01T00:00:00Z"'], 2, ("give hours or since, not both",)),
        (["training=nowhere.yaml"], 2, ("nowhere.yaml",)),
    ],
)
def test_what_cannot_run_is_one_line_before_anything_runs(
    home: Home, capsys: pytest.CaptureFixture[str], settings: list[str], status: int, words: tuple[str, ...]
) -> None:
    (home.predictions / "fraud").mkdir(parents=True)
    command = ["--pipeline", "monitoring", *(word for each in settings for word in ("--set", each))]
    assert door.main(command) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in words), line
    assert not (home.state / "work").exists()


@pytest.mark.long
@pytest.mark.full
def test_two_runs_at_once_disturb_neither_each_other_nor_the_news(run: PipelineRun, tmp_path: Path) -> None:
    before = read_history(history_file(run.home, "fraud"))
    told = (run.home.monitoring / "alerts.jsonl").read_text().splitlines()
    environment = os.environ | {"FUSIONGUARD_HOME": str(run.home.root)}
    files = [tmp_path / f"{number}.json" for number in range(2)]
    processes = [
        subprocess.Popen([*run.command, "--quiet", "--summary", str(file)], env=environment, stderr=subprocess.PIPE, text=True)
        for file in files
    ]
    for process in processes:
        _, error = process.communicate(timeout=280)
        assert process.returncode == 0, error
    summaries = [json.loads(file.read_text()) for file in files]
    assert {summary["verdict"]["state"] for summary in summaries} == {"act"}
    after = read_history(history_file(run.home, "fraud"))
    assert {record.run for record in after[len(before) :]} == {summary["zenml_run"] for summary in summaries}
    assert all(Path(summary["page"]).is_file() for summary in summaries)
    assert (run.home.monitoring / "alerts.jsonl").read_text().splitlines() == told, "the same news is told once"


@pytest.mark.long
@pytest.mark.full
def test_evidentlys_report_is_an_artifact_that_the_dashboard_shows(run: PipelineRun, tmp_path: Path) -> None:
    from zenml.client import Client
    from zenml.enums import VisualizationType

    wanted = replace(run, command=(*run.command, "--set", "evidently.rows=500"))
    done = finished(wanted, tmp_path / "evidently.json")
    assert done.foreign() == [], "Evidently is quiet, too"
    artifact = (
        Client().get_pipeline_run(UUID(done.summary["zenml_run_id"])).steps["report_evidently"].outputs["monitoring_evidently"][0]
    )
    assert [shown.type for shown in artifact.visualizations or ()] == [VisualizationType.HTML]
    assert "Amount" in str(artifact.load())
