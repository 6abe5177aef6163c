"""docs/fraud_serving.md tells the truth: its requests are sent, its settings and metrics are those there are."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fusionguard.families.catalog import model_family
from fusionguard.serving.settings import ServeSettings
from tests.serving.conftest import RunningService

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "fraud_serving.md").read_text()
REQUESTS = re.findall(r"^curl .*$", TEXT, flags=re.MULTILINE)


def test_every_request_is_answered(service: RunningService) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl, which the document's commands use")
    asked = set()
    for command in REQUESTS:
        words = shlex.split(command.replace("http://127.0.0.1:3000", f"http://127.0.0.1:{service.port}"))
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, command
        asked.add(words[-1].rpartition(str(service.port))[2])
    assert {"/v1/fraud/score", "/v1/fraud/score_batch", "/v1/fraud/explain", "/v1/fraud/labels", "/v1/churn/score"} <= asked


def test_its_answer_has_the_members_that_answers_have(service: RunningService, transaction: dict[str, Any]) -> None:
    shown = json.loads(re.findall(r"^```json\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)[0])
    assert set(shown) == set(service.post("/v1/fraud/score", transaction).json())


def test_its_rows_are_the_examples() -> None:
    for name, model in (("transaction", "fraud"), ("customer", "churn")):
        assert json.loads((ROOT / "docs" / "serving" / f"{name}.json").read_text()) == model_family(model).example_row


def test_its_settings_are_all_there_are() -> None:
    table = TEXT.partition("| `FUSIONGUARD_SERVE_` |")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    named = [name.lower() for row in rows for name in re.findall(r"`([A-Z_]+)`", row[1])]
    assert sorted(named) == sorted(ServeSettings.model_fields)
    for row in rows:
        names, defaults = re.findall(r"`([A-Z_]+)`", row[1]), row[2].strip().split(", ")
        for name, told in zip(names, defaults, strict=False):
            if told and told[0].isdigit():
                assert float(told) == ServeSettings.model_fields[name.lower()].default, name


def test_its_metrics_are_all_there_are(service: RunningService) -> None:
    told = {name.removesuffix("_total") for name in re.findall(r"`(fusionguard_[a-z_]+)", TEXT)}
    there = re.findall(r"^# HELP (fusionguard_[a-z_]+)", service.client.get("/metrics").text, flags=re.MULTILINE)
    missing_until_they_happen = {"fusionguard_reloads", "fusionguard_shadow_failures", "fusionguard_rejects"}
    missing_until_they_happen |= {"fusionguard_late_events", "fusionguard_state_failures", "fusionguard_rows_without_history"}
    assert told - missing_until_they_happen == {name.removesuffix("_total") for name in there} - missing_until_they_happen
