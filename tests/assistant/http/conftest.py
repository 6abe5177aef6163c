"""The assistant's service as it runs: a real process on a free loopback port, with an index of the repository's documents."""

from __future__ import annotations

import os
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

from fusionguard.assistant.http.launch import OFFLINE, SERVICE
from fusionguard.assistant.index import build_index
from fusionguard.home import Home
from fusionguard.serving.launch import QUIET
from tests.running import RunningServer

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
    chosen = {"assistant_requests_per_second": 10_000, "assistant_concurrent_requests": 1_000} | settings
    environment |= {f"FUSIONGUARD_{name.upper()}": str(value) for name, value in chosen.items()}
    environment |= {"FUSIONGUARD_HOME": str(home.root), "BENTOML_HOME": str(folder / "bentoml"), "OMP_NUM_THREADS": "1"}
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
