"""The prediction log under kill -9, full and stalled disks, and several processes at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pytest

from fusionguard.serving.prediction_log import LogStats, PredictionLog, compact, read_log, writer
from tests.serving.prediction_log_rows import FLUSH_SECONDS, NOTE, fraud_row

SCRIPT = Path(__file__).with_name("prediction_log_rows.py")
ROOT = Path(__file__).resolve().parents[2]

SLOW_WRITE_SECONDS = 4.0
"""How long one write may take on a busy machine."""


@contextmanager
def _writers(folder: Path, writers: int, rows: int) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Start writing processes; give the one that waits for them, and their ids. None of them outlives the test."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    command = [sys.executable, str(SCRIPT), str(folder), str(writers), str(rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths}) as parent:
        assert parent.stdout is not None
        children = [int(word) for word in parent.stdout.readline().split()]
        try:
            yield parent, children
        finally:
            if parent.poll() is None:  # then no child's id can be another process's yet, for it would have waited for all
                for child in children:
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    command = [sys.executable, "-c", script, str(folder)]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)


def _numbers(folder: Path) -> dict[int, list[int]]:
    """Return the numbers of the logged rows of each process."""
    window = read_log(folder, "fraud", columns=["request_id"])
    assert window.unreadable == ()
    found = defaultdict(list)
    for request_id in window.table["request_id"].to_pylist():
        process, number = request_id.split("-")
        found[int(process)].append(int(number))
    return {process: sorted(numbers) for process, numbers in found.items()}


def _offered(stats: LogStats) -> int:
    return stats.rows_written + stats.rows_pending + stats.rows_lost


@pytest.mark.full
def test_a_kill_at_any_moment_leaves_a_readable_log_without_the_last_flush_interval_at_most(tmp_path: Path) -> None:
    draw = random.Random(5)
    killed_at = {}
    with _writers(tmp_path, 6, 0) as (_, writers):
        begun = time.monotonic()
        moments = [*sorted(draw.uniform(0.2, 4.5) for _ in writers[1:]), FLUSH_SECONDS + SLOW_WRITE_SECONDS + 2.0]
        for process, after in zip(writers, moments, strict=True):
            while time.monotonic() < begun + after:
                _numbers(tmp_path)  # readers meet writers and merges
            os.kill(process, signal.SIGKILL)
            killed_at[process] = time.monotonic()
    logged = _numbers(tmp_path)
    certain = 0
    for process in writers:
        notes = (tmp_path / f"notes-{process}").read_bytes()
        accepted = [NOTE.unpack_from(notes, place) for place in range(0, len(notes) - NOTE.size + 1, NOTE.size)]
        rows = logged.get(process, [])
        assert rows == list(range(len(rows)))
        assert len(rows) <= len(accepted) + 1
        assert len(rows) >= accepted[-1][1]  # what the log called written
        due = sum(at < killed_at[process] - FLUSH_SECONDS - SLOW_WRITE_SECONDS for at, _ in accepted)
        assert len(rows) >= due
        certain += due
    assert certain > 0
    assert compact(tmp_path, "fraud").skipped == ()
    assert _numbers(tmp_path) == logged


def test_processes_write_side_by_side_while_others_read_and_merge_and_an_end_without_close_loses_nothing(tmp_path: Path) -> None:
    seen: dict[int, int] = {}
    with _writers(tmp_path, 3, 600) as (parent, writers):
        while parent.poll() is None:
            for process, numbers in _numbers(tmp_path).items():
                assert numbers == list(range(len(numbers)))
                assert len(numbers) >= seen.get(process, 0)
                seen[process] = len(numbers)
            compact(tmp_path, "fraud")
    assert _numbers(tmp_path) == {process: list(range(600)) for process in writers}


_SHORT = """
import sys
from pathlib import Path
from fusionguard.serving.prediction_log import PredictionLog
from tests.serving.prediction_log_rows import fraud_row
assert PredictionLog.open(Path(sys.argv[1]), model="fraud", flush_seconds=60).append(fraud_row(7))
"""


def test_a_process_that_ends_before_its_first_flush_loses_nothing(tmp_path: Path) -> None:
    done = _run(_SHORT, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_log(tmp_path, "fraud").table["request_id"].to_pylist() == ["request-7"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"may not mount a small file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space left"):
        while True:
            stream.write(bytes(4096))
    return filler


def test_a_full_disk_costs_no_row_until_memory_is_full_and_all_are_written_when_it_has_room(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with PredictionLog.open(small_disk, model="fraud", flush_seconds=0.05, max_rows=1000) as log:
        assert log.append(fraud_row(0))
        assert log.flush()
        filler = _fill(small_disk)
        accepted = [log.append(fraud_row(number)) for number in range(1, 1201)]
        assert accepted == [True] * 1000 + [False] * 200
        assert not log.flush()
        until = time.monotonic() + 20
        while log.stats.failed_writes < 2 or list((small_disk / "fraud").glob(".*")):  # between two attempts
            assert time.monotonic() < until, log.stats
            time.sleep(0.005)
        stats = log.stats
        assert (stats.rows_written, stats.rows_pending, stats.rows_lost) == (1, 1000, 200)
        assert stats.last_error is not None and "The disk is full" in stats.last_error
        assert caplog.text.count("waits in memory") == 1
        filler.unlink()
        assert log.flush()
        assert log.stats.last_error is None
        assert "is written again" in caplog.text
        assert log.append(fraud_row(1201))
    assert _offered(log.stats) == 1202
    numbers = [int(name.removeprefix("request-")) for name in read_log(small_disk, "fraud").table["request_id"].to_pylist()]
    assert numbers == [*range(1001), 1201]


def test_rows_that_a_full_disk_refuses_until_the_end_are_counted_as_lost(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = PredictionLog.open(small_disk, model="fraud", flush_seconds=60)
    _fill(small_disk)
    for number in range(10):
        log.append(fraud_row(number))
    log.close()
    assert (log.stats.rows_written, log.stats.rows_pending, log.stats.rows_lost) == (0, 0, 10)
    assert "10 rows of the fraud prediction log are lost: Cannot write" in caplog.text
    assert read_log(small_disk, "fraud").table.num_rows == 0


def test_a_folder_that_cannot_be_made_is_told_at_once_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with PredictionLog.open(tmp_path / "logs", model="fraud", flush_seconds=0.05) as log:
        assert log.stats.last_error is not None and "A parent of it is a file" in log.stats.last_error
        assert log.append(fraud_row(0))
        assert not log.flush()
        (tmp_path / "logs").unlink()
        assert log.flush()
        assert log.stats.last_error is None
    assert read_log(tmp_path / "logs", "fraud").table.num_rows == 1


_LIMITED = """
import resource, sys
from pathlib import Path
from fusionguard.serving.prediction_log import PredictionLog, read_log
from fusionguard.serving.prediction_log.parts import list_parts
from tests.serving.prediction_log_rows import fraud_row
resource.setrlimit(resource.RLIMIT_FSIZE, (2048, resource.RLIM_INFINITY))
folder = Path(sys.argv[1])
with PredictionLog.open(folder, model="fraud", flush_seconds=0.05) as log:
    for number in range(50):
        log.append(fraud_row(number))
    assert not log.flush() and "File too large" in log.stats.last_error, log.stats
    assert list_parts(folder / "fraud") == []  # the writer tries again meanwhile: a temporary file may be there
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert log.flush(), log.stats
assert read_log(folder, "fraud").table.num_rows == 50
left = [path.name for path in (folder / "fraud").iterdir() if path.suffix == ".tmp"]
assert left == [], "temporary files are left"
"""


def test_a_limit_on_the_size_of_files_is_survived_like_a_full_disk(tmp_path: Path) -> None:
    done = _run(_LIMITED, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_stalled_disk_bounds_memory_and_stops_neither_appends_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalled, released = threading.Event(), threading.Event()
    write_part = writer.write_part

    def stall(target: Path, table: pa.Table) -> None:
        stalled.set()
        assert released.wait(120)
        write_part(target, table)

    monkeypatch.setattr(writer, "write_part", stall)
    log = PredictionLog.open(tmp_path, model="fraud", flush_seconds=0.01, max_rows=2_000)
    log.append(fraud_row(0))
    assert stalled.wait(60)
    before, slowest = _resident_bytes(), 0.0
    for number in range(1, 100_000):
        row = fraud_row(number)
        begun = time.perf_counter()
        log.append(row)
        slowest = max(slowest, time.perf_counter() - begun)
    assert _resident_bytes() - before < 20e6  # all of them would take more than 100 MB
    assert slowest < 5, "the disk stalls for as long as the test wants"
    assert log.stats.rows_pending == 2_000
    assert _offered(log.stats) == 100_000
    begun = time.monotonic()
    log.close(timeout_seconds=0.2)
    assert time.monotonic() - begun < 20
    assert (log.stats.rows_written, log.stats.rows_pending, log.stats.rows_lost) == (0, 0, 100_000)
    released.set()
    log._thread.join(30)
    assert _offered(log.stats) == 100_000


def test_threads_append_at_once_without_losing_count(tmp_path: Path) -> None:
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=0.01) as log:

        def append(first: int) -> None:
            for number in range(first, first + 1000):
                assert log.append(fraud_row(number))

        threads = [threading.Thread(target=append, args=(1000 * number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (log.stats.rows_accepted, log.stats.rows_written, log.stats.rows_lost) == (4000, 4000, 0)
    assert read_log(tmp_path, "fraud").table.num_rows == 4000


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
