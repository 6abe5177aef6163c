"""From the log of a running service that drifted to a new champion, with which that service goes on."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from fusionguard.families.catalog import model_family
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import find_champion
from fusionguard.monitoring.traffic import Drift, Traffic, drive
from fusionguard.registry.history import list_moves
from fusionguard.serving.launch import release_folder
from fusionguard.serving.prediction_log import read_log
from fusionguard.serving.release import check_release
from pipelines import monitoring_demo
from pipelines.monitoring_demo import running_service
from tests.conftest import SMALL_CHURN, SMALL_FRAUD, PipelineRun, run_small
from tests.pipelines.test_monitoring_run import finished, monitoring

PATIENCE_SECONDS = 120.0
ROOT = Path(monitoring_demo.__file__).resolve().parents[1]


def answer(address: str, model: str) -> dict[str, Any]:
    body = json.dumps(model_family(model).example_row).encode()
    request = urllib.request.Request(f"{address}/v1/{model}/score", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answered:
        return dict(json.load(answered))


def settings_file(file: Path, settings: Sequence[str]) -> Path:
    """Write ``key.sub=value`` settings as YAML, with the hand-over to the service."""
    nested: dict[str, Any] = {"serving": {"release": "folder"}}
    for setting in settings:
        key, _, value = setting.partition("=")
        part, _, name = key.partition(".")
        nested.setdefault(part, {})[name] = yaml.safe_load(value)
    file.write_text(yaml.safe_dump(nested))
    return file


def wait_for(what: str, done: Any) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < until, what
        time.sleep(0.2)


def logged_rows(run: PipelineRun, model: str) -> int:
    return read_log(run.home.predictions, model).table.num_rows if (run.home.predictions / model).is_dir() else 0


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_drifted_log_leads_to_a_new_champion_that_is_served(
    zenml_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On fraud; churn's log leads to one in the test below."""
    model, settings = "fraud", SMALL_FRAUD
    traffic = Traffic(model, rows=9_000, drift=Drift.NEW_PATTERN, size=0.1, onset=0.0)
    trained = run_small(model, settings, tmp_path)
    before = trained.summary["model_version"]
    assert trained.summary["gate"]["promoted"], "else nothing is served"
    monkeypatch.setenv("FUSIONGUARD_HOME", str(trained.home.root))
    with running_service(model, release_folder(trained.home)) as (address, process):
        drive(address, traffic)
        assert answer(address, model)["model_version"] == before
        wait_for("all rows are logged", lambda: logged_rows(trained, model) > traffic.rows)
        training = settings_file(tmp_path / "training.yaml", settings)
        wanted = ("evidently.rows=0", "on_drift=retrain", f'training="{training}"')
        run = finished(monitoring(trained, trained.home.predictions, *wanted), tmp_path / "monitoring.json")
        assert run.summary["verdict"]["action"] == "retrain", run.out
        labelled, then = run.summary["labelled"], run.summary["then"]
        assert labelled["rows"] == traffic.rows == then["data"]["rows"]
        assert then["data"]["sha256"] != trained.summary["data"]["sha256"] and then["simulated"] is True
        assert then["gate"]["promoted"], then["gate"]["reason"]
        after = then["model_version"]
        (move,) = [each for each in list_moves(trained.home, model) if each.alias == "champion" and each.run == then["zenml_run"]]
        assert move.why == then["gate"]["reason"] and (move.before, move.after) == (1, 2)
        assert after != before == answer(address, model)["model_version"], "not before it is told to"
        assert then["serving"]["models"][model] == after and f"Service released {model} {after}" in run.out
        assert {step["name"] for step in then["steps"][-3:]} == {"release_model", "record_model", "update_index"}
        (about,) = check_release(release_folder(trained.home)).models
        assert about.bundle_sha256[:12] == after and about.trained_at is not None and about.metrics
        os.kill(process.pid, signal.SIGHUP)
        wait_for("the service answers with the new champion", lambda: answer(address, model)["model_version"] == after)
    assert find_champion(trained.home, model).bundle.version == after
    assert Bundle.open(Path(then["bundle"])).manifest.origin == "simulated"
    first, second = run.out.index("Verdict act"), run.out.index("is the new champion")
    assert first < run.out.index(f"Then    the {model} pipeline trains on {traffic.rows:,} rows") < second


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_documented_example_ends_as_the_document_says(
    zenml_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The small champion stands in for the full one; the words and the file are those of the document."""
    document = (ROOT / "docs" / "monitoring.md").read_text()
    commands = re.findall(r"^python -m pipelines\.monitoring_demo (.*on_drift=retrain.*)$", document, flags=re.MULTILINE)
    (limits,) = re.findall(r"^```yaml\n(fairness:.*?)^```", document, flags=re.MULTILINE | re.DOTALL)
    trained = run_small("churn", SMALL_CHURN, tmp_path)
    monkeypatch.setenv("FUSIONGUARD_HOME", str(trained.home.root))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "limits.yaml").write_text(limits)
    gates = []
    for number, command in enumerate(commands):
        summary = tmp_path / f"{number}.json"
        words = [*shlex.split(command), "--set", "evidently.rows=0", "--summary", str(summary)]
        assert monitoring_demo.main(words) == 0
        told = json.loads(summary.read_text())
        assert (told["verdict"]["cause"], told["verdict"]["action"]) == ("concept", "retrain")
        gates.append(told["then"]["gate"])
    refused, promoted = gates
    assert "The challenger is refused." in refused["reason"]
    assert "By geography, the share of stayers who get an offer" in refused["reason"]
    assert not refused["promoted"]
    assert promoted["promoted"], promoted["reason"]
