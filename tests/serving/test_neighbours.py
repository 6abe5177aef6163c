"""Services of one home beside each other: starting, ending and killing one leaves the others as they were, and nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from fusionguard.assistant.index import build_index
from fusionguard.cli import app
from fusionguard.errors import UsageError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.serving import launch
from fusionguard.serving.lifeline import GRACE_SECONDS
from fusionguard.serving.own_releases import unheld_releases
from fusionguard.serving.release import read_release
from fusionguard.serving.resolve import make_release
from tests.assistant.http.conftest import RunningAssistant, start_assistant
from tests.serving.conftest import RunningService, Starter
from tests.serving.test_handover import promote

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = GRACE_SECONDS + 10


def wait_until(what: str, holds: Callable[[], bool], seconds: float = END_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def folders(shared: Path) -> set[str]:
    """The folders of services there are in a ``BENTOML_HOME``."""
    return {folder.name for folder in (shared / "services").iterdir()}


def answered(service: RunningService) -> float:
    """How many requests for metrics a service has counted; the request must succeed."""
    assert service.client.get("/metrics").status_code == 200
    return service.metric('fusionguard_requests_total{route="/metrics",status="200"}')


@pytest.mark.long
@pytest.mark.full
def test_a_killed_neighbour_leaves_no_process_and_its_folder_only_until_the_next_start(
    service: RunningService, starter: Starter, release_folder: Path
) -> None:
    shared = service.output.parent / "bentoml"
    before = answered(service)
    (own,) = folders(shared)
    neighbour = starter(release_folder, bentoml_home=shared)
    workers = neighbour.workers()
    assert len(workers) == 1 and len(folders(shared)) == 2
    assert answered(neighbour) < answered(service) > before, "each counts its own requests"
    neighbour.process.kill()
    neighbour.process.wait()
    wait_until("the killed supervisor's worker ends", lambda: not any(map(psutil.pid_exists, workers)))
    assert own in folders(shared) and len(folders(shared)) == 2, "nobody was there to remove it"
    (leftover,) = folders(shared) - {own}
    third = starter(release_folder, bentoml_home=shared, wait=False)
    wait_until("the next start removes the leftover", lambda: leftover not in folders(shared))
    third.stop()
    assert own in folders(shared)
    assert answered(service) > before + 1


@pytest.fixture
def assistant(tmp_path: Path) -> Iterator[RunningAssistant]:
    """An assistant from the ``BENTOML_HOME`` ``tmp_path/shared``."""
    home = Home(tmp_path / "home")
    build_index(home)
    running = start_assistant(tmp_path / "assistant", home, bentoml_home=tmp_path / "shared")
    running.wait_ready()
    yield running
    running.stop()


@pytest.mark.long
@pytest.mark.full
@pytest.mark.timeout(900)
def test_services_and_the_assistant_end_and_are_killed_beside_each_other(
    assistant: RunningAssistant, starter: Starter, release_folder: Path, tmp_path: Path, transaction: dict[str, Any]
) -> None:
    shared = tmp_path / "shared"
    staying = starter(release_folder, bentoml_home=shared, workers=2)
    for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        leaving = starter(release_folder, bentoml_home=shared, workers=2)
        children = psutil.Process(leaving.process.pid).children(recursive=True)
        assert len([child for child in children if child.pid in leaving.workers()]) == 2
        leaving.process.send_signal(signal_number)
        leaving.process.wait(60)
        wait_until(f"all processes end after {signal_number}", lambda: not any(child.is_running() for child in children))  # noqa: B023
        assert answered(staying) > 0 and assistant.client.get("/metrics").status_code == 200
        assert staying.post("/v1/fraud/score", transaction).status_code == 200
    killed = staying.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until("a dead worker is replaced", lambda: len(staying.workers()) == 2 and killed not in staying.workers(), 60)
    wait_until("it answers", lambda: len(staying.ready_workers()) == 2, 60)
    loaded = 'fusionguard_reloads_total{outcome="loaded"}'
    os.kill(staying.process.pid, signal.SIGHUP)
    staying.wait_metric(loaded, 2)
    os.kill(assistant.process.pid, signal.SIGHUP)
    children = psutil.Process(assistant.process.pid).children(recursive=True)
    assert children and assistant.ask("What does PSI mean?").status_code == 200
    assistant.process.kill()
    assistant.process.wait()
    wait_until("the assistant's worker ends", lambda: not any(child.is_running() for child in children))
    assert answered(staying) > 0 and staying.metric(loaded) == 2
    staying.process.terminate()
    assert staying.process.wait(60) == 0
    assert len(folders(shared)) == 2, "those of the two that were killed; who ends in good order takes its own away"


def test_a_service_that_is_told_what_answers_has_a_release_of_its_own(
    home: Home, fraud_bundle: Bundle, other_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []
    monkeypatch.setattr(launch, "become", lambda _, environment: served.append(environment["FUSIONGUARD_SERVE_RELEASE"]))
    common = launch.release_folder(home)
    make_release(home, common, models=[str(fraud_bundle.folder)])
    words = ["serve", "--port", "3911", "--model", str(other_bundle.folder)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert served == [str(home.state / "serving" / "release-3911")]
    assert [about.bundle_sha256 for about in read_release(Path(served[0])).models] == [other_bundle.sha256]
    assert [about.bundle_sha256 for about in read_release(common).models] == [fraud_bundle.sha256], "the others' is as it was"
    monkeypatch.setenv("FUSIONGUARD_SERVE_RELEASE", str(common))
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == UsageError.exit_status and "already says what answers" in refused.stderr
    assert CliRunner().invoke(app, ["serve", "--port", "3911"]).exit_code == 0
    assert served[1:] == [str(common)] and read_release(common).models[0].bundle_sha256 == fraud_bundle.sha256


def test_a_release_of_its_own_is_held_as_long_as_its_service_runs(home: Home, starter: Starter, release_folder: Path) -> None:
    own = launch.release_folder(home, 3911)
    shutil.copytree(release_folder, own)
    assert list(unheld_releases(own.parent)) == [own]
    service = starter(own, wait=False)
    wait_until("it is held", lambda: not list(unheld_releases(own.parent)))
    service.process.kill()
    service.process.wait()
    # At once, but for a worker that it had just forked: that one has the lock until it becomes another program.
    wait_until("it is let go", lambda: list(unheld_releases(own.parent)) == [own])


DEMONSTRATION = """
import time
from pipelines.monitoring_demo import running_service
with running_service("fraud") as (address, process):
    print(process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.full
def test_a_killed_demonstration_leaves_no_service_and_the_homes_release_alone(store: Home, fraud_bundle: Bundle) -> None:
    promote(store, fraud_bundle)
    environment = os.environ | {"FUSIONGUARD_HOME": str(store.root)}
    command = [sys.executable, "-c", DEMONSTRATION]
    demonstration = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert demonstration.stdout is not None
    service = psutil.Process(int(demonstration.stdout.readline()))
    processes = [service, *service.children(recursive=True)]
    assert len(processes) > 1 and not launch.release_folder(store).exists()
    demonstration.kill()
    demonstration.wait()
    demonstration.stdout.close()
    wait_until("the demonstration's service ends", lambda: not any(each.is_running() for each in processes))


@pytest.mark.full
def test_a_process_ends_with_the_one_that_handed_it_a_lifeline() -> None:
    script = """
import os, subprocess, sys, time
from fusionguard.serving.lifeline import open_lifeline
reading, given = open_lifeline()
started = subprocess.Popen(sys.argv[1:], env=dict(os.environ) | given, pass_fds=[reading])
print(started.pid, flush=True)
time.sleep(600)
"""
    code = "import time; from fusionguard.serving.lifeline import follow_lifeline as f; f(); time.sleep(600)"
    command = [sys.executable, "-c", script, sys.executable, "-c", code]
    above = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert above.stdout is not None
    below = psutil.Process(int(above.stdout.readline()))
    time.sleep(1)
    assert below.is_running()
    above.kill()
    above.wait()
    above.stdout.close()
    wait_until("it ends too", lambda: not below.is_running() or below.status() == psutil.STATUS_ZOMBIE, 20)
