"""A state that several processes write at once loses nothing that it acknowledged, and says what is wrong with its file."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fusionguard.datasets.history import OF_OUTCOMES, memories
from fusionguard.errors import StorageError
from fusionguard.features.online import sqlite_file
from fusionguard.features.online.sqlite_state import SqliteState
from fusionguard.features.online.state import Event
from tests.datasets.test_history import computed, declare, draw
from tests.features.online.streams import in_order, online

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from pathlib import Path
from fusionguard.datasets.history import memories
from fusionguard.features.online.sqlite_state import SqliteState
from tests.datasets.test_history import declare, draw
from tests.features.online.streams import online

seed, rows, first, step = map(int, sys.argv[2:])
events = sorted(draw(seed, rows=rows), key=lambda each: each.second)
state = SqliteState(Path(sys.argv[1]), memories(declare()))
sys.stdin.readline()
for place in range(first, rows, step):
    state.observe(online(place, events[place]))
    print(place, flush=True)
"""


def write(path: Path, *numbers: int) -> subprocess.Popen[str]:
    """Start a process that observes events as soon as it is told to, and prints each that is acknowledged."""
    command = [sys.executable, "-c", WRITER, str(path), *map(str, numbers)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Tell processes to begin."""
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()


def test_two_processes_that_write_at_once_record_every_event_once(tmp_path: Path) -> None:
    plan, rows = memories(declare()), 800
    SqliteState.build(tmp_path / "state", plan).close()
    processes = [write(tmp_path / "state", 9, rows, first, 2) for first in (0, 1)]
    start(processes)
    acknowledged = [sorted(map(int, each.communicate()[0].split())) for each in processes]
    assert [each.returncode for each in processes] == [0, 0]
    assert acknowledged == [list(range(0, rows, 2)), list(range(1, rows, 2))]
    events = sorted(draw(9, rows=rows), key=lambda each: each.second)
    state = SqliteState(tmp_path / "state", plan)
    assert state.check().events == rows
    last = [*events, type(events[0])(events[-1].second + 1, {"card": "C1", "shop": "S2"}, events[0].numbers)]
    found = computed(declare(), last)
    seen = state.peek(online(rows, last[-1])).values
    of_rows = [each.name for each in plan if each.kind not in OF_OUTCOMES]  # no outcome was told
    assert {name: seen[name] for name in of_rows} == {name: found[name][-1] for name in of_rows}
    state.close()


def test_a_process_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    plan, rows, seed = memories(declare()), 2_000, 14
    SqliteState.build(tmp_path / "state", plan).close()
    events = sorted(draw(seed, rows=rows), key=lambda each: each.second)
    generator, done = np.random.default_rng(), 0
    for _ in range(2):
        with write(tmp_path / "state", seed, rows, done, 1) as process:
            start([process])
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(generator.uniform(0.01, 0.15))
            process.send_signal(signal.SIGKILL)
            acknowledged = [int(line) for line in (first + process.stdout.read()).split("\n") if line]
        assert process.returncode == -signal.SIGKILL
        done = acknowledged[-1] + 1
        with closing(SqliteState(tmp_path / "state", plan)) as state:
            assert done <= state.check().events <= done + 1
    found = computed(declare(), events)
    told = {each.name for each in plan if each.kind in OF_OUTCOMES}
    with closing(SqliteState(tmp_path / "state", plan)) as state:
        for place, event in enumerate(events[: done + 300]):
            values = {name: values[place] for name, values in found.items() if name not in told}
            assert {
                name: number for name, number in state.observe(online(place, event)).values.items() if name not in told
            } == values
        assert state.check().events == done + 300


def test_threads_share_a_state(tmp_path: Path) -> None:
    state = SqliteState.build(tmp_path / "state", memories(declare()))
    events = [online(place, each) for place, each in enumerate(draw(3, rows=300))]
    threads = [threading.Thread(target=lambda part=part: [state.observe(each) for each in events[part::3]]) for part in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert state.check().events == 300
    state.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state with some hundred events."""
    state = SqliteState.build(tmp_path / "state", memories(declare()), in_order(draw(1)))
    state.close()
    return tmp_path / "state"


ONE = Event("one", 9_000, {"card": "C1", "shop": "S1"}, {"amount": 5, "km far": 5})


def test_a_file_that_is_not_there_or_taken_says_so(path: Path) -> None:
    with pytest.raises(StorageError, match=r"There is no state of entities at .*nowhere. Build it from the history"):
        SqliteState(path.with_name("nowhere"), memories(declare()))
    assert not path.with_name("nowhere").exists()
    with pytest.raises(StorageError, match=r"is there already. Open it, or move it away first\."):
        SqliteState.build(path, memories(declare()))


def test_a_state_of_another_plan_or_format_is_refused(path: Path) -> None:
    windows = {"card": {"spans": ["31s"], "of": ["count"]}}
    with pytest.raises(StorageError, match=r"remembers what other windows need than those of this model\. Build it again"):
        SqliteState(path, memories(declare(windows=windows)))
    turned = declare().model_dump(mode="json", exclude_defaults=True)
    turned["windows"] = dict(reversed(turned["windows"].items()))
    SqliteState(path, memories(declare(windows=turned["windows"]))).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(StorageError, match="has format 2, and this version of FusionGuard reads 1"):
        SqliteState(path, memories(declare()))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as database:
        database.execute("CREATE TABLE facts (name TEXT)")
    with pytest.raises(StorageError, match="is not a state of entities"):
        SqliteState(tmp_path / "other", memories(declare()))
    (tmp_path / "text").write_text("id,amount\n" * 500)
    with pytest.raises(StorageError, match=r"is damaged: file is not a database\. Build it again"):
        SqliteState(tmp_path / "text", memories(declare()))


def test_damaged_bytes_of_an_entity_are_found_and_nothing_is_answered(path: Path) -> None:
    content = path.read_bytes()
    with closing(sqlite3.connect(path)) as database:
        memories_of = [row[0] for row in database.execute("SELECT memory FROM entities")]
    for memory in memories_of:
        content = content.replace(memory[-60:-20], bytes(40))
    path.write_bytes(content)
    with closing(SqliteState(path, memories(declare()))) as state:
        for call in (lambda: state.observe(ONE), state.check):
            with pytest.raises(StorageError, match=r"is damaged: .*\. Build it again from the history, with --replace"):
                call()


def test_a_torn_file_is_found(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged"), closing(SqliteState(path, memories(declare()))) as state:
        state.observe(ONE)


def test_a_file_that_is_deleted_takes_nothing_more_until_another_one_is_there(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    with closing(SqliteState(path, memories(declare()))) as state:
        state.observe(ONE)
        events = state.check().events
        for each in path.parent.glob("state*"):
            each.unlink()
        with pytest.raises(StorageError, match=r"was deleted\. Build it"):
            state.observe(Event("two", 9_001, ONE.keys, ONE.numbers))
        path.with_name("copy").rename(path)
        assert state.observe(Event("three", 9_002, ONE.keys, ONE.numbers)).exact
        assert state.check().events == events, "one went with its file, one is in the other"
        path.write_bytes(b"harm" * 5_000)
        with pytest.raises(StorageError, match=r"is damaged: .*\. Build it again from the history, with --replace"):
            for place in range(3):
                state.observe(Event(f"four {place}", 9_003, {"card": f"C{place}", "shop": "S"}, ONE.numbers))
        SqliteState.build(path, memories(declare()), replace=True).close()
        state.observe(ONE)
        assert state.check().events == 1


def test_what_is_acknowledged_while_a_state_is_replaced_is_in_the_new_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes and somebody opens the file at the moment before the new one is there: both wait for it."""
    replace, done = os.replace, list[str]()
    writing = SqliteState(path, memories(declare()))

    def write() -> None:
        writing.observe(Event("written", 9_001, ONE.keys, ONE.numbers))
        done.append("written")

    def open_and_write() -> None:
        with closing(SqliteState(path, memories(declare()))) as opened:
            opened.observe(Event("opened", 9_002, ONE.keys, ONE.numbers))
        done.append("opened")

    threads = [threading.Thread(target=each) for each in (write, open_and_write)]

    def slowly(source: Path, target: Path) -> None:
        for each in threads:
            each.start()
        for each in threads:
            each.join(timeout=0.15)
        assert done == [], "nothing is acknowledged of which nobody will know"
        assert not path.with_name("state-wal").exists(), "the new file would take it for its own"
        replace(source, target)

    monkeypatch.setattr(os, "replace", slowly)
    history = [Event("history", 9_000, ONE.keys, ONE.numbers)]
    with closing(SqliteState.build(path, memories(declare()), history, replace=True)) as built, closing(writing):
        for each in threads:
            each.join(timeout=10)
        assert sorted(done) == ["opened", "written"]
        assert built.check().events == 3
    assert sorted(each.name for each in path.parent.iterdir()) == ["state"]


def test_a_state_that_cannot_be_replaced_after_all_keeps_what_was_recorded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with closing(SqliteState(path, memories(declare()))) as state:
        state.observe(Event("before", 9_001, ONE.keys, ONE.numbers))  # in the log alone
        before = state.check().events
        with monkeypatch.context() as changed:
            changed.setattr(os, "replace", full)
            with pytest.raises(StorageError):
                SqliteState.build(path, memories(declare()), replace=True)
        state.observe(Event("after", 9_002, ONE.keys, ONE.numbers))
        with closing(SqliteState(path, memories(declare()))) as opened:
            assert opened.check().events == before + 1
            opened.observe(Event("before", 9_001, ONE.keys, ONE.numbers))
            assert opened.check().events == before + 1, "it is known"
    assert not list(path.parent.glob("*.replaced"))


def test_of_two_first_builds_the_later_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "first"

    def rows() -> Iterator[Event]:
        SqliteState.build(path, memories(declare())).close()
        yield ONE

    with pytest.raises(StorageError, match="is there already"):
        SqliteState.build(path, memories(declare()), rows())
    with closing(SqliteState(path, memories(declare()))) as state:
        assert state.check().events == 0


def test_a_writer_in_a_loop_loses_nothing_from_the_moment_a_state_is_replaced(path: Path) -> None:
    begun, acknowledged, stop = [0], [0], threading.Event()

    def write() -> None:
        with closing(SqliteState(path, memories(declare()))) as state:
            while not stop.is_set():
                begun[0] += 1
                state.observe(Event(f"E{begun[0]}", 9_000 + begun[0], ONE.keys, ONE.numbers))
                acknowledged[0] = begun[0]

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            with closing(SqliteState.build(path, memories(declare()), replace=True)) as built:
                first = begun[0] + 1  # this one begins after the other file went
                while acknowledged[0] < first + 3:
                    time.sleep(0.001)
                last = acknowledged[0]
                assert built.check().events >= last - first + 1
                kept = built.peek(Event("x", 9_001 + last, ONE.keys, ONE.numbers)).values["past_card_rows_5m"]
                assert kept is not None and kept >= min(last - first + 1, 299)
    finally:
        stop.set()
        writer.join()


def test_a_full_disk_says_so_records_nothing_and_goes_on_when_there_is_room(path: Path) -> None:
    with closing(SqliteState(path, memories(declare()))) as state:
        before = state.check()
        (pages,) = state._database.execute("PRAGMA page_count").fetchone()
        state._database.execute(f"PRAGMA max_page_count = {pages}")
        many = [Event(f"E{place}", 9_000 + place, {"card": f"new{place}", "shop": "S1"}, ONE.numbers) for place in range(500)]
        with pytest.raises(StorageError, match=r"the disk is full\. Nothing of this call was recorded\. Free some space"):
            state.observe_all(many)
        assert (state.check().events, state.check().entities) == (before.events, before.entities)
        state._database.execute("PRAGMA max_page_count = 1000000")
        assert state.observe_all(many)[-1].values["past_shop_rows_5m"] == state.peek(many[-1]).values["past_shop_rows_5m"] > 100
        assert state.check().events == before.events + 500


def test_a_state_that_another_one_holds_for_too_long_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "WAIT_SECONDS", 0.2)
    with closing(SqliteState(path, memories(declare()))) as state, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"was busy for 0 s\. Nothing of this call was recorded"):
            state.observe(ONE)
        assert state.peek(ONE).values["past_card_rows_2h"] is not None
        other.execute("ROLLBACK")
        assert state.observe(ONE).exact
