"""Small parts are merged into larger ones, and whoever reads, writes or is killed meanwhile loses nothing."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fusionguard.files import locked
from fusionguard.serving.prediction_log import PredictionLog, compact, read_log, writer
from fusionguard.serving.prediction_log.parts import list_parts
from tests.serving.prediction_log_rows import fraud_row, log_parts, parts_of


def test_small_parts_are_merged_up_to_the_rotation(tmp_path: Path) -> None:
    log_parts(tmp_path, *([fraud_row(10 * part + row) for row in range(10)] for part in range(25)))
    before = read_log(tmp_path, "fraud").table
    done = compact(tmp_path, "fraud", rotate_rows=100)
    assert (done.merged, done.into, done.skipped) == (25, 3, ())
    assert sorted(pq.read_metadata(part).num_rows for part in parts_of(tmp_path)) == [50, 100, 100]
    window = read_log(tmp_path, "fraud")
    assert window.table == before
    assert window.repeated == 0
    assert compact(tmp_path, "fraud", rotate_rows=100).merged == 0


def test_a_kill_while_merged_parts_are_removed_leaves_rows_twice_that_are_read_once(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(0)], [fraud_row(1)], [fraud_row(2)])
    survivor = parts_of(tmp_path)[2]
    content = survivor.read_bytes()
    compact(tmp_path, "fraud")
    survivor.write_bytes(content)
    window = read_log(tmp_path, "fraud")
    assert (window.table["request_id"].to_pylist(), window.repeated) == (["request-0", "request-1", "request-2"], 1)


def test_a_merge_that_is_stopped_changes_nothing(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(0)], [fraud_row(1)])
    before = sorted((tmp_path / "fraud").iterdir())
    assert compact(tmp_path, "fraud", stopped=lambda: True).merged == 0
    assert sorted((tmp_path / "fraud").iterdir()) == before


def test_a_compaction_removes_what_killed_writers_left_but_not_what_is_being_written(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(0)])
    old, young = tmp_path / "fraud" / ".part-1.parquet.x.tmp", tmp_path / "fraud" / ".part-2.parquet.y.tmp"
    for path in (old, young):
        path.write_bytes(b"PAR1")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    compact(tmp_path, "fraud")
    assert (old.exists(), young.exists()) == (False, True)


def test_a_listing_that_a_merge_overtook_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, other, merged = (tmp_path / f"part-{number}.parquet" for number in range(3))
    listings = iter([[other], [other, merged], [merged, other], [source]])
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: next(listings))
    assert list_parts(tmp_path) == [other, merged]


def test_two_compactions_do_not_meet(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(0)], [fraud_row(1)])
    second = threading.Thread(target=compact, args=(tmp_path, "fraud"))
    with locked(tmp_path / "fraud"):
        second.start()
        second.join(0.3)
        assert second.is_alive() and len(parts_of(tmp_path)) == 2
    second.join(30)
    assert len(parts_of(tmp_path)) == 1


def test_a_service_merges_its_own_small_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PARTS_BEFORE_MERGE", 8)
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, rotate_rows=1000) as log:
        for number in range(64):
            log.append(fraud_row(number))
            log.flush()
            if log.stats.parts_written % 8 == 0 and log._merging is not None:
                log._merging.join()
        assert log.stats.parts_written == 64
    assert len(parts_of(tmp_path)) <= 6  # a binary counter of eights
    window = read_log(tmp_path, "fraud")
    assert (window.table.num_rows, window.repeated) == (64, 0)
