"""A service looks up what happened before a row, records it, and computes to the last bit what training and files do."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pyarrow as pa
import pytest

from fusionguard.serving.prediction_log import read_log
from tests.serving.conftest import RunningService, Starter
from tests.serving.past_payments import EARLIER, NAME, PastPayments, train

SCORE = f"/v1/{NAME}/score"


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> PastPayments:
    """A small model whose rows have a past."""
    return train(tmp_path_factory.mktemp("past"))


def ask(service: RunningService, past: PastPayments, first: int, end: int) -> list[dict[str, Any]]:
    """Score rows one after the other, each by its own id; one that breaks off is asked again."""
    answers = []
    for place in range(first, end):
        row = past.sent(place)
        for _ in range(100):
            try:
                answered = service.post(SCORE, row, headers={"x-request-id": row["payment id"]})
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            break
        assert answered.status_code == 200, answered.text
        answers.append(answered.json())
    return answers


def logged(service: RunningService, past: PastPayments, rows: range) -> pa.Table:
    """The features of rows as the service logged them, in order."""
    names = [past.sent(place)["payment id"] for place in rows]
    deadline = time.monotonic() + 30
    while True:
        table = read_log(service.log, past.family).table
        found = {name: place for place, name in enumerate(table["request_id"].to_pylist())}
        if found.keys() >= set(names):
            return table.take([found[name] for name in names])
        assert time.monotonic() < deadline, f"{len(found)} rows are logged"
        time.sleep(0.1)


def same_bits(found: pa.Table, expected: pa.Table, names: tuple[str, ...]) -> None:
    """Both hold the same features, to the last bit."""
    for name in names:
        if pa.types.is_floating(expected[name].type):
            assert found[name].type == expected[name].type
            left, right = (each[name].to_numpy().view(np.int64) for each in (found, expected))
            missing = np.isnan(expected[name].to_numpy())
            np.testing.assert_array_equal(np.isnan(found[name].to_numpy()), missing, name)
            np.testing.assert_array_equal(left[~missing], right[~missing], name)
        else:
            assert found[name].to_pylist() == expected[name].to_pylist(), name


def tell(service: RunningService, past: PastPayments, rows: range) -> None:
    """Tell what became of rows, at the moment when their owner knew it."""
    told = []
    for place in rows:
        row = past.rows.iloc[place]
        known = datetime.strptime(row["chargeback known"], "%d.%m.%Y %H:%M").replace(tzinfo=ZoneInfo("Europe/London"))
        at = known.astimezone(UTC).isoformat()
        told.append({"request_id": row["payment id"], "row": 0, "label": row["chargeback"], "observed_at": at})
    answered = service.post(f"/v1/{NAME}/labels", {"labels": told})
    assert answered.json()["stored"] == len(rows), answered.text


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_sees_what_files_see(past: PastPayments, starter: Starter, tmp_path: Path, workers: int) -> None:
    past.build_state(tmp_path / "state")
    service = starter(past.release, state=tmp_path / "state", workers=workers)
    middle, end = EARLIER + 120, EARLIER + 240
    names = past.family.features.model_features
    answers = ask(service, past, EARLIER, middle)
    expected, scores = past.expected(EARLIER, middle)
    same_bits(logged(service, past, range(EARLIER, middle)), expected, names)
    assert [each["score"] for each in answers] == pytest.approx(scores, abs=1e-5)
    assert ask(service, past, EARLIER + 3, EARLIER + 7) == answers[3:7], "the same row again sees what it saw"
    tell(service, past, range(EARLIER, middle))
    if workers == 2:
        os.kill(service.ready_workers()[0], signal.SIGKILL)
    answers = ask(service, past, middle, end)
    expected, scores = past.expected(middle, end, told=slice(EARLIER, middle))
    same_bits(logged(service, past, range(middle, end)), expected, names)
    assert [each["score"] for each in answers] == pytest.approx(scores, abs=1e-5)
    untold, _ = past.expected(middle, end)
    assert expected["place_label_rate_7d"] != untold["place_label_rate_7d"], "outcomes that were told change what is seen"
    assert service.metric(f'fusionguard_late_events_total{{model="{NAME}"}}') == 0
