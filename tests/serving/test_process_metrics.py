"""``process_*`` of a whole service: sums over its processes, the limit that is nearest, and a counter that never falls."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fusionguard.serving.process_metrics import ProcessCollector
from fusionguard.serving.request_metrics import FOLDER_VARIABLE, RequestMetrics
from tests.serving.conftest import RunningService, Starter

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def put(
    proc: Path, identity: int, *, children: str = "", ticks: tuple[int, int, int, int], pages: int, files: tuple[int, int]
) -> None:
    """A process as ``/proc`` shows one; ``ticks`` are its own in user and system mode, then those of children it waited for."""
    folder = proc / str(identity)
    (folder / "task" / str(identity)).mkdir(parents=True, exist_ok=True)
    (folder / "task" / str(identity) / "children").write_text(children)
    values = ["S", "1", *["0"] * 9, *map(str, ticks), "20", "0", "1", "0", str(identity * 100), str(pages * 8 * PAGE), str(pages)]
    (folder / "stat").write_text(f"{identity} (a ) b) {' '.join(values)} 0 0")
    (folder / "limits").write_text(f"Limit  Soft Limit  Hard Limit  Units\nMax open files            {files[1]}  9999  files\n")
    shutil.rmtree(folder / "fd", ignore_errors=True)
    (folder / "fd").mkdir()
    for number in range(files[0]):
        (folder / "fd" / str(number)).touch()


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A supervisor, two workers and what one of them has started."""
    folder = tmp_path / "proc"
    put(folder, 7, children="8 9 ", ticks=(10, 20, 300, 40), pages=5, files=(3, 50))
    put(folder, 8, ticks=(100, 7, 0, 0), pages=11, files=(8, 10))
    put(folder, 9, children="12 ", ticks=(1000, 9, 0, 0), pages=13, files=(70, 100))
    put(folder, 12, ticks=(5000, 1, 0, 0), pages=17, files=(1, 100))
    (folder / "stat").write_text("cpu 1 2 3\nbtime 1700000000\n")
    return folder


def read(collector: ProcessCollector) -> dict[str, float]:
    return {sample.name: sample.value for metric in collector.collect() for sample in metric.samples}


def test_a_service_is_all_its_processes(proc: Path) -> None:
    assert read(ProcessCollector(lambda: 7, proc=proc)) == {
        "process_cpu_seconds_total": (370 + 107 + 1009 + 5001) / TICKS,
        "process_resident_memory_bytes": 46 * PAGE,
        "process_virtual_memory_bytes": 46 * 8 * PAGE,
        "process_start_time_seconds": 1700000000 + 700 / TICKS,
        "process_open_fds": 8,  # 8 of 10, while the others have 3 of 50, 70 of 100 and 1 of 100
        "process_max_fds": 10,
    }


def test_the_counter_never_falls(proc: Path, tmp_path: Path) -> None:
    collector, other = (ProcessCollector(lambda: 7, tmp_path, proc) for _ in range(2))
    name = "process_cpu_seconds_total"
    assert read(collector)[name] == 6487 / TICKS
    put(proc, 7, children="8 10 ", ticks=(10, 20, 1300, 49), pages=5, files=(3, 50))  # 9 was killed, and waited for
    put(proc, 10, ticks=(4, 0, 0, 0), pages=1, files=(1, 100))  # what 9 had started is nobody's child now: 5001 ticks fall away
    assert read(other)[name] == 6487 / TICKS, "another worker is asked"
    put(proc, 10, ticks=(104, 0, 0, 0), pages=1, files=(1, 100))
    assert read(collector)[name] == 6587 / TICKS, "it rises by what was used since"
    without = ProcessCollector(lambda: 7, proc=proc)
    assert read(without)[name] == (1379 + 107 + 104) / TICKS


def test_nothing_is_told_where_there_is_no_proc(tmp_path: Path, proc: Path) -> None:
    assert read(ProcessCollector(os.getpid, proc=tmp_path / "nowhere")) == {}
    for file in proc.glob("*/task/*/children"):  # a kernel that does not list them
        file.unlink()
    assert read(ProcessCollector(lambda: 7, proc=proc)) == {}


@pytest.fixture
def busy_child() -> Iterator[subprocess.Popen[bytes]]:
    code = "import time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\ntime.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def test_a_real_child_counts_as_long_as_it_lives_and_after(busy_child: subprocess.Popen[bytes]) -> None:
    collector = ProcessCollector(os.getpid)
    before = read(collector)
    assert busy_child.stdout is not None
    busy_child.stdout.readline()
    during = read(collector)
    assert during["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"] + 0.2
    busy_child.kill()
    busy_child.wait()
    after = read(collector)
    assert after["process_cpu_seconds_total"] >= during["process_cpu_seconds_total"]
    assert after["process_start_time_seconds"] == pytest.approx(psutil.Process().create_time(), abs=2)


def test_the_services_metrics_are_those_of_its_supervisor_and_worker(service: RunningService) -> None:
    (worker,) = service.workers()
    processes = [psutil.Process(service.process.pid), psutil.Process(worker)]
    resident = sum(each.memory_info().rss for each in processes)
    assert service.metric("process_resident_memory_bytes") == pytest.approx(resident, rel=0.25)
    assert service.metric("process_start_time_seconds") == pytest.approx(processes[0].create_time(), abs=2)
    used = sum(sum(each.cpu_times()[:2]) for each in processes)
    assert service.metric("process_cpu_seconds_total") == pytest.approx(used, rel=0.2, abs=1)
    assert service.metric("process_open_fds") == pytest.approx(max(each.num_fds() for each in processes), abs=5)


@pytest.mark.full
def test_a_worker_that_is_replaced_takes_nothing_back(starter: Starter, release_folder: Path) -> None:
    service = starter(release_folder, workers=2)
    told = [service.metric("process_cpu_seconds_total")]
    began = service.metric("process_start_time_seconds")
    for _ in range(2):
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        until = time.monotonic() + 90
        while killed in service.workers() or len(service.ready_workers()) < 2:
            assert time.monotonic() < until, service.output.read_text()
            try:
                told.append(service.metric("process_cpu_seconds_total"))
            except Exception:  # a connection that the dead worker had taken
                time.sleep(0.05)
    told.append(service.metric("process_cpu_seconds_total"))
    assert told == sorted(told) and told[-1] > told[0] + 1
    assert service.metric("process_start_time_seconds") == began


def test_a_worker_that_has_just_made_its_file_of_counts_does_not_keep_the_others_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "from prometheus_client import Counter, Gauge\n"
        "Counter('asked', 'Asked.').inc(3)\n"
        "Gauge('open', 'Open.', multiprocess_mode='max').set(2)\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=os.environ | {FOLDER_VARIABLE: str(tmp_path)}, check=True)
    for name in ("counter_7.db", "gauge_max_7.db"):
        (tmp_path / name).touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    told = RequestMetrics().text().decode().splitlines()
    assert {"asked_total 6.0", "open 2.0"} <= set(told)
