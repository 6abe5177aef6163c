"""ZenML's dashboard in a real browser: the run's graph, and the artifacts in it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PipelineRun

CHROMIUM = Path("/usr/bin/chromium")
ARTIFACTS = Path(__file__).resolve().parents[1] / "artifacts"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def address(fraud_run: PipelineRun) -> Iterator[str]:
    """The dashboard as ``make dashboard`` starts it, while the port it likes is taken; it must end well on Ctrl-C."""
    from stacks.dashboard import DEFAULT_PORT, HOST

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, DEFAULT_PORT))
            taken.listen()
        except OSError:
            pass  # somebody else has it: just as good
        environment = os.environ | {"FUSIONGUARD_HOME": str(fraud_run.home.root)}
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.dashboard", fraud_run.summary["zenml_run"]],
            cwd=Path(__file__).resolve().parents[2],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        yield line
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        process.stdout.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(line.partition("/projects")[0], timeout=5)


@pytest.mark.full
def test_it_listens_on_loopback_on_a_free_port_and_names_the_run_it_is_asked_for(address: str, fraud_run: PipelineRun) -> None:
    from stacks.dashboard import DEFAULT_PORT, HOST
    from steps.this_run import DASHBOARD

    assert address.startswith("http://127.0.0.1:")
    assert ":8237/" not in address
    assert address.endswith(f"/projects/default/runs/{fraud_run.summary['zenml_run_id']}")
    assert f"http://{HOST}:{DEFAULT_PORT}" == DASHBOARD, "MLflow's pages name that address"


@pytest.mark.full
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium")
def test_the_dashboard_shows_the_runs_graph_with_its_artifacts(address: str, fraud_run: PipelineRun) -> None:
    from playwright.sync_api import sync_playwright

    ARTIFACTS.mkdir(exist_ok=True)
    run_page = f"{address.partition('/runs/')[0]}/runs/{fraud_run.summary['zenml_run_id']}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        page.goto(run_page)
        page.get_by_text("load_data", exact=True).first.wait_for(timeout=60_000)
        page.get_by_role("button", name="Fit view").click()  # what is out of sight is not drawn
        for text in ("load_data", "train_xgboost", "register_model", "gate", "write_model_card"):
            page.get_by_text(text, exact=True).first.wait_for(timeout=60_000)
        for text in ("raw", "features", "booster", "autoencoder", "bundle", "evaluation", "evaluation_plots", "model_card"):
            page.get_by_text(f"fraud_{text}", exact=True).first.wait_for(timeout=30_000)
        page.screenshot(path=str(ARTIFACTS / "dashboard_run.png"))
        page.get_by_role("tab", name="Metadata").click()
        for text in ("test_average_precision", "test_average_precision_low", "gate_promoted", "gate_reason", "data_origin"):
            page.get_by_text(text, exact=True).first.wait_for(timeout=30_000)
        page.screenshot(path=str(ARTIFACTS / "dashboard_metadata.png"))
        page.get_by_text("fraud_evaluation_plots", exact=True).first.click()
        page.get_by_role("tab", name="Visualization").click()
        page.get_by_text("Load Preview").click()
        frame = page.frame_locator("iframe").first
        frame.locator("img").first.wait_for(timeout=60_000)
        page.screenshot(path=str(ARTIFACTS / "dashboard_evaluation_plots.png"))
        assert frame.locator("img").count() == 4
        browser.close()
