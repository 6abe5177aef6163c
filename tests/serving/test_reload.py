"""New models while requests go on: nothing is dropped, nothing half new is answered, and a broken release changes nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fusionguard.models.bundle import Bundle
from fusionguard.serving.prediction_log import read_log
from fusionguard.serving.release import write_release
from tests.serving.conftest import RunningService, Starter, released


@pytest.fixture
def reloadable(
    starter: Starter, fraud_bundle: Bundle, churn_bundle: Bundle, tmp_path: Path
) -> Iterator[tuple[RunningService, Path]]:
    release = tmp_path / "release"
    write_release(release, released({"fraud-champion": fraud_bundle, "churn-champion": churn_bundle}))
    yield starter(release, workers=2), release


def test_a_reload_under_load_drops_nothing(
    reloadable: tuple[RunningService, Path],
    fraud_bundle: Bundle,
    other_bundle: Bundle,
    churn_bundle: Bundle,
    transaction: dict[str, Any],
) -> None:
    service, release = reloadable
    until, stop = time.monotonic() + 150, threading.Event()
    answers: list[tuple[str, str]] = []
    failures: list[str] = []
    workers = service.workers()
    assert len(workers) == 2

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", trust_env=False) as client:
            while not stop.is_set():
                try:
                    answer = client.post("/v1/fraud/score", json=transaction)
                    content = answer.json()
                    answers.append((content["model_version"], content["decision_reason"].rpartition(" ")[2]))
                except (httpx.HTTPError, KeyError) as error:
                    failures.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    champions = [other_bundle, fraud_bundle, other_bundle]
    for number, champion in enumerate(champions, start=1):
        write_release(release, released({"fraud-champion": champion, "churn-champion": churn_bundle}))
        os.kill(service.process.pid, signal.SIGHUP)
        while service.metric('fusionguard_reloads_total{outcome="loaded"}') < 2 * number:
            assert time.monotonic() < until, service.output.read_text()
            time.sleep(0.05)
    reloaded = len(answers) + len(threads)  # those were on their way
    while len(answers) < reloaded + 20:
        assert time.monotonic() < until, failures
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {version for version, _ in answers[reloaded:]} == {other_bundle.version}
    assert {version for version, _ in answers} == {fraud_bundle.version, other_bundle.version}
    assert all(cost == ("5000.00" if version == other_bundle.version else "3.00") for version, cost in answers), "half new"
    assert service.workers() == workers, "the same processes"


@pytest.mark.full
def test_a_worker_that_cannot_load_the_release_ends_no_other(
    reloadable: tuple[RunningService, Path], transaction: dict[str, Any]
) -> None:
    service, release = reloadable
    (release / "fraud-champion" / "booster.ubj").write_bytes(b"damaged")
    killed, other = service.workers()
    os.kill(killed, signal.SIGKILL)
    until, lost = time.monotonic() + 12, 0
    while time.monotonic() < until:
        try:
            assert service.post("/v1/fraud/score", transaction).status_code == 200
        except httpx.TransportError:  # a connection of the worker that dies; on a busy machine it is noticed late
            lost += 1
        time.sleep(0.05)
    assert lost <= 2
    assert other in service.workers() and service.process.poll() is None
    os.kill(other, signal.SIGKILL)
    assert service.process.wait(60) == 1
    assert "Traceback" not in service.output.read_text()


@pytest.mark.full
def test_a_dead_worker_is_replaced_in_a_container_too(
    starter: Starter, release_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENTOML_CONTAINERIZED", "true")  # as in the image that BentoML builds
    service = starter(release_folder, workers=2)
    killed, other = service.workers()
    os.kill(killed, signal.SIGKILL)
    until = time.monotonic() + 60
    while killed in (now := service.workers()) or len(now) < 2:
        assert time.monotonic() < until, service.output.read_text()
        time.sleep(0.05)
    assert other in now


@pytest.mark.full
def test_a_broken_release_leaves_the_models_in_use(
    reloadable: tuple[RunningService, Path], fraud_bundle: Bundle, transaction: dict[str, Any]
) -> None:
    service, release = reloadable
    (release / "fraud-champion" / "booster.ubj").write_bytes(b"damaged")
    os.kill(service.process.pid, signal.SIGHUP)
    service.wait_metric('fusionguard_reloads_total{outcome="refused"}', 2)
    for _ in range(5):
        assert service.post("/v1/fraud/score", transaction).json()["model_version"] == fraud_bundle.version
    service.wait_said("the models in use stay")


@pytest.mark.full
def test_a_challenger_is_logged_and_never_answers(
    starter: Starter, fraud_bundle: Bundle, other_bundle: Bundle, transaction: dict[str, Any], tmp_path: Path
) -> None:
    release = tmp_path / "release"
    write_release(release, released({"fraud-champion": fraud_bundle, "fraud-challenger": other_bundle}))
    service = starter(release, log_flush_seconds=60)
    one = service.post("/v1/fraud/score", transaction, headers={"X-Request-ID": "one"}).json()
    many = service.post("/v1/fraud/score_batch", {"rows": [transaction] * 3}, headers={"X-Request-ID": "many"}).json()
    assert one["model_version"] == many["model_version"] == fraud_bundle.version
    assert service.post("/v1/churn/score", {}).status_code in (404, 422)
    service.stop()  # which writes what is not written yet
    answered, shadow = read_rows(service.log), read_rows(service.log, shadow=True)
    assert {(row["request_id"], row["row"]) for row in answered} == {("one", 0), ("many", 0), ("many", 1), ("many", 2)}
    assert {(row["request_id"], row["row"]) for row in shadow} == {(row["request_id"], row["row"]) for row in answered}
    assert {row["model_version"] for row in answered} == {fraud_bundle.version}
    assert {row["model_version"] for row in shadow} == {other_bundle.version}


def read_rows(folder: Path, *, shadow: bool = False, model: str = "fraud") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_log(folder, model, shadow=shadow).table.to_pylist()
    return rows
