"""The thread that writes the prediction log: when it writes, what it counts and says, and how it ends. No test here is slow."""

from __future__ import annotations

import inspect
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import UsageError
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.serving.logs import JsonLines, TextLines
from fusionguard.serving.prediction_log import LoggedBatch, PredictionLog, writer
from tests.serving.prediction_log_rows import START_MICROS, fraud_row, log_parts, parts_of

NONE_LOST = {"no_room": 0, "unstorable": 0, "closed": 0}


def batch(rows: int, *, storable: bool = True) -> LoggedBatch:
    """A record of many rows; one that is not storable lacks nearly all features."""
    names = FRAUD_FAMILY.features.model_features if storable else ("V1",)
    whole = {name: [1] * rows for name in names}
    return LoggedBatch(f"batch-{rows}", START_MICROS, "a1b2c3d4e5f6", "simulated", {}, whole)


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Tell whether the condition came to hold in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The disk, which raises ``refuses`` where it is an error, and does not answer while ``answers`` is not set."""
    state = SimpleNamespace(refuses=None, answers=threading.Event(), asked=threading.Event())
    state.answers.set()
    write_part = writer.write_part

    def write(target: Path, table: pa.Table) -> None:
        state.asked.set()
        assert state.answers.wait(60)
        if state.refuses is not None:
            raise state.refuses
        write_part(target, table)

    monkeypatch.setattr(writer, "write_part", write)
    yield state
    state.answers.set()


def test_a_fresh_log_has_counted_nothing_and_its_thread_ends_with_the_process(tmp_path: Path) -> None:
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60) as log:
        stats = log.stats
        threads = [thread for thread in threading.enumerate() if thread.name == "fraud prediction log"]
        assert [thread.daemon for thread in threads] == [True]
    assert (stats.rows_accepted, stats.rows_written, stats.rows_pending, stats.rows_lost_by) == (0, 0, 0, NONE_LOST)
    assert (stats.parts_written, stats.failed_writes, stats.last_error) == (0, 0, None)


@pytest.mark.parametrize("name", ["flush_seconds", "max_rows", "rotate_rows"])
@pytest.mark.parametrize("value", [0, -1, float("inf")])
def test_a_setting_must_be_a_number_above_0(name: str, value: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        PredictionLog.open(tmp_path, model="fraud", **{name: value})  # type: ignore[arg-type]
    assert str(caught.value) == f"{name}={value} is not above 0. Give a larger number."
    assert list(tmp_path.iterdir()) == []


def test_parts_are_named_by_process_number_and_a_token_of_their_writer(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(0)], [fraud_row(1)])
    log_parts(tmp_path, [fraud_row(2)])
    found = [re.fullmatch(r"part-[\dT.]+Z-(\d+)-(\d{6})-([\da-f]{8})\.parquet", part.name) for part in parts_of(tmp_path)]
    names = [match.groups() for match in found if match]
    assert [(process, number) for process, number, _ in names] == [
        (str(os.getpid()), number) for number in ("000000", "000001")
    ] + [(str(os.getpid()), "000000")]
    assert names[0][2] == names[1][2] != names[2][2]


def test_a_quarter_of_the_room_wakes_the_writer_before_its_time(tmp_path: Path) -> None:
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, max_rows=9) as log:
        log.append(fraud_row(0))
        assert not wait_until(lambda: log.stats.rows_written > 0, 0.2)
        log.append(fraud_row(1))
        assert wait_until(lambda: log.stats.rows_written == 2)


def test_room_for_a_few_rows_wakes_the_writer_for_each(tmp_path: Path) -> None:
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, max_rows=3) as log:
        log.append(fraud_row(0))
        assert wait_until(lambda: log.stats.rows_written == 1)


def test_the_writer_comes_round_at_its_interval_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with PredictionLog.open(tmp_path / "logs", model="fraud", flush_seconds=60) as log:
        assert not wait_until(lambda: log.stats.failed_writes != 1, 0.2)
        log.flush()
        assert not wait_until(lambda: log.stats.failed_writes != 2, 0.2)
    with PredictionLog.open(tmp_path / "logs", model="fraud", flush_seconds=0.01) as log:
        assert wait_until(lambda: log.stats.failed_writes >= 15, 9), "a hundred rounds a second, less the time of each"


def test_appends_do_not_hurry_a_disk_that_refuses(disk: Any, tmp_path: Path) -> None:
    disk.refuses = OSError("no")
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, max_rows=20) as log:
        log.append(fraud_row(0))
        log.flush()
        for number in range(1, 20):
            log.append(fraud_row(number))
        assert not wait_until(lambda: log.stats.failed_writes != 1, 0.2)
        disk.refuses = None


def test_rows_are_counted_whatever_becomes_of_them(disk: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, max_rows=40)
    for rows in (3, 2):
        assert log.append(batch(rows))
        assert log.append(batch(rows + 2, storable=False))
        assert log.append(batch(1))
        assert log.flush()
    stats = log.stats
    assert (stats.rows_accepted, stats.rows_written, stats.rows_pending, stats.parts_written) == (16, 7, 0, 2)
    assert stats.rows_lost_by == {"no_room": 0, "unstorable": 9, "closed": 0}
    assert stats.last_error is not None and "V2" in stats.last_error
    assert caplog.messages == [f"{rows} rows of the fraud prediction log are lost: {stats.last_error}" for rows in (5, 4)]
    disk.refuses = OSError("the disk is on fire")
    assert log.append(batch(30)) and not log.flush()
    assert log.append(batch(10)), "as many as there is room for"
    assert not log.append(batch(1)) and not log.append(batch(3))
    assert not log.flush()
    stats = log.stats
    assert (stats.rows_accepted, stats.rows_written, stats.rows_pending, stats.failed_writes) == (56, 7, 40, 2)
    assert stats.rows_lost_by == {"no_room": 4, "unstorable": 9, "closed": 0}
    assert stats.last_error == "the disk is on fire"
    caplog.clear()
    log.close()
    assert not log.append(batch(2)) and not log.append(batch(5))
    assert log.flush(), "nothing is pending, and a closed log waits for nothing"
    assert (log.stats.rows_accepted, log.stats.rows_written, log.stats.rows_pending) == (56, 7, 0)
    assert log.stats.rows_lost_by == {"no_room": 4, "unstorable": 9, "closed": 47}
    assert caplog.messages == ["40 rows of the fraud prediction log are lost: the disk is on fire"]


def test_a_refusal_is_told_once_and_so_is_its_end_and_no_row_is_lost(
    disk: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, rotate_rows=4) as log:
        disk.refuses = OSError("no room")
        log.append(batch(7))
        assert not log.flush() and not log.flush()
        disk.refuses = None
        log.append(batch(2))
        assert log.flush() and log.flush()
        assert (log.stats.failed_writes, log.stats.parts_written, log.stats.last_error) == (2, 3, None)
    assert [pq.read_metadata(part).num_rows for part in parts_of(tmp_path)] == [4, 4, 1]
    assert [(record.levelno, record.getMessage(), bool(record.exc_info)) for record in caplog.records] == [
        (logging.ERROR, "the fraud log cannot be written, and waits in memory: no room", False),
        (logging.WARNING, "the fraud prediction log is written again", False),
    ]


def test_a_fault_of_the_program_is_told_with_where_it_happened_and_is_survived(
    disk: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk.refuses = RuntimeError("Could not convert 'Hargrave' with type str")
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60) as log:
        log.append(fraud_row(0))
        assert not log.flush()
        assert log.stats.last_error == "RuntimeError", "what a library says of a row may hold a cell of it"
        (record,) = caplog.records
        assert record.exc_info and record.exc_info[0] is RuntimeError
        for written in (TextLines().format(record), JsonLines().format(record)):
            assert "writer.py" in written and "RuntimeError" in written and "Hargrave" not in written
        disk.refuses = None
        assert log.flush()


def test_a_folder_that_cannot_be_made_is_made_once_it_can(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with PredictionLog.open(tmp_path / "logs", model="fraud", flush_seconds=60) as log:
        log.flush()
        assert log.stats.last_error is not None
        assert log.stats.last_error.startswith(f"Cannot write {tmp_path / 'logs' / 'fraud'}:")
        log.append(fraud_row(0))
        (tmp_path / "logs").unlink()
        assert log.flush()
    assert len(parts_of(tmp_path / "logs")) == 1


def test_a_flush_waits_for_its_own_round_and_no_longer_than_it_may(disk: Any, tmp_path: Path) -> None:
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60) as log:
        begun = time.monotonic()
        for number in range(3):
            log.append(fraud_row(number))
            assert log.flush(timeout_seconds=60)
            assert log.stats.parts_written == number + 1
        assert time.monotonic() - begun < 15
        disk.answers.clear()
        log.append(fraud_row(3))
        late = threading.Timer(10, disk.answers.set)
        late.start()
        assert not log.flush(timeout_seconds=0.05)
        assert not disk.answers.is_set(), "it waited for the disk"
        late.cancel()
        disk.answers.set()
    assert log.flush(timeout_seconds=60)
    assert time.monotonic() - begun < 40


def test_others_run_between_two_pieces_of_work_except_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaths: list[float] = []
    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=time.monotonic, sleep=breaths.append))
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60) as log:
        log.append(batch(2))
        log.append(batch(3))
        log.flush()
        assert breaths == [writer.BREATH_SECONDS] * 2
        log.append(batch(4))
    assert log.stats.rows_written == 9
    assert breaths == [writer.BREATH_SECONDS] * 2


class StuckThread:
    """A writing thread whose disk never answers: it notes how long the end waits for it, and a row still comes meanwhile."""

    waits: ClassVar[list[float]] = []
    during: ClassVar[Callable[[], Any]] = staticmethod(lambda: None)

    def __init__(self, **settings: Any) -> None:
        pass

    def start(self) -> None:
        pass

    def join(self, timeout: float) -> None:
        self.waits.append(timeout)
        StuckThread.during()


@pytest.mark.parametrize(("given", "least"), [(0.0, 0.0), (50.0, 40.0)])
def test_the_end_waits_as_long_as_it_may_and_counts_what_is_left(
    given: float, least: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(writer, "atexit", SimpleNamespace(register=kept.append, unregister=kept.remove))
    monkeypatch.setattr(writer, "threading", SimpleNamespace(**vars(threading) | {"Thread": StuckThread}))
    log = PredictionLog.open(tmp_path, model="fraud", flush_seconds=60)
    assert kept == [log.close]
    log.append(batch(6))
    monkeypatch.setattr(StuckThread, "waits", [])
    monkeypatch.setattr(StuckThread, "during", staticmethod(lambda: log.append(batch(3))))
    log.close(timeout_seconds=given)
    log.close(timeout_seconds=given)
    assert [least <= wait <= given for wait in StuckThread.waits] == [True]
    assert kept == []
    assert (log.stats.rows_accepted, log.stats.rows_pending) == (6, 0)
    assert log.stats.rows_lost_by == {"no_room": 0, "unstorable": 0, "closed": 9}
    assert caplog.messages == ["6 rows of the fraud prediction log are lost: the disk stalls"]


def test_rows_given_up_are_not_counted_again_when_the_disk_answers_after_all(disk: Any, tmp_path: Path) -> None:
    disk.answers.clear()
    log = PredictionLog.open(tmp_path, model="fraud", flush_seconds=0.01)
    log.append(batch(5))
    assert disk.asked.wait(20)
    log.close(timeout_seconds=0.01)
    assert log.stats.rows_lost_by == {"no_room": 0, "unstorable": 0, "closed": 5}
    disk.answers.set()
    assert wait_until(lambda: log.stats.parts_written == 1)
    assert (log.stats.rows_written, log.stats.rows_pending, log.stats.rows_lost) == (0, 0, 5)


def test_every_so_many_parts_are_merged_by_one_thread_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    merges: list[tuple[Any, ...]] = []
    merged = threading.Event()
    threads: list[tuple[str, bool]] = []
    stops: list[Callable[[], bool]] = []

    def compact(folder: Path, model: str, *, rotate_rows: int, everything: bool, stopped: Callable[[], bool]) -> None:
        merges.append((folder, model, rotate_rows, everything, stopped()))
        threads.append((threading.current_thread().name, threading.current_thread().daemon))
        stops.append(stopped)
        assert merged.wait(30)
        raise OSError("the disk is full")

    monkeypatch.setattr(writer, "compact", compact)
    monkeypatch.setattr(writer, "PARTS_BEFORE_MERGE", 3)
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, rotate_rows=700) as log:
        for number in range(8):
            log.append(fraud_row(number))
            log.flush()
            assert wait_until(lambda written=number + 1: len(merges) == (written >= 3)), "a second waits for the first"
        merged.set()
        assert wait_until(lambda: not any(thread.name == "fraud log merge" for thread in threading.enumerate()))
        log.append(fraud_row(8))
        log.flush()
        assert wait_until(lambda: len(merges) == 2)
    assert merges == [(tmp_path, "fraud", 700, False, False)] * 2
    assert threads == [("fraud log merge", True)] * 2
    assert stops[0]()
    assert caplog.messages == ["small parts of the fraud prediction log are not merged for now: the disk is full"] * 2


def test_opening_makes_the_folder_with_its_parents_and_takes_one_that_is_there(tmp_path: Path) -> None:
    for _ in range(2):
        with PredictionLog.open(tmp_path / "bank" / "logs", model="fraud", flush_seconds=60) as log:
            assert (tmp_path / "bank" / "logs" / "fraud").is_dir()
            assert (log.stats.failed_writes, log.stats.last_error) == (0, None)


def test_a_folder_that_cannot_be_made_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with PredictionLog.open(tmp_path / "logs", model="fraud", flush_seconds=60) as log:
        told = log.stats.last_error
    assert told is not None and told.startswith(f"Cannot write {tmp_path}/logs/fraud: ")
    assert "A parent of it is a file" in told


def test_a_kill_loses_two_seconds_by_default_and_memory_and_parts_are_bounded() -> None:
    settings = inspect.signature(PredictionLog.open).parameters
    defaults = {name: settings[name].default for name in ("flush_seconds", "max_rows", "rotate_rows")}
    assert defaults == {"flush_seconds": 2.0, "max_rows": 200_000, "rotate_rows": 500_000}


def test_a_log_that_is_opened_without_a_word_keeps_to_what_is_told_of_it() -> None:
    told = {name: each.default for name, each in inspect.signature(PredictionLog.open).parameters.items()}
    assert told["flush_seconds"] == 2.0
    assert told["max_rows"] == 200_000
    assert told["rotate_rows"] == 500_000
