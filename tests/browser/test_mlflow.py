"""MLflow's pages in a real browser: the address that ``make mlflow`` prints shows the runs, and leads to the models."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.test_dashboard import ARTIFACTS, CHROMIUM, FLAGS
from tests.conftest import PipelineRun


@pytest.mark.browser
@pytest.mark.full
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium")
def test_the_address_shows_runs_and_models(fraud_run: PipelineRun) -> None:
    command = [sys.executable, "-c", "from fusionguard.cli import main; main()", "mlflow"]
    environment = os.environ | {"FUSIONGUARD_HOME": str(fraud_run.home.root)}
    environment.pop("MLFLOW_TRACKING_URI", None)
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
        page.goto(address.partition("#")[0] + "#/models")
        page.get_by_text("fusionguard-fraud").first.wait_for(timeout=60_000)
        browser.close()
        process.send_signal(signal.SIGINT)
        process.wait(60)
