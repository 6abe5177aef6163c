"""Workers that cannot start for a reason nobody foresaw: they end, others go on, and where none can start, the service ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from fusionguard.errors import BundleError
from fusionguard.serving import service_folder, siblings, worker
from fusionguard.serving.siblings import WorkerState, enter, has_sibling
from fusionguard.serving.worker import Front
from tests.serving.conftest import Starter

FAILED = "lifespan.startup.failed"


BREAKABLE = """
import sys
from pathlib import Path
here = Path(__file__).parent
if "--fd" in sys.argv and (here / "broken").exists():
    raise ImportError("libprometheus.so.1: file too short")
sys.path.remove(str(here))
del sys.modules[__name__]
import prometheus_client
"""
"""Stands before a library that workers alone import, when they start."""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that, while it exists, keeps workers from importing a library: no code of ours expects that."""
    folder = tmp_path / "first"
    folder.mkdir()
    (folder / "prometheus_client.py").write_text(BREAKABLE)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return folder / "broken"


@pytest.mark.full
def test_a_service_of_which_no_worker_can_start_ends_with_an_error(starter: Starter, release_folder: Path, broken: Path) -> None:
    broken.touch()
    service = starter(release_folder, workers=2, wait=False)
    assert service.process.wait(120) == 1
    said = "No worker could start: ImportError: libprometheus.so.1: file too short (prometheus_client.py, line 6)."
    whole = f"fusionguard: {said} See fusionguard doctor, or where it was with --verbose.\n"
    assert service.output.read_text() == whole, "one line, and where"


@pytest.mark.full
def test_a_worker_that_cannot_start_ends_and_is_started_again_while_others_answer(
    starter: Starter, release_folder: Path, transaction: dict[str, Any], broken: Path
) -> None:
    service = starter(release_folder, workers=2)
    broken.touch()
    killed, other = service.workers()
    os.kill(killed, signal.SIGKILL)
    until = time.monotonic() + 90
    while "could not start, and is started again in 10 s: ImportError" not in service.output.read_text():
        assert time.monotonic() < until, service.output.read_text()
        time.sleep(0.05)
    for _ in range(20):  # a worker that went on would answer half of them with 500
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", trust_env=False) as client:
                assert client.post("/v1/fraud/score", json=transaction).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)  # a connection that the dead worker had taken
    assert other in service.workers() and service.process.poll() is None
    broken.unlink()
    until = time.monotonic() + 60
    while len(service.ready_workers()) < 2:
        assert time.monotonic() < until, service.output.read_text()
        time.sleep(0.05)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[int, signal.Signals]]:
    """Signals that this process sends as a worker whose folder is ``tmp_path``."""
    signals: list[tuple[int, signal.Signals]] = []
    real = os.kill

    def kill(process: int, number: int) -> None:
        if number == 0:
            real(process, number)
        else:
            signals.append((process, signal.Signals(number)))

    monkeypatch.setenv(service_folder.VARIABLE, str(tmp_path))
    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.3)
    return signals


async def live(front: Front) -> list[MutableMapping[str, Any]]:
    """Live through the start of a worker; return what Uvicorn hears."""
    heard: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: MutableMapping[str, Any]) -> None:
        heard.append(message)

    await front({"type": "lifespan"}, receive, send)
    return heard


async def fail_unforeseen() -> Any:
    raise ZeroDivisionError("nobody foresaw this")


async def fail_foreseen() -> Any:
    raise BundleError("The bundle is damaged.", "Write it again.")


def test_the_last_worker_that_fails_ends_the_service(sent: list[Any], tmp_path: Path) -> None:
    assert asyncio.run(live(Front(fail_unforeseen))) == [{"type": FAILED, "message": ""}], "the supervisor says it"
    assert sent == [(os.getppid(), signal.SIGUSR1)]
    told = (tmp_path / "reason").read_text()
    assert told.startswith("ZeroDivisionError: nobody foresaw this (test_worker_start.py, line ")
    asyncio.run(live(Front(fail_foreseen)))
    assert (tmp_path / "reason").read_text() == told, "the first reason stays"
    (tmp_path / "reason").unlink()
    asyncio.run(live(Front(fail_foreseen)))
    assert (tmp_path / "reason").read_text() == "The bundle is damaged. Write it again."
    assert [file.name for file in tmp_path.iterdir()] == ["reason"]


def test_a_worker_that_fails_waits_for_one_that_still_starts(sent: list[Any], tmp_path: Path) -> None:
    starting = tmp_path / f"starts-{os.getppid()}"

    async def both() -> float:
        starting.touch()
        began = time.monotonic()
        failing = asyncio.ensure_future(live(Front(fail_unforeseen)))
        await asyncio.sleep(0.4)
        assert not failing.done() and sent == []
        starting.rename(tmp_path / f"answers-{os.getppid()}")
        (message,) = await failing
        assert message["type"] == FAILED
        return time.monotonic() - began

    assert asyncio.run(both()) >= 0.7, "it is not started again at once"
    assert sent == [], "the other one answers"


def test_a_worker_whose_supervisor_is_gone_ends_nobody(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    front, supervisor = Front(fail_unforeseen), os.getppid()
    monkeypatch.setattr(os, "getppid", lambda: supervisor + 1)
    asyncio.run(live(front))
    assert sent == []


def test_a_dead_worker_is_no_sibling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(service_folder.VARIABLE, str(tmp_path))
    enter(WorkerState.STARTS)
    enter(WorkerState.ANSWERS)
    assert [file.name for file in tmp_path.iterdir()] == [f"answers-{os.getpid()}"]
    assert not has_sibling(WorkerState.ANSWERS), "itself"
    (tmp_path / "answers-4194301").touch()
    assert not has_sibling(WorkerState.ANSWERS)
    monkeypatch.setattr(siblings, "is_alive", lambda process: process == 4194301)
    assert has_sibling(WorkerState.ANSWERS) and not has_sibling(WorkerState.STARTS)
