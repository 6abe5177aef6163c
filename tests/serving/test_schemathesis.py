"""Schemathesis attacks every route by the service's own description, for a bounded time, and finds nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.conftest import RunningService

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)

# A body that breaks the schema by its length alone is refused with 413, which Schemathesis does not count as a refusal by itself.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
"""


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(600)
def test_nothing_is_found(service: RunningService, tmp_path: Path) -> None:
    description = service.client.get("/openapi.json").json()
    (tmp_path / "openapi.json").write_text(json.dumps(description))
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(tmp_path / "openapi.json")),
        *("--url", f"http://127.0.0.1:{service.port}", "--checks", ",".join(CHECKS), "--max-examples", "20"),
        *("--phases", "examples,coverage,fuzzing", "--mode", "all", "--seed", "7", "--request-timeout", "20"),
        *("--suppress-health-check", "all", "--generation-deterministic", "--no-color"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=560)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert service.metric('fusionguard_requests_total{route="/v1/churn/labels"') > 0
    assert "Traceback" not in service.output.read_text()
