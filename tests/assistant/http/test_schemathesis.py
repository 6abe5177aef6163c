"""Schemathesis attacks every route by the service's own description, for a bounded time, and finds nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.assistant.http.conftest import RunningAssistant
from tests.serving.test_schemathesis import CHECKS, SETTINGS


@pytest.mark.full
def test_nothing_is_found(assistant_service: RunningAssistant, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(assistant_service.client.get("/openapi.json").json()))
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(tmp_path / "openapi.json")),
        *("--url", assistant_service.address, "--checks", ",".join(CHECKS), "--max-examples", "20"),
        *("--phases", "examples,coverage,fuzzing", "--mode", "all", "--seed", "7", "--request-timeout", "20"),
        *("--suppress-health-check", "all", "--generation-deterministic", "--no-color"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert assistant_service.metric('fusionguard_requests_total{route="/v1/assist"') > 0
    assert "Traceback" not in assistant_service.output.read_text()
