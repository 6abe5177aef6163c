"""The assistant's service as it runs: a real process on a free loopback port, with an index of the repository's documents."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from matplotlib.figure import Figure

from fusionguard.assistant.http.launch import OFFLINE, SERVICE
from fusionguard.assistant.index import build_index
from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.plot_style import png
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.reference import Reference
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.register import register_bundle
from fusionguard.serving.launch import QUIET
from tests.assistant.monitoring_history import write_history
from tests.browser.test_dashboard import ARTIFACTS, CHROMIUM, FLAGS
from tests.monitoring.conftest import fraud_profile_bundle, fraud_reference
from tests.running import RunningServer

__all__ = ["fraud_profile_bundle", "fraud_reference"]

START_SECONDS = 90


@dataclass
class RunningAssistant(RunningServer):
    """A supervisor with its worker."""

    process: subprocess.Popen[str]
    port: int
    home: Home
    output: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.address, timeout=60, trust_env=False)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, question: str, **more: Any) -> httpx.Response:
        return self.client.post("/v1/assist", json={"question": question, **more})

    def wait_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, self.output.read_text()
            try:
                if self.client.get("/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        pytest.fail(f"not ready: {self.output.read_text()}")


def start_assistant(folder: Path, home: Home, **settings: Any) -> RunningAssistant:
    """Start a service; ``settings`` are those of ``FUSIONGUARD_ASSISTANT_*`` or ``FUSIONGUARD_CONSOLE_*`` in small letters."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FUSIONGUARD_")} | QUIET | OFFLINE
    bentoml_home = settings.pop("bentoml_home", folder / "bentoml")
    chosen = {"assistant_requests_per_second": 10_000, "assistant_concurrent_requests": 1_000} | settings
    environment |= {f"FUSIONGUARD_{name.upper()}": str(value) for name, value in chosen.items()}
    environment |= {"FUSIONGUARD_HOME": str(home.root), "BENTOML_HOME": str(bentoml_home), "OMP_NUM_THREADS": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", "127.0.0.1", "--port", str(port)]
    output = folder / "output.txt"
    with output.open("w") as stream:
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream, text=True, cwd=folder)
    return RunningAssistant(process, port, home, output)


Starter = Callable[..., RunningAssistant]


@pytest.fixture(scope="session")
def indexed_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with an index of the repository's documents, and nothing else."""
    home = Home(tmp_path_factory.mktemp("assistant") / "home")
    build_index(home)
    return home


@pytest.fixture(scope="session")
def assistant_service(indexed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssistant]:
    """One service for every test that only asks: no keys, loopback, no language model."""
    running = start_assistant(tmp_path_factory.mktemp("service"), indexed_home, console_body_seconds=2)
    try:
        running.wait_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def console_home(
    fraud_bundle: Bundle,
    churn_bundle: Bundle,
    fraud_reference: Reference,
    blank_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Home:
    """A home with both champions, what their training leaves, a monitoring history of five runs, and an index of all that."""
    home = Home(tmp_path_factory.mktemp("console") / "home")
    home.state.mkdir(parents=True)
    shutil.copy(blank_database, home.state / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSIONGUARD_HOME", str(home.root))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for model, bundle in (("fraud", fraud_bundle), ("churn", churn_bundle)):
            provenance = Provenance(dataset=model, origin="simulated", description="simulated rows", sha256="0" * 64, rows=9)
            metrics = {"test_average_precision": 0.8, "test_average_precision_low": 0.7, "test_average_precision_high": 0.9}
            version = register_bundle(home, bundle, metrics=metrics, plots={}, provenance=provenance, config={"seed": 7})
            set_alias(home, model, "champion", version.version, why="a test says so")
            _leave_reports(home.models / f"{model}-{bundle.version}", model)
        write_history(home, fraud_reference, tmp_path_factory.mktemp("scratch"))
        build_index(home)
    return home


def _leave_reports(folder: Path, model: str) -> None:
    (folder / "plots").mkdir(parents=True)
    (folder / "model_card.md").write_text(f"# Model card: {model}\n\n> **SIMULATED DATA.**\n\n## Intended use\n\nTo be tried.\n")
    for name in ("importance", "summary", "calibration"):
        figure = Figure(figsize=(4, 2))
        figure.add_subplot().bar([1, 2], [2, 1])
        (folder / "plots" / f"{name}.png").write_bytes(png(figure))


@pytest.fixture(scope="session")
def console(console_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssistant]:
    running = start_assistant(tmp_path_factory.mktemp("service"), console_home)
    try:
        running.wait_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")  # not longer: while it lasts, nothing else in the process may run an event loop
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    ARTIFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()
