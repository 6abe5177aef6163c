"""Simulated traffic through a real service: every row is logged as what it is, outcomes follow, refusals are said."""

from __future__ import annotations

import socket
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fusionguard.monitoring.traffic import SIMULATED_PREFIX, Drift, Traffic, TrafficError, drive
from fusionguard.monitoring.traffic import driver as driver_module
from fusionguard.serving.keys import add_key
from fusionguard.serving.prediction_log import read_log
from tests.serving.conftest import RunningService, Starter


@pytest.mark.parametrize(("model", "drift", "told"), [("fraud", Drift.LABEL_DELAY, 600), ("churn", Drift.UNIT_ERROR, 1200)])
def test_rows_and_outcomes_arrive(service: RunningService, model: str, drift: Drift, told: int) -> None:
    seen: list[int] = []
    report = drive(f"http://127.0.0.1:{service.port}/", Traffic(model, rows=1_200, drift=drift, seed=3), say=seen.append)
    assert (report.rows, report.labels, seen) == (1_200, told, [500, 1000, 1200])
    until = time.monotonic() + 20
    while len(ours := simulated_rows(service, model, report.began)) < 1_200 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(ours) == 1_200
    assert sum(row["label"] is not None for row in ours) == told


def simulated_rows(service: RunningService, model: str, began: datetime) -> list[dict[str, Any]]:
    rows = read_log(service.log, model, began).table.to_pylist()
    return [row for row in rows if row["request_id"].startswith(SIMULATED_PREFIX)]


@pytest.mark.full
def test_a_service_that_asks_for_a_key_gets_it_or_says_so(starter: Starter, release_folder: Path, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "traffic")
    service = starter(release_folder, keys=tmp_path / "keys.json")
    address = f"http://127.0.0.1:{service.port}"
    with pytest.raises(TrafficError, match="FUSIONGUARD_API_KEY"):
        drive(address, Traffic("fraud", rows=100))
    assert drive(address, Traffic("fraud", rows=100), key=key).labels == 100


def test_a_service_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "CONNECT_SECONDS", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TrafficError, match="make serve"):
        drive(address, Traffic("fraud", rows=100))
