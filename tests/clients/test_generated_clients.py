"""Generators make clients of either service without a word of complaint, and their types hold at every route.

openapi-python-client and openapi-typescript run in environments of their own, by the commands of docs/fraud_serving.md.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import COMMANDS, HERE, UV, Service, run, words

pytestmark = [pytest.mark.full, pytest.mark.long, pytest.mark.timeout(600)]
PROBES = ("health", "ready", "livez", "healthz", "readyz")
FAULT = {"path": "V7", "expected": "a finite number from -150 to 150", "found": "a number out of range"}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the generator, and nothing of the project."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True, timeout=120)
    programs = folder / "env" / "bin"
    install = (UV, "pip", "install", "--quiet", "--no-deps", "--python", programs / "python")
    run(*install, "--requirement", HERE / "python" / "requirements.txt", cwd=folder, fetches=True)
    return programs


def call_python(service: Service, script: str, python: Path, folder: Path) -> dict[str, Any]:
    """Generate as the document says, check the types of the client and of a script that uses it, and run that."""
    generator, *arguments = words(COMMANDS["uvx"], service.described_at)
    said = run(python / generator, *arguments, cwd=folder, path=python)
    (made,) = folder.iterdir()
    assert said.split() == ["Generating", str(made)], "no warning"
    (package,) = (each for each in made.iterdir() if each.is_dir() and not each.name.startswith("."))
    checked = [HERE / "python" / script, "--python-executable", python / "python", "--cache-dir", folder / "cache"]
    types = run(
        *(sys.executable, "-m", "mypy", "--config-file=", "--strict", package, *checked),
        cwd=folder,
        path=python,
        MYPYPATH=str(made),
    )
    assert types.startswith("Success: no issues found")
    command = (python / "python", "-W", "error", HERE / "python" / script)
    told: dict[str, Any] = json.loads(run(*command, *service.arguments, cwd=folder, path=python, PYTHONPATH=str(made)))
    service.check_that_every_route_answered(told)
    return told


def test_risk_scoring_in_python(risk_scoring: Service, python: Path, tmp_path: Path) -> None:
    told = call_python(risk_scoring, "call_risk_scoring.py", python, tmp_path)
    version = {each["model"]: each for each in risk_scoring.running.client.get("/v1/models").json()["models"]}["fraud"]["version"]
    row_id, request_id, probability, *rest = told["score_fraud"]
    assert (row_id, request_id, rest) == ("t-1", "typed-1", [probability, version])
    assert told["explain_fraud"][0] == pytest.approx(told["explain_fraud"][1], abs=1e-5)
    by_row, by_column = told["score_fraud_batch"]
    assert [each[0] for each in by_row] == ["t-1", "t-2"] and [each[1] for each in by_row] == by_column
    assert by_column[0] == pytest.approx(probability, abs=1e-5) and by_column[0] != by_column[1]
    assert told["label_fraud"] == [[1, 0], [0, 1], [409, "label_conflict"]]
    customer, band = told["score_churn"]
    assert 0 < customer < 1 and band
    by_row, by_column, *tables = told["score_churn_batch"]
    assert by_row == pytest.approx([customer, customer], abs=1e-5) and by_column == [["c-1"], by_row[:1]]
    assert [ids for ids, _ in tables] == [["parquet-31", "parquet-64"], ["arrow-31", "arrow-64"]]
    assert tables[0][1] == tables[1][1] and tables[0][1][0] != tables[0][1][1]
    assert told["label_churn"] == [[1, 0]]
    assert ["fraud", "champion", "simulated", {"average_precision": 0.8}] in told["models"]
    assert [told[name] for name in PROBES] == ["ok"] * 5
    assert [told[name] for name in ("metrics", "docs", "openapi", "schema")] == [2, True, "3.1.0", "RiskScoring"]
    assert told["422"] == [422, "invalid", [FAULT], 1]
    assert told["401"] == [401, "key", True]


def test_the_assistant_in_python(assistant: Service, python: Path, tmp_path: Path) -> None:
    told = call_python(assistant, "call_assistant.py", python, tmp_path)
    assert told["assist"] == ["typed-1", True, 1, "extract"]
    assert told["feedback"] is True and told["sources"] == [True, True]
    assert [told[name] for name in PROBES] == ["ok"] * 5
    assert [told[name] for name in ("metrics", "docs", "openapi", "schema")] == [1, True, "3.1.0", "Assistant"]
    assert told["404"] == [404, "no_answer"]
    assert told["422"] == [422, ["question"]]


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generator, TypeScript, and the scripts that use what is generated."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm, and Node.js 20")
    folder = tmp_path_factory.mktemp("typescript") / "client"
    shutil.copytree(HERE / "typescript", folder, ignore=shutil.ignore_patterns("node_modules"))
    run("npm", "ci", cwd=folder, fetches=True)
    return folder


@pytest.fixture(scope="module")
def built(typescript: Path, risk_scoring: Service, assistant: Service) -> Path:
    """The scripts as JavaScript; they are checked with the types that are generated as the document says."""
    for name, service in (("risk_scoring", risk_scoring), ("assistant", assistant)):
        arguments = words(COMMANDS["npx"].replace("risk_scoring.d.ts", f"{name}.d.ts"), service.described_at)
        said = run("npx", *arguments, cwd=typescript)
        lines = [line for line in said.splitlines() if line.strip()]
        assert len(lines) == 2 and "openapi-typescript" in lines[0] and re.search(rf"→ {name}.d.ts \[", lines[1]), said
    assert run("npx", "tsc", cwd=typescript) == ""
    return typescript / "built"


def call_typescript(service: Service, script: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("node", script, *service.arguments, cwd=script.parent))
    service.check_that_every_route_answered(told)
    return told


def test_risk_scoring_in_typescript(risk_scoring: Service, built: Path) -> None:
    told = call_typescript(risk_scoring, built / "call_risk_scoring.js")
    version = {each["model"]: each for each in risk_scoring.running.client.get("/v1/models").json()["models"]}["fraud"]["version"]
    row_id, request_id, probability, told_version = told["score_fraud"]
    assert (row_id, request_id, told_version) == ("t-1", "typed-2", version)
    assert told["explain_fraud"][0] == pytest.approx(told["explain_fraud"][1], abs=1e-5)
    by_row, (ids, probabilities) = told["score_fraud_batch"]
    assert ids == ["t-1", "t-2"] and by_row == [list(pair) for pair in zip(ids, probabilities, strict=True)]
    assert probabilities[0] == pytest.approx(probability, abs=1e-5) and probabilities[0] != probabilities[1]
    assert told["label_fraud"] == [1, 0, 409, "label_conflict"]
    customer, band = told["score_churn"]
    assert 0 < customer < 1 and band
    by_row, *tables = told["score_churn_batch"]
    assert by_row == pytest.approx([customer, customer], abs=1e-5)
    assert [ids for ids, _ in tables] == [["parquet-31", "parquet-64"], ["arrow-31", "arrow-64"]]
    assert tables[0][1] == tables[1][1] and tables[0][1][0] != tables[0][1][1]
    assert told["label_churn"] == [1, 0]
    assert ["fraud", "champion", "simulated", {"average_precision": 0.8}] in told["models"]
    assert [told[name] for name in PROBES] == ["ok"] * 5
    assert [told[name] for name in ("metrics", "docs", "openapi", "schema")] == [2, True, "3.1.0", "RiskScoring"]
    assert told["422"] == [422, "invalid", [FAULT], 1]
    assert told["401"] == [401, "key", True]


def test_the_assistant_in_typescript(assistant: Service, built: Path) -> None:
    told = call_typescript(assistant, built / "call_assistant.js")
    assert told["assist"] == ["typed-2", "answer", 1, "extract"] and told["200"] == "answer"
    assert told["feedback"] is True and told["sources"] == [True, True]
    assert [told[name] for name in PROBES] == ["ok"] * 5
    assert [told[name] for name in ("metrics", "docs", "openapi", "schema")] == [1, True, "3.1.0", "Assistant"]
    assert told["404"] == [404, "no_answer"]
    assert told["422"] == [422, ["question"]]
