"""A service as it runs: a real process on a free loopback port, with small models."""

from __future__ import annotations

import json
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

from fusionguard.families.catalog import model_family
from fusionguard.models.bundle import Bundle
from fusionguard.serving.launch import QUIET, SERVICE
from fusionguard.serving.release import ReleasedModel, write_release
from tests.running import RunningServer

START_SECONDS = 120


@dataclass
class RunningService(RunningServer):
    """A supervisor with its workers."""

    process: subprocess.Popen[str]
    port: int
    log: Path
    release: Path
    output: Path
    worker_count: int = 1
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    def workers(self) -> list[int]:
        children = map(int, read_process(self.process.pid, f"task/{self.process.pid}/children").split())
        return [child for child in children if "worker.service" in read_process(child, "cmdline")]

    def ready_workers(self) -> list[int]:
        """Those that catch SIGHUP."""
        masks = {pid: read_process(pid, "status").partition("SigCgt:")[2].split()[:1] for pid in self.workers()}
        return [pid for pid, mask in masks.items() if mask and int(mask[0], 16) & 1]

    def post(self, path: str, content: Any, **options: Any) -> httpx.Response:
        return self.client.post(path, json=content, **options)

    def wait_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, self.output.read_text()
            try:
                if self.client.get("/ready").status_code == 200 and len(self.ready_workers()) == self.worker_count:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        pytest.fail(f"not ready: {self.output.read_text()}")

    def wait_metric(self, name: str, value: float, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while self.metric(name) < value:
            assert time.monotonic() < until, f"{name} is {self.metric(name)}, not {value}: {self.output.read_text()}"
            time.sleep(0.05)


def read_process(process: int, name: str) -> str:
    """What ``/proc`` says of a process; nothing where it has just ended."""
    try:
        return Path(f"/proc/{process}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


Starter = Callable[..., RunningService]


def released(role_models: dict[str, Bundle]) -> list[tuple[ReleasedModel, Bundle]]:
    """What ``write_release`` takes, of bundles by ``fraud-champion`` and the like."""
    pairs = []
    for name, bundle in role_models.items():
        model, _, role = name.rpartition("-")
        about = ReleasedModel(
            model=model,
            role=role,  # type: ignore[arg-type]
            bundle_sha256=bundle.sha256,
            origin=bundle.manifest.origin,
            registered_version=3,
            trained_at="2026-01-01T00:00:00+00:00",
            metrics={"average_precision": 0.8},
        )
        pairs.append((about, bundle))
    return pairs


def start_service(folder: Path, release: Path, **settings: Any) -> RunningService:
    """Start a service; ``settings`` are ``FUSIONGUARD_SERVE_*`` in small letters, or ``bento``, ``bind`` or ``bentoml_home``."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host, bento = settings.pop("bind", "127.0.0.1"), settings.pop("bento", SERVICE)
    bentoml_home = settings.pop("bentoml_home", folder / "bentoml")
    chosen = {"release": release, "log": folder / "log", "log_flush_seconds": 0.2} | settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FUSIONGUARD_")} | QUIET
    environment |= {f"FUSIONGUARD_SERVE_{name.upper()}": str(value) for name, value in chosen.items() if value is not None}
    environment |= {"BENTOML_HOME": str(bentoml_home), "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "bentoml", "serve", str(bento), "--host", host, "--port", str(port)]
    output = folder / "output.txt"
    with output.open("w") as stream:
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream, text=True, cwd=folder)
    return RunningService(process, port, folder / "log", release, output, int(settings.get("workers", 1)))


def start_ready(folder: Path, release: Path, **settings: Any) -> RunningService:
    """Start a service and wait for it; once more, where another process has taken its port meanwhile."""
    for again in (True, False):
        service = start_service(folder, release, **settings)
        try:
            service.wait_ready()
        except BaseException:
            service.stop()
            if not again or "is taken" not in service.output.read_text():
                raise
        else:
            break
    return service


@pytest.fixture(scope="session")
def release_folder(fraud_bundle: Bundle, churn_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of both small champions; tests must not change it."""
    folder = tmp_path_factory.mktemp("release") / "release"
    write_release(folder, released({"fraud-champion": fraud_bundle, "churn-champion": churn_bundle}))
    return folder


@pytest.fixture(scope="session")
def other_bundle(fraud_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The fraud model with a dearer review: another version that decides otherwise."""
    folder = shutil.copytree(fraud_bundle.folder, tmp_path_factory.mktemp("other") / "bundle")
    policy = json.loads((folder / "policy.json").read_text())
    (folder / "policy.json").write_text(json.dumps(policy | {"review_cost": 5000.0}))
    facts = json.loads((folder / "MANIFEST.json").read_text())
    facts.pop("files")
    (folder / "MANIFEST.json").unlink()
    return Bundle.seal(folder, **facts)


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    """Starts services of the test's own, and ends them."""
    started: list[RunningService] = []

    def start(release: Path, *, wait: bool = True, **settings: Any) -> RunningService:
        begin = start_ready if wait else start_service
        started.append(begin(tmp_path / f"service-{len(started)}", release, **settings))
        return started[-1]

    yield start
    for service in started:
        service.stop()


@pytest.fixture(scope="session")
def service(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for every test that only asks: no keys, loopback, logged."""
    running = start_ready(tmp_path_factory.mktemp("service"), release_folder, body_seconds=2, largest_body_bytes=8_000_000)
    yield running
    running.stop()


@pytest.fixture
def transaction() -> dict[str, Any]:
    """A transaction that is nobody's."""
    return model_family("fraud").example_row


@pytest.fixture
def customer() -> dict[str, Any]:
    """A customer who is nobody."""
    return model_family("churn").example_row
