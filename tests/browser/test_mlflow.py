"""MLflow's pages in a real browser: the address that ``make mlflow`` prints shows the runs, and leads to the models."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from playwright.sync_api import sync_playwright

from fusionguard.home import Home
from fusionguard.models.tuning.trial import Trial
from fusionguard.registry.run_page import log_trials
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import RegisteredVersion, list_versions
from tests.browser.test_dashboard import ARTIFACTS, CHROMIUM, FLAGS
from tests.conftest import PipelineRun


def add_trial(home: Home, version: RegisteredVersion) -> None:
    """Give a run, which searched for nothing, a trial of a search."""
    client, now = open_store(home), datetime.now(UTC)
    trial = Trial(kind="XGBoost", number=7, state="complete", value=0.5, parameters={"max_depth": 4}, began=now, ended=now)
    log_trials(client, client.get_run(version.run_id).info.experiment_id, version.run_id, [trial], {})


@pytest.mark.browser
@pytest.mark.full
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium")
def test_the_address_shows_runs_and_models_and_they_answer_a_reviewer(
    fraud_run: PipelineRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    version = list_versions(fraud_run.home, "fraud")[0]
    add_trial(fraud_run.home, version)
    command = [sys.executable, "-c", "from fusionguard.cli import main; main()", "mlflow"]
    environment = os.environ | {"FUSIONGUARD_HOME": str(fraud_run.home.root)}
    ARTIFACTS.mkdir(exist_ok=True)
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process,
        sync_playwright() as started,
    ):
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        run = f"fraud {fraud_run.summary['model_version']}"
        page.get_by_text(run).first.wait_for(timeout=60_000)
        page.screenshot(path=str(ARTIFACTS / "mlflow_runs.png"))
        assert "/traces" not in page.url
        root, _, runs = address.partition("#")
        page.goto(f"{root}#{runs.partition('?')[0]}/{version.run_id}")
        for text in (
            *(getpass.getuser(), "run.py --pipeline fraud", "fraud (", "Logged models (1)", "XGBoost trial 7"),
            *("Card-fraud model, made from 30,000 rows of SIMULATED data", "test_average_precision_high", "autoencoder.epochs"),
        ):
            page.get_by_text(text).first.wait_for(timeout=60_000)
        page.get_by_text("Show more").first.click()
        opened = page.get_by_role("link", name=version.pipeline_run).first.get_attribute("href")
        assert opened == f"http://127.0.0.1:8237/projects/default/runs/{fraud_run.summary['zenml_run_id']}"
        page.screenshot(path=str(ARTIFACTS / "mlflow_run.png"))
        page.goto(f"{root}#/models/{version.name}/versions/{version.version}")
        for text in ("Gate:", "Model card: card-fraud detection", "The rest of the card is"):
            page.get_by_text(text).first.wait_for(timeout=60_000)
        page.screenshot(path=str(ARTIFACTS / "mlflow_version.png"))
        page.goto(f"{root}#/models")
        page.get_by_text("fusionguard-fraud").first.wait_for(timeout=60_000)
        browser.close()
        process.send_signal(signal.SIGINT)
        process.wait(60)
