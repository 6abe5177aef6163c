"""A declared data set with folds in time, through the fraud pipeline as a user runs it; a pipeline without them says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import prequential as benchmark
from fusionguard.config import load_config
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import UsageError
from fusionguard.evaluation.prequential.report import PrequentialReport
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.home import Home
from pipelines.catalog import training_arguments
from tests.foreign import write_payments, write_telco

BLOCK = "validation: {folds: 2, train: 20d, test: 10d, blocked: 10d, k: 3}\n"
SETTINGS = ("xgboost.rounds=20", "autoencoder.epochs=1", "evaluation.bootstrap_samples=25", "prequential.retraining_days=[10]")
RUN = Path(__file__).resolve().parents[2] / "run.py"


def test_a_pipeline_without_folds_refuses_them_before_anything_runs(tmp_path: Path) -> None:
    file = write_telco(tmp_path / "source", 200, timed=True)
    file.write_text(file.read_text() + "entities: {customer: Customer ID}\n" + BLOCK)
    file.write_text(file.read_text().replace("id: Customer ID\n", ""))
    lines = len(file.read_text().splitlines())
    config = load_config(ChurnConfig, assignments=[f"data.dataset={file}"])
    with pytest.raises(UsageError, match=rf"declaration.yaml, line {lines}: the pipeline churn validates on no folds in time"):
        training_arguments("churn", config, Home(tmp_path))


@pytest.mark.full
def test_a_run_writes_them_into_summary_card_and_folder_as_the_benchmark_has_them(tmp_path: Path) -> None:
    file = write_payments(tmp_path / "source", 4_000)
    file.write_text(file.read_text() + BLOCK)
    settings = [word for each in SETTINGS for word in ("--set", each)]
    command = [sys.executable, str(RUN), "--pipeline", "fraud", "--dataset", str(file), *settings]
    environment = os.environ | {"FUSIONGUARD_HOME": str(tmp_path / "home")}
    summary = tmp_path / "summary.json"

    def run(*more: str) -> str:
        done = subprocess.run(
            [*command, "--summary", str(summary), *more], env=environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = run()
    first = json.loads(summary.read_text())
    folder = Path(first["model_card"]).parent
    report = PrequentialReport.model_validate_json((folder / "prequential.json").read_text())
    assert f"Folds   {report.sentence()}" in told and "2 folds of 10 days: average precision 0." in told
    assert (
        first["cross_validation"]["fraud model"]["owner_precision"]["value"]
        == report.mean["fraud model"]["owner_precision"].value
    )
    card = (folder / "model_card.md").read_text()
    assert "## Folds in time" in card and (folder / "plots" / "folds_in_time.png").read_bytes().startswith(b"\x89PNG")
    assert "| 10 days " in card, "how often to train anew"

    config = load_config(FraudConfig, assignments=SETTINGS)
    made = benchmark.read_table(file, tmp_path / "made", config, {})
    assert benchmark.measure(made, read_declaration(file).declaration, config) == report

    assert "Folds" not in run("--set", "prequential.run=false")
    again = json.loads(summary.read_text())
    assert again["cross_validation"] == {}
    assert "validate_forward" not in {step["name"] for step in again["steps"]}
