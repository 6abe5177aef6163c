"""A state in Redis: what several write at once, what breaks off, what is down, full, emptied, damaged or replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from fusionguard.datasets.history import LARGEST_HUNDREDTHS, OF_OUTCOMES, memories
from fusionguard.errors import StorageError, UsageError
from fusionguard.features.online import redis_building, redis_server, redis_state
from fusionguard.features.online.place import state_place
from fusionguard.features.online.redis_server import PASSWORD, RedisAddress, RedisServer, Script, Word, read_password
from fusionguard.features.online.redis_state import RedisState
from fusionguard.features.online.redis_upkeep import remove
from fusionguard.features.online.state import Event, Keeping, Newest, Outcome
from tests.datasets.test_history import computed, declare, draw
from tests.features.online.states import in_redis
from tests.features.online.streams import in_order, online
from tests.redis_server import RunningRedis, running_redis

ROOT = Path(__file__).resolve().parents[3]
PLAN = memories(declare())
ONE = Event("one", 5_000, {"card": "C1", "shop": "S1"}, {"amount": 1_234, "km far": 7})
WRITER = """
import sys
from fusionguard.datasets.history import memories
from fusionguard.features.online.redis_server import RedisAddress, RedisServer
from fusionguard.features.online.redis_state import RedisState
from tests.datasets.test_history import declare, draw
from tests.features.online.streams import online

seed, rows, first, step, at_once = map(int, sys.argv[3:])
events = sorted(draw(seed, rows=rows), key=lambda each: each.second)
state = RedisState(RedisServer(RedisAddress.of(sys.argv[1])), sys.argv[2], memories(declare()))
sys.stdin.readline()
mine = range(first, rows, step)
for place in range(0, len(mine), at_once):
    some = mine[place : place + at_once]
    state.observe_all([online(each, events[each]) for each in some])
    print(*some, flush=True)
"""


def opened(redis: RunningRedis, name: str) -> RedisState:
    """A state that is asked over connections of its own."""
    return RedisState(RedisServer(RedisAddress.of(redis.url)), name, PLAN)


def made(redis: RunningRedis, name: str) -> RedisState:
    """An empty state."""
    return RedisState.build(RedisServer(RedisAddress.of(redis.url)), name, PLAN)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningRedis]:
    """A Redis of the test's own, which it may end."""
    with running_redis(tmp_path / "redis") as server:
        yield server


def test_events_and_outcomes_see_what_the_sql_finds(redis: RunningRedis) -> None:
    declaration, events = declare(), draw(23, rows=450)
    found, state = computed(declaration, events), in_redis(redis.url)(memories(declaration))
    for each in in_order(events):
        if isinstance(each, Outcome):
            assert state.tell(each) == "new"
        else:
            peeked, seen = state.peek(each), state.observe(each)
            assert seen.values == {name: values[int(each.id[1:])] for name, values in found.items()}
            assert seen.exact and peeked == seen == state.observe(each)
    counted = state.check()
    assert (counted.events, counted.late) == (450, 0)
    state.close()


def test_sums_beyond_what_a_float_holds_are_exact(redis: RunningRedis) -> None:
    """Lua has floats for numbers: none of a state's numbers is one there."""
    plan = memories(declare(windows={"card": {"spans": ["2h"], "of": ["sum", "count"]}}))
    state, amounts = in_redis(redis.url)(plan), [LARGEST_HUNDREDTHS, LARGEST_HUNDREDTHS - 1] * 5_000
    events = [
        replace(ONE, id=f"E{place}", second=5_000 + place // 5_000, numbers={"amount": each, "km far": 0})
        for place, each in enumerate(amounts)
    ]
    state.load(events)
    seen = state.peek(replace(ONE, id="last", second=5_002)).values
    assert seen["past_card_hundredths_amount_2h"] == sum(amounts) == 10**16 - 5_000 > 2**53
    state.close()


def test_what_is_known_in_the_process_and_was_changed_by_another_is_read_anew(redis: RunningRedis) -> None:
    made(redis, "two").close()
    one, other = opened(redis, "two"), opened(redis, "two")
    counts = []
    for place in range(6):
        state = (one, other)[place % 2]
        counts.append(state.observe(replace(ONE, id=f"E{place}", second=5_000 + place)).values["past_card_rows_2h"])
        assert other.observe(replace(ONE, id="E0")).values["past_card_rows_2h"] == 0, "what is recorded sees what it saw"
    assert counts == [0, 1, 2, 3, 4, 5]
    one.prune(5_000 + 4_000)
    assert not other.observe(replace(ONE, id="late", second=5_300)).exact, "and so is what was pruned"
    assert one.check().late == 1


@pytest.mark.full
@pytest.mark.parametrize("at_once", [1, 40])
def test_processes_that_write_at_once_record_every_event_once(redis: RunningRedis, at_once: int) -> None:
    name, rows = f"written-{at_once}", 600
    made(redis, name).close()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, redis.url, name, "9", str(rows), str(first), "3", str(size)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first, size in enumerate((1, 1, at_once))
    ]
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    killed = processes[0]
    assert killed.stdout is not None
    acknowledged = {int(killed.stdout.readline()) for _ in range(40)}
    killed.kill()
    acknowledged |= {int(each) for process in processes for each in process.communicate()[0].split()}
    assert [each.returncode for each in processes] == [-signal.SIGKILL, 0, 0]
    state, events = opened(redis, name), sorted(draw(9, rows=rows), key=lambda each: each.second)
    recorded = state.check().events
    assert acknowledged >= set(range(1, rows, 3)) | set(range(2, rows, 3)) and recorded - len(acknowledged) in (0, 1)
    rest = [online(place, events[place]) for place in range(0, rows, 3)]
    state.observe_all(rest)
    assert state.check().events == rows
    last = [*events, type(events[0])(events[-1].second + 1, {"card": "C1", "shop": "S2"}, events[0].numbers)]
    found, seen = computed(declare(), last), state.peek(online(rows, last[-1])).values
    of_rows = [each.name for each in PLAN if each.kind not in OF_OUTCOMES]
    assert {name: seen[name] for name in of_rows} == {name: found[name][-1] for name in of_rows}


def test_a_batch_is_recorded_beside_others_that_never_stop(redis: RunningRedis) -> None:
    made(redis, "busy").close()
    state, other, stop = opened(redis, "busy"), opened(redis, "busy"), threading.Event()
    asked = [0]

    def go_on() -> None:
        while not stop.is_set():
            other.observe(replace(ONE, id=f"single {asked[0]}", second=6_000))
            asked[0] += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        seen = state.observe_all([replace(ONE, id=f"E{place}", second=5_000 + place) for place in range(500)])
    finally:
        stop.set()
        thread.join()
    assert [each.values["past_card_rows_2h"] for each in seen] == list(range(500))
    assert state.check().events == 500 + asked[0] and asked[0] > 0


def test_a_server_that_is_killed_and_comes_back_has_lost_nothing(own: RunningRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "PAUSE_SECONDS", 0.05)
    state = made(own, "killed")
    for place in range(30):
        state.observe(replace(ONE, id=f"E{place}", second=5_000 + place))
    own.stop(signal.SIGKILL)
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(
            StorageError, match=r"redis://127\.0\.0\.1:\d+/0 does not answer: .* Start it, or correct its address"
        ):
            state.observe(replace(ONE, id="meanwhile", second=5_100))
        assert time.monotonic() - began < 1
    own.start()
    time.sleep(0.06)
    assert state.observe(replace(ONE, id="last", second=5_200)).values["past_card_rows_2h"] == 30
    own.stop()
    own.start()
    assert state.observe(replace(ONE, id="again", second=5_300)).values["past_card_rows_2h"] == 31, "without any refusal"


def test_a_server_that_is_silent_is_given_up_soon(own: RunningRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "ANSWER_SECONDS", 0.2)
    state = made(own, "silent")
    assert own.process is not None
    os.kill(own.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(StorageError, match="does not answer"):
                state.observe(ONE)
        assert time.monotonic() - began < 1
    finally:
        os.kill(own.process.pid, signal.SIGCONT)
    time.sleep(redis_server.PAUSE_SECONDS)
    assert state.observe(ONE).exact
    assert state.check().events == 1


def test_a_server_that_is_full_says_so_and_takes_nothing_in_part(own: RunningRedis) -> None:
    state, client = made(own, "full"), Redis.from_url(own.url)
    state.observe(ONE)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    with pytest.raises(StorageError, match=r"has no memory left\. Nothing of this call was recorded\. Prune the state"):
        state.observe_all([replace(ONE, id=f"E{place}", second=5_001) for place in range(5)])
    assert state.check().events == 1
    client.config_set("maxmemory", "1gb")
    client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(StorageError, match=r"throws away what it was told .*Set its maxmemory-policy to noeviction"):
        opened(own, "full").open()
    client.config_set("maxmemory", 0)
    assert state.observe(replace(ONE, id="E1", second=5_001)).values["past_card_rows_2h"] == 1
    client.close()


def test_a_server_whose_disk_is_full_says_so(own: RunningRedis) -> None:
    state = made(own, "disk")
    command = Script("redis.call('GET', KEYS[1]) return {err='MISCONF Errors writing to the AOF file'}")
    with pytest.raises(StorageError, match=r"cannot write to its disk\. Nothing of this call was recorded\. Free some space"):
        state._server.run(command, [b"x"], [])


def test_a_server_that_became_a_replica_is_looked_for_anew(own: RunningRedis) -> None:
    state, client = made(own, "replica"), Redis.from_url(own.url)
    state.observe(ONE)
    connection = state._server.ask("CLIENT", "ID")
    client.replicaof("127.0.0.1", 1)
    with pytest.raises(StorageError, match=r"is a replica that takes nothing\. Name the primary one"):
        state.observe(replace(ONE, id="refused", second=5_001))
    assert state._server.ask("CLIENT", "ID") > connection, "its name may be that of another server now"
    client.replicaof("NO", "ONE")
    assert state.observe(replace(ONE, id="E1", second=5_002)).values["past_card_rows_2h"] == 1
    client.close()


def test_what_was_emptied_damaged_or_of_another_plan_is_said(redis: RunningRedis) -> None:
    client = Redis.from_url(redis.url)
    state = made(redis, "harmed")
    state.observe(ONE)
    with pytest.raises(StorageError, match="remembers what other windows need"):
        RedisState(state._server, "harmed", PLAN[:-1]).open()
    (key,) = client.keys("fusionguard:{harmed}:*:v*")
    client.set(key, client.get(key)[:-9] + b"\x55" * 9)
    with pytest.raises(StorageError, match=r"is damaged: its checksum differs\. Build it again"):
        state.check()
    with pytest.raises(StorageError, match="is damaged"):
        opened(redis, "harmed").observe(ONE)
    client.delete(*client.keys("fusionguard:{harmed}:*"))
    for ask in (state.check, lambda: state.observe(ONE), opened(redis, "harmed").open):
        with pytest.raises(StorageError, match=r"There is no state of entities in .* harmed\. Build it from the history"):
            ask()
    client.close()


def test_a_state_that_is_built_anew_takes_the_place_at_once_for_all_who_ask(redis: RunningRedis) -> None:
    client, name = Redis.from_url(redis.url), "anew"
    state, asked = made(redis, name), opened(redis, name)
    for place in range(4):
        asked.observe(replace(ONE, id=f"E{place}", second=5_000 + place))

    def history(count: int) -> Iterator[Event]:
        for place in range(count):
            yield replace(ONE, id=f"H{place}", second=4_000 + place)
            if place == 1_200:
                assert asked.peek(replace(ONE, id="x", second=5_900)).values["past_card_rows_2h"] == 4, "not before it is whole"
        if count < 1_500:
            raise OSError("the source is gone")

    with pytest.raises(StorageError, match="is there already"):
        made(redis, name)
    with pytest.raises(OSError, match="the source is gone"):
        RedisState.build(state._server, name, PLAN, history(1_400), replace=True)
    assert asked.observe(replace(ONE, id="E4", second=5_900)).values["past_card_rows_2h"] == 4
    assert len(client.keys("fusionguard:{anew}:*:v*")) == 5, "what broke off has left nothing"
    RedisState.build(state._server, name, PLAN, history(1_500), replace=True).close()
    assert asked.observe(replace(ONE, id="E5", second=6_000)).values["past_card_rows_2h"] == 1_500
    assert len(client.keys("fusionguard:{anew}:*:v*")) == 1_501 and asked.check().events == 1_501
    client.close()


def test_a_build_whose_rows_are_slow_keeps_its_marker(redis: RunningRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_building, "BUILDING_SECONDS", 1)
    monkeypatch.setattr(redis_building, "RENEW_SECONDS", 0.2)

    def slow() -> Iterator[Event]:
        time.sleep(1.6)
        opened(redis, "slow").prune(9_000)  # this removes what is left over
        yield ONE

    made(redis, "slow").close()
    built = RedisState.build(RedisServer(RedisAddress.of(redis.url)), "slow", PLAN, slow(), replace=True)
    assert built.check().events == 1


def test_a_build_that_was_taken_for_a_dead_one_is_not_pointed_at(redis: RunningRedis) -> None:
    before, client = made(redis, "lapsed"), Redis.from_url(redis.url)
    before.observe(ONE)

    def rows() -> Iterator[Event]:
        yield replace(ONE, id="another")
        client.delete(*client.keys("fusionguard:{lapsed}:building:*"))  # at the end of the last transaction's rows

    with pytest.raises(StorageError, match=r"sign of life|no state"):
        RedisState.build(RedisServer(RedisAddress.of(redis.url)), "lapsed", PLAN, rows(), replace=True)
    assert before.check().events == 1
    with pytest.raises(StorageError, match="gave no sign of life for 30 s"):
        redis_building.point(RedisServer(RedisAddress.of(redis.url)), "it", b"{x}b", b"{x}p", b"g", replace=True)
    assert not client.exists("{x}p")
    client.close()


def test_what_a_killed_build_leaves_is_no_hindrance_and_goes(redis: RunningRedis) -> None:
    state, client = made(redis, "killed"), Redis.from_url(redis.url)
    client.set("fusionguard:{killed}:building:dead", "dead", px=300)
    client.set("fusionguard:{killed}:dead:v1", "x")
    state.prune(0)
    assert client.exists("fusionguard:{killed}:dead:v1"), "it may be alive"
    state = RedisState.build(RedisServer(RedisAddress.of(redis.url)), "killed", PLAN, [ONE], replace=True)
    time.sleep(0.35)
    state.prune(0)
    assert not client.exists("fusionguard:{killed}:dead:v1")
    assert state.check().events == 1
    client.close()


def test_a_key_that_is_found_twice_is_counted_once(redis: RunningRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    state = made(redis, "twice")
    state.observe_all([replace(ONE, id=f"E{place}", second=5_000 + place) for place in range(700)])
    once, newest = state.check(), state.newest()
    ask, pages = state._server.ask, list[list[bytes]]()

    def again(*command: Word) -> Any:
        answer = ask(*command)
        if command[0] == "SCAN":
            pages.append(answer[1])
            return answer[0], [*answer[1], *pages[0]]
        return answer

    monkeypatch.setattr(state._server, "ask", again)
    assert (state.check(), state.newest()) == (once, newest)
    assert len(pages) > 2


def test_who_removes_what_is_left_spares_what_another_builds_meanwhile(
    redis: RunningRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, client = made(redis, "meanwhile"), Redis.from_url(redis.url)
    for key in ("gone:facts", "gone:v1"):
        client.set(f"fusionguard:{{meanwhile}}:{key}", "x")
    ask, asked = state._server.ask, list[str | bytes]()

    def built_between(*command: Word) -> Any:
        if command[0] == "SCAN" and not asked:
            asked.append("SCAN")
            RedisState.build(RedisServer(RedisAddress.of(redis.url)), "meanwhile", PLAN, [ONE], replace=True).close()
        return ask(*command)

    monkeypatch.setattr(state._server, "ask", built_between)
    remove(state._server, state._prefix)
    assert asked and not client.keys("fusionguard:{meanwhile}:gone*")
    assert opened(redis, "meanwhile").check().events == 1
    client.close()


def test_pruning_leaves_nothing_of_what_nobody_sees(redis: RunningRedis) -> None:
    client = Redis.from_url(redis.url)
    state = RedisState.build(
        RedisServer(RedisAddress.of(redis.url)), "pruned", PLAN, in_order(draw(5, rows=300)), Keeping(100, 200, 10)
    )
    state.observe_all(
        [replace(ONE, id=f"E{place}", keys={"card": f"C{place}", "shop": "S"}, alias=f"A{place}") for place in range(1_500)]
    )
    assert state.newest() == Newest(5_000, 5_000, 0)
    state.prune(10**9)
    state.prune(10**6)
    kinds = sorted(key.partition(b"}:")[2].partition(b":")[2][:5] for key in client.keys("fusionguard:{pruned}:*"))
    assert kinds == [b"", b"facts", b"l"]
    assert (state.newest(), state.check().entities) == (None, 0)
    assert not state.observe(replace(ONE, second=10**9 - 11)).exact and state.observe(replace(ONE, id="y", second=10**9)).exact
    client.close()


def test_a_password_is_read_from_the_environment_or_a_file_and_never_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("s3cret-of-a-file\n")
    with running_redis(tmp_path / "redis", "--requirepass", "s3cret-of-a-file") as guarded:
        address = RedisAddress.of(guarded.url)
        for given in (None, "wr0ng"):
            monkeypatch.setenv(PASSWORD, given or "")
            with pytest.raises(StorageError, match="refuses this user or password") as refused:
                RedisState(RedisServer(address), "guarded", PLAN).open()
            assert "wr0ng" not in str(refused.value)
        monkeypatch.setenv(f"{PASSWORD}_FILE", str(tmp_path / "password"))
        state = RedisState.build(RedisServer(address), "guarded", PLAN)
        assert state.observe(ONE).exact
        assert "s3cret" not in f"{state} {state._server!r} {address!r}"
        state.close()
    with pytest.raises(UsageError, match="names a file that cannot be read"):
        read_password({f"{PASSWORD}_FILE": str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("redis://10.1.2.3:7000/4", "redis://10.1.2.3:7000/4"),
        ("rediss://someone@example.org?ca=/etc/ca.pem", "rediss://example.org:6379/0"),
        ("redis://[::1]:7000", "redis://[::1]:7000/0"),
    ],
)
def test_an_address_is_read(text: str, told: str) -> None:
    assert str(RedisAddress.of(text)) == told


@pytest.mark.parametrize(
    "text",
    [
        "redis://",
        "unix:///tmp/redis.sock",
        "redis://host:port/0",
        "redis://host/zero",
        "redis://host?ca=x",
        "rediss://host?db=4",
        "redis://host:0x1/0",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"That is no address of a Redis\. Write redis://HOST:PORT/0"):
        RedisAddress.of(text)


@pytest.mark.parametrize("scheme", ["redis", "Redis", "redis+sentinel", "unix"])
def test_an_address_with_a_password_is_refused_without_telling_it(scheme: str) -> None:
    address = f"{scheme}://me:s3cret@host:1/0"
    with pytest.raises(UsageError, match="where everybody can read it") as refused:
        state_place(address, declare())
    assert "s3cret" not in str(refused.value)


def test_an_address_that_names_a_file_which_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"names a file that is not there: ca=.*absent\.pem"):
        RedisServer(RedisAddress.of(f"rediss://host/0?ca={tmp_path / 'absent.pem'}"))


def test_others_that_hold_a_state_for_too_long_are_told_of(redis: RunningRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_state, "WAIT_SECONDS", 0.2)
    state = made(redis, "held")
    assert state._hold(b"somebody") and not state._hold(b"another")
    with pytest.raises(StorageError, match=r"was busy for 0 s\. Nothing of this call was recorded"):
        state.observe(ONE)
    state._server.ask("DEL", state._key(b"lock"))
    assert state.observe(ONE).exact
