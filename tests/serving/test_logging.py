"""What was answered is in the log, through kills, full disks and repeated requests; outcomes find their rows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from fusionguard.features.churn import MODEL_FEATURES as CHURN_MODEL_FEATURES
from fusionguard.serving.prediction_log import read_log
from tests.serving.conftest import RunningService, Starter


def test_every_scored_row_is_logged_as_it_was_answered(service: RunningService, transaction: dict[str, Any]) -> None:
    amounts = [1.0, 20.5, 300.25]
    one = service.post("/v1/fraud/score", transaction | {"Amount": 77.07, "id": "mine"}, headers={"X-Request-ID": "log-1"}).json()
    rows = {"rows": [transaction | {"Amount": amount} for amount in amounts]}
    many = service.post("/v1/fraud/score_batch", rows, headers={"X-Request-ID": "log-2"}).json()
    for _ in range(2):  # a retry
        service.post("/v1/fraud/score", transaction | {"Amount": 77.07}, headers={"X-Request-ID": "log-1"})
    logged = wait_rows(service, {"log-1", "log-2"}, 4)
    (first,) = [row for row in logged if row["request_id"] == "log-1"]
    assert {name: first[name] for name in ("score", "probability", "decision")} == {
        name: one[name] for name in ("score", "probability", "decision")
    }
    assert (first["Amount"], first["amount_fraction_cents"], first["model_version"]) == (77.07, 7, one["model_version"])
    batch = sorted((row for row in logged if row["request_id"] == "log-2"), key=lambda row: int(row["row"]))
    assert [row["Amount"] for row in batch] == amounts
    assert [row["score"] for row in batch] == [answer["score"] for answer in many["answers"]]


def test_the_churn_log_holds_features_and_nobody(service: RunningService, customer: dict[str, Any]) -> None:
    service.post("/v1/churn/score", customer | {"id": "Hargrave"}, headers={"X-Request-ID": "churn-1"})
    (row,) = wait_rows(service, {"churn-1"}, 1, "churn")
    assert set(CHURN_MODEL_FEATURES) <= set(row)
    assert not {"Surname", "CustomerId", "id"} & set(row)
    assert "Hargrave" not in str(row)


def test_labels_are_taken_once(service: RunningService, transaction: dict[str, Any]) -> None:
    service.post("/v1/fraud/score", transaction, headers={"X-Request-ID": "label-1"})
    label = {"request_id": "label-1", "row": 0, "label": 1, "observed_at": "2026-02-01T00:00:00+01:00"}
    first = service.post("/v1/fraud/labels", {"labels": [label]})
    again = service.post("/v1/fraud/labels", {"labels": [label, label]})
    assert (first.status_code, first.json()["stored"], first.json()["repeated"]) == (200, 1, 0)
    assert (again.status_code, again.json()["stored"], again.json()["repeated"]) == (200, 0, 2)
    other = service.post("/v1/fraud/labels", {"labels": [label | {"row": 1}, label | {"label": 0}]})
    assert (other.status_code, other.json()["reason"]) == (409, "label_conflict")
    assert other.json()["errors"][0]["path"] == "labels[1].label"
    (row,) = wait_rows(service, {"label-1"}, 1)
    assert row["label"] == 1


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"label": 2}, "labels[0].label"),
        ({"label": True}, "labels[0].label"),
        ({"label": 1.0}, "labels[0].label"),
        ({"label": "1"}, "labels[0].label"),
        ({"row": -1}, "labels[0].row"),
        ({"row": 0.5}, "labels[0].row"),
        ({"request_id": ""}, "labels[0].request_id"),
        ({"request_id": 5}, "labels[0].request_id"),
        ({"observed_at": "2026-02-01"}, "labels[0].observed_at"),
        ({"observed_at": "2026-02-01T00:00:00"}, "labels[0].observed_at"),
        ({"observed_at": "2999-02-01T00:00:00Z"}, "labels[0].observed_at"),
        ({"observed_at": 1769900000}, "labels[0].observed_at"),
        ({"Surname": "x"}, "labels[0].Surname"),
    ],
)
def test_wrong_labels_are_named(service: RunningService, change: dict[str, Any], path: str) -> None:
    label = {"request_id": "label-2", "row": 0, "label": 1, "observed_at": "2026-02-01T00:00:00Z"} | change
    answer = service.post("/v1/churn/labels", {"labels": [label]})
    assert answer.status_code == 422, answer.text
    assert [fault["path"] for fault in answer.json()["errors"]] == [path]


@pytest.mark.full
def test_a_log_that_cannot_be_written_stops_no_answer(
    starter: Starter, release_folder: Path, transaction: dict[str, Any], tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the log's folder should be")
    service = starter(release_folder, log=blocked, log_rows=1_000, largest_batch_rows=1_000)
    for _ in range(5):
        assert service.post("/v1/fraud/score", transaction).status_code == 200
    service.wait_metric('fusionguard_log_failing{model="fraud"}', 1)
    assert service.metric("fusionguard_log_rows_pending") == 5
    assert service.metric("fusionguard_log_failed_writes_total") >= 1
    many = {"columns": {name: [value] * 1_000 for name, value in transaction.items()}}
    assert service.post("/v1/fraud/score_batch", many).status_code == 200
    service.wait_metric('fusionguard_log_rows_lost_total{model="fraud",reason="no_room"}', 1_000)
    label = {"request_id": "a", "row": 0, "label": 1, "observed_at": "2026-02-01T00:00:00Z"}
    answer = service.post("/v1/fraud/labels", {"labels": [label]})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    blocked.unlink()
    service.wait_metric("fusionguard_log_rows_written_total", 5)
    assert service.metric("fusionguard_log_rows_lost_total") == 1_000, "lost is what was reported, and no more"
    until = time.monotonic() + 20
    while service.metric('fusionguard_log_failing{model="fraud"}') != 0:
        assert time.monotonic() < until, service.output.read_text()
        time.sleep(0.05)


def wait_rows(service: RunningService, request_ids: set[str], count: int, model: str = "fraud") -> list[dict[str, Any]]:
    until = time.monotonic() + 20
    while True:
        rows = [row for row in read_log(service.log, model).table.to_pylist() if row["request_id"] in request_ids]
        if len(rows) >= count:
            return rows
        assert time.monotonic() < until, f"{len(rows)} of {count} rows in the log"
        time.sleep(0.05)
