"""The alert rules, the example for Prometheus and the dashboard hold together: promtool reads and tests them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fusionguard.serving.keys import PREFIX, add_key
from tests.operations.queries import FOLDER, panels, rules

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool, of Debian's package prometheus")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The operators' files in a folder of the test's own, with a key."""
    copied = shutil.copytree(FOLDER, tmp_path / "operations")
    (copied / "fusionguard.key").write_text(add_key(tmp_path / "keys.json", "prometheus"))
    return copied


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


@needs_promtool
def test_promtool_finds_nothing_wrong(folder: Path) -> None:
    configuration = promtool(folder, "check", "config", "prometheus.yml")
    assert configuration.returncode == 0 and "1 rule files found" in configuration.stdout, configuration.stderr
    checked = promtool(folder, "check", "rules", "alerts.yml")
    assert checked.returncode == 0 and f"{len(rules())} rules found" in checked.stdout, checked.stderr
    (folder / "fusionguard.key").unlink()
    assert promtool(folder, "check", "config", "prometheus.yml").returncode == 1, "the key is read from that file"


@needs_promtool
def test_each_alert_fires_where_it_should_and_nowhere_else(folder: Path) -> None:
    done = promtool(folder, "test", "rules", "alerts_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == {rule["alert"] for rule in rules()}
    moved = (folder / "alerts.yml").read_text().replace("> 0.01", "> 0.031").replace("> 180 *", "> 182 *")
    (folder / "alerts.yml").write_text(moved)
    failed = promtool(folder, "test", "rules", "alerts_test.yml")
    assert failed.returncode == 1 and "ServerErrors" in failed.stderr and "OldModel" in failed.stderr, (
        "the tests see a limit move"
    )


def test_every_alert_says_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical") and set(rule["annotations"]) == {"summary", "action"}


def test_the_example_sends_a_key_of_ours_from_a_file() -> None:
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["fusionguard-scoring", "fusionguard-assistant"]
    assert [job["static_configs"][0]["targets"] for job in jobs] == [["127.0.0.1:3000"], ["127.0.0.1:3001"]]
    for job in jobs:
        assert job["authorization"] == {"type": "Bearer", "credentials_file": "fusionguard.key"}
    assert not any(PREFIX in file.read_text() for file in FOLDER.iterdir()), "no key lies there"


def test_the_dashboard_asks_which_prometheus_and_has_no_other_source() -> None:
    content = json.loads((FOLDER / "dashboard.json").read_text())
    assert [given["pluginId"] for given in content["__inputs"]] == ["prometheus"] and content["id"] is None
    source = {"type": "prometheus", "uid": f"${{{content['__inputs'][0]['name']}}}"}
    used = [panel["datasource"] for panel in panels()] + [
        target["datasource"] for panel in panels() for target in panel["targets"]
    ]
    used += [variable["datasource"] for variable in content["templating"]["list"]]
    assert all(each == source for each in used)
    kinds = {each["id"] for each in content["__requires"] if each["type"] == "panel"}
    assert kinds == {panel["type"] for panel in panels()}
    identities = [panel["id"] for panel in content["panels"]]
    assert len(set(identities)) == len(identities)
    places = [tuple(panel["gridPos"][side] for side in "xywh") for panel in content["panels"]]
    cells = [(x + i, y + j) for x, y, w, h in places for i in range(w) for j in range(h)]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) == 23, "no panel lies on another"
