"""Small parts are merged into larger ones, and whoever reads, writes or is killed meanwhile loses nothing."""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import StorageError
from fusionguard.files import locked
from fusionguard.serving.prediction_log import PredictionLog, compact, compaction, count_unlogged, read_log, reader, writer
from fusionguard.serving.prediction_log.compaction import Compaction
from fusionguard.serving.prediction_log.parts import list_parts
from fusionguard.serving.prediction_log.schema import part_schema
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


def test_a_listing_that_merges_overtook_is_repeated_even_if_it_missed_the_same_parts_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing need not name what comes or goes while it runs; here each merge takes what the last one made."""
    log_parts(tmp_path, [fraud_row(0)], [fraud_row(1), fraud_row(2)])
    glob, overtaken = Path.glob, []

    def merged_meanwhile(folder: Path, pattern: str) -> Iterable[Path]:
        if len(overtaken) == 3:
            return glob(folder, pattern)
        overtaken.append(pattern)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Path, "glob", glob)
            log_parts(tmp_path, [fraud_row(100 + len(overtaken))])
            compact(tmp_path, "fraud")
        return ()

    monkeypatch.setattr(Path, "glob", merged_meanwhile)
    listed = list_parts(tmp_path / "fraud")
    assert [pq.read_metadata(part).num_rows for part in listed] == [6]
    assert len(overtaken) == 3


def test_a_reader_whom_merges_overtake_each_time_makes_them_wait_and_has_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_parts(tmp_path, [fraud_row(0)], [fraud_row(1), fraud_row(2)])
    merges: list[threading.Thread] = []

    def overtaken(home: Path) -> list[Path]:
        found = list_parts(home)
        log_parts(tmp_path, [fraud_row(100 + len(merges))])
        merges.append(threading.Thread(target=compact, args=(tmp_path, "fraud")))
        merges[-1].start()
        merges[-1].join(0.5)
        return found

    monkeypatch.setattr(reader, "list_parts", overtaken)
    window = read_log(tmp_path, "fraud")
    numbers = [0, 1, 2, *range(100, 99 + len(merges))]  # the row of the last listing came after it
    assert sorted(window.table["request_id"].to_pylist()) == sorted(f"request-{number}" for number in numbers)
    assert (window.repeated, window.unreadable) == (0, ())
    merges[-1].join(30)
    assert len(parts_of(tmp_path)) == 1
    assert count_unlogged(tmp_path, "fraud", [("request-2", 0), ("request-100", 0), ("request-7", 0)]) == 1


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


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (StorageError("The part is damaged.", "Restore it."), "The part is damaged."),
        (pa.ArrowInvalid("cell 4711 of row 3"), "for now: ArrowInvalid"),
        (MemoryError("4711"), "for now: MemoryError"),
    ],
)
def test_why_parts_are_not_merged_is_told_without_a_cell_of_their_rows(
    error: Exception, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(writer, "compact", refuse)
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60) as log:
        log._merge()
    assert told in caplog.text
    assert "4711" not in caplog.text


def _logged(folder: Path, *sizes: int) -> list[Path]:
    """Log a part of each size; return them in the order they were written."""
    numbers = iter(range(sum(sizes)))
    log_parts(folder, *([fraud_row(next(numbers)) for _ in range(size)] for size in sizes))
    return parts_of(folder)


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ((5, 1, 1), {1, 2}),  # the first in name is larger than the two smaller ones together
        ((1, 1, 2), {0, 1, 2}),  # as large as they are
        ((1, 1, 3), {0, 1}),
        ((2, 3, 4), {0, 1, 2}),  # 4 against 2 + 3
        ((2, 1), {0, 1}),  # of two, both
        ((1,), set()),
    ],
)
def test_a_service_copies_a_large_part_only_once_the_small_ones_weigh_as_much(
    sizes: tuple[int, ...], merged: set[int], tmp_path: Path
) -> None:
    parts = _logged(tmp_path, *sizes)
    before = read_log(tmp_path, "fraud").table
    done = compact(tmp_path, "fraud", everything=False)
    assert (done.merged, done.into) == (len(merged), min(len(merged), 1))
    assert {place for place, part in enumerate(parts) if not part.exists()} == merged
    assert read_log(tmp_path, "fraud").table == before


def test_whoever_asks_for_it_gets_everything_merged(tmp_path: Path) -> None:
    _logged(tmp_path, 1, 1, 3)
    assert compact(tmp_path, "fraud").merged == 3


def test_a_part_that_holds_the_rotations_rows_is_left_as_it_is_and_a_merge_may_hold_as_many(tmp_path: Path) -> None:
    parts = _logged(tmp_path, 6, 2, 4, 5)
    assert compact(tmp_path, "fraud", rotate_rows=6).merged == 2
    assert [part.exists() for part in parts] == [True, False, False, True]
    (new,) = set(parts_of(tmp_path)) - set(parts)
    assert pq.read_metadata(new).num_rows == 6
    assert re.fullmatch(rf"part-[\dT.]+Z-{os.getpid()}-000000-[\da-f]{{8}}\.parquet", new.name)


def test_half_a_million_rows_are_a_whole_part_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"a": 250_000, "b": 250_000, "c": 1, "d": 500_000, "e": 499_999}

    class Counted:
        """A part that says how many rows it has, and gives none."""

        groups = 0
        schema = part_schema("fraud")

        def __init__(self, path: Path, *of: object) -> None:
            self.rows = rows[path.name]

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    (tmp_path / "fraud").mkdir()
    parts = [tmp_path / "fraud" / name for name in rows]
    for part in parts:
        part.touch()
    monkeypatch.setattr(compaction, "OpenPart", Counted)
    monkeypatch.setattr(compaction, "list_parts", lambda home: parts)
    done = compact(tmp_path, "fraud")
    assert (done.merged, done.into) == (4, 2)
    assert [part.name for part in parts if part.exists()] == ["d"]


def test_a_merge_reads_and_writes_a_bounded_number_of_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ROW_GROUP_ROWS", 20)
    _logged(tmp_path / "exact", 10, 10, 10, 10, 10)
    _logged(tmp_path / "odd", 15, 15, 15)
    for folder, groups in {"exact": [20, 20, 10], "odd": [20, 10, 15]}.items():
        compact(tmp_path / folder, "fraud")
        metadata = pq.read_metadata(parts_of(tmp_path / folder)[0])
        assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == groups


def test_a_source_that_somebody_removes_during_the_merge_is_not_missed(tmp_path: Path) -> None:
    first, _ = _logged(tmp_path, 3, 4)
    asked = []

    def stopped() -> bool:
        asked.append(first.exists())
        if len(asked) == 2:
            first.unlink()
        return False

    assert compact(tmp_path, "fraud", stopped=stopped).merged == 2
    assert asked == [True, True]
    assert read_log(tmp_path, "fraud").table.num_rows == 7


def test_a_disk_that_refuses_a_merge_is_named_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    parts = _logged(tmp_path, 1, 2)
    monkeypatch.setattr(compaction, "_sizes", full)
    with pytest.raises(StorageError, match=rf"Cannot write {tmp_path / 'fraud'}: No space left"):
        compact(tmp_path, "fraud")
    assert parts_of(tmp_path) == parts
    assert not list((tmp_path / "fraud").glob("*.tmp"))


def test_nothing_is_made_of_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert compact(tmp_path, "fraud") == Compaction(0, 0, ())
    assert list(tmp_path.iterdir()) == []
