"""A label is stored once; another one for the same row is refused by name; and readers see it beside its row."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fusionguard.errors import DataError, StorageError
from fusionguard.serving.prediction_log import (
    Label,
    LabelConflict,
    LabelConflictError,
    LabelReceipt,
    LogVersionError,
    PredictionLog,
    append_labels,
    read_log,
)
from tests.serving.prediction_log_rows import fraud_row

DAY = 86_400_000_000


def _stored(folder: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "fraud" / "labels.sqlite") as database:
        rows = database.execute("SELECT * FROM labels ORDER BY request_id, row").fetchall()
    database.close()
    return rows


def test_the_same_label_again_is_nothing(tmp_path: Path) -> None:
    labels = [Label("a", 0, 1, 5 * DAY), Label("a", 1, 0, 5 * DAY), Label("b", 0, 0, 6 * DAY)]
    assert append_labels(tmp_path, "fraud", labels) == LabelReceipt(stored=3, repeated=0)
    later = [("a", 0, 1, 9 * DAY), ("c", 0, 1, 9 * DAY), ("c", 0, 1, 9 * DAY)]
    assert append_labels(tmp_path, "fraud", later) == LabelReceipt(stored=1, repeated=2)
    assert _stored(tmp_path) == [*labels, ("c", 0, 1, 9 * DAY)]


def test_another_label_for_a_row_is_named_and_nothing_of_the_request_is_stored(tmp_path: Path) -> None:
    append_labels(tmp_path, "fraud", [("a", number, 1, DAY) for number in range(5)])
    before = _stored(tmp_path)
    with pytest.raises(LabelConflictError) as caught:
        append_labels(tmp_path, "fraud", [("new", 0, 1, DAY), *(("a", number, 0, DAY) for number in range(5))])
    assert caught.value.conflicts == tuple(LabelConflict("a", number, stored=1, given=0) for number in range(5))
    assert "row 0 of request 'a' is 1, not 0" in str(caught.value)
    assert "and 2 more" in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).conflicts == caught.value.conflicts  # noqa: S301 - as errors travel between processes
    assert _stored(tmp_path) == before


def test_a_request_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelConflictError, match="row 0 of request 'a' is 1, not 0"):
        append_labels(tmp_path, "fraud", [("a", 0, 1, DAY), ("a", 0, 0, DAY)])
    assert append_labels(tmp_path, "fraud", [("a", 0, 0, DAY)]) == LabelReceipt(1, 0)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (("", 0, 1, DAY), "request_id"),
        ((7, 0, 1, DAY), "request_id"),
        (("\ud800", 0, 1, DAY), "request_id"),
        (("a", -1, 1, DAY), "row"),
        (("a", 2**31, 1, DAY), "row"),
        (("a", 0, 2, DAY), "label must be 0 or 1"),
        (("a", 0, True, DAY), "label must be 0 or 1"),
        (("a", 0, 1.0, DAY), "label must be 0 or 1"),
        (("a", 0, 1, "today"), "observed_at"),
    ],
)
def test_a_label_that_means_nothing_is_named_by_its_place(wrong: Any, what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"labels\[1\]\.{what}"):
        append_labels(tmp_path, "fraud", [("a", 0, 1, DAY), wrong])
    assert not (tmp_path / "fraud").exists()


def test_labels_are_read_beside_their_rows_whichever_came_first(tmp_path: Path) -> None:
    assert (
        append_labels(tmp_path, "fraud", [("request-2", 0, 1, DAY), ("never scored", 0, 1, DAY), ("request-1", 1, 1, DAY)]).stored
        == 3
    )
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60) as log:
        for number in (3, 2, 1, 0):
            log.append(fraud_row(number))
    assert append_labels(tmp_path, "fraud", [("request-0", 0, 0, 2 * DAY)]).stored == 1
    table = read_log(tmp_path, "fraud").table
    assert table["label"].to_pylist() == [0, None, 1, None]
    epoch = datetime.fromtimestamp(0, UTC)
    assert table["label_observed_at"].to_pylist() == [epoch + timedelta(days=2), None, epoch + timedelta(days=1), None]
    assert read_log(tmp_path, "fraud", columns=["label"]).table["label"].to_pylist() == [0, None, 1, None]


def test_models_have_labels_of_their_own(tmp_path: Path) -> None:
    assert append_labels(tmp_path, "fraud", [("a", 0, 1, DAY)]).stored == 1
    assert append_labels(tmp_path, "churn", [("a", 0, 0, DAY)]).stored == 1
    assert append_labels(tmp_path, "fraud", []) == LabelReceipt(0, 0)


def test_many_writers_at_once_store_each_label_once(tmp_path: Path) -> None:
    receipts = []

    def send(first: int) -> None:
        receipts.append(
            append_labels(tmp_path, "fraud", [(str(number), 0, number % 2, DAY) for number in range(first, first + 300)])
        )

    threads = [threading.Thread(target=send, args=(100 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(receipt.stored for receipt in receipts) == len(_stored(tmp_path)) == 800
    assert sum(receipt.repeated for receipt in receipts) == 6 * 300 - 800


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    append_labels(tmp_path, "fraud", [("request-0", 0, 1, DAY)])
    _log_one_row(tmp_path)
    with sqlite3.connect(tmp_path / "fraud" / "labels.sqlite") as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    for use in (lambda: append_labels(tmp_path, "fraud", [("b", 0, 1, DAY)]), lambda: read_log(tmp_path, "fraud")):
        with pytest.raises(LogVersionError, match="label version 2; this FusionGuard reads versions up to 1"):
            use()
    assert read_log(tmp_path, "fraud", columns=["score"]).table.num_rows == 1


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    append_labels(tmp_path, "fraud", [("request-0", 0, 1, DAY)])
    _log_one_row(tmp_path)
    file = tmp_path / "fraud" / "labels.sqlite"
    file.write_bytes(b"not a database at all" * 1000)
    for use in (lambda: append_labels(tmp_path, "fraud", [("b", 0, 1, DAY)]), lambda: read_log(tmp_path, "fraud")):
        with pytest.raises(StorageError, match=r"labels\.sqlite is damaged: .* move it away and send the labels again"):
            use()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"may not mount a small file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_refuses_a_request_and_keeps_what_was_stored(small_disk: Path) -> None:
    append_labels(small_disk, "fraud", [("a", 0, 1, DAY)])
    with pytest.raises(StorageError, match="disk is full"):
        append_labels(small_disk, "fraud", [(f"request-{number}", 0, 1, DAY) for number in range(10_000)])
    assert append_labels(small_disk, "fraud", [("a", 0, 1, DAY), ("b", 0, 1, DAY)]) == LabelReceipt(stored=1, repeated=1)


_SENDER = """
import sys
from pathlib import Path
from fusionguard.serving.prediction_log.labels import append_labels
number = 0
while True:
    append_labels(Path(sys.argv[1]), "fraud", [(f"{number}-{row}", row, 1, 0) for row in range(200)])
    print(number, flush=True)
    number += 1
"""


def test_a_kill_leaves_every_acknowledged_request_and_no_half(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _SENDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        for _ in range(10):
            sender.stdout.readline()
        sender.kill()
        acknowledged = 10 + len(sender.stdout.readlines())
    assert append_labels(tmp_path, "fraud", [("0-0", 0, 1, 0)]).repeated == 1
    stored = len(_stored(tmp_path)) / 200
    assert stored in (acknowledged, acknowledged + 1)


def _log_one_row(folder: Path) -> None:
    with PredictionLog.open(folder, model="fraud") as log:
        log.append(fraud_row(0))
