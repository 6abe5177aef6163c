"""The serving benchmark's own sums, its load, and the section it writes: verdicts follow from numbers."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.machine import Machine
from benchmarks.measure import BenchmarkError
from benchmarks.serving.__main__ import main
from benchmarks.serving.arithmetic import cost_per_million, percentile
from benchmarks.serving.contenders import BENTOML, CONTENDERS, FASTAPI, SERVICE
from benchmarks.serving.load import Load, ask, closed_load, http_request, open_load
from benchmarks.serving.results import ModelTime, Reading, ServingResults, Start, read_load
from benchmarks.serving.section import BEGIN, END, place_section, write_section
from benchmarks.serving.targets import CHURN, CLOSED_2, CLOSED_16, EXPLAIN, FLAGGED, TARGETS, open_name

NUMBERS = Path("docs/fraud_serving.json")


@pytest.mark.parametrize(("share", "value"), [(1, 1.0), (50, 50.0), (99, 99.0), (99.1, 100.0), (100, 100.0)])
def test_a_percentile_is_a_value_that_was_seen(share: float, value: float) -> None:
    values = np.random.default_rng(1).permutation(np.arange(1.0, 101.0))
    assert percentile(values, share) == value
    assert percentile(np.array([7.0]), share) == 7.0


@pytest.mark.parametrize(("count", "share"), [(0, 50), (3, 0), (3, 101)])
def test_there_is_no_percentile_of_nothing(count: int, share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(np.zeros(count), share)


def test_a_million_of_250_microseconds_cost_250_seconds() -> None:
    assert cost_per_million(250.0, 0.000024) == pytest.approx(0.006)


def test_a_load_is_read_by_its_answers() -> None:
    load = Load(np.array([0.001] * 98 + [0.005, 0.009]), answers=99, seconds=2.0, client_cpu_seconds=0.0099)
    reading = read_load(load, cpu_seconds=0.0198)
    assert (reading.p50_ms, reading.p99_ms, reading.max_ms) == pytest.approx((1.0, 5.0, 9.0))
    assert (reading.per_second, reading.cpu_us, reading.client_cpu_us) == pytest.approx((49.5, 200.0, 100.0))
    assert reading.unanswered == 1


def test_a_load_without_answers_can_be_told() -> None:
    assert read_load(Load(np.array([1.0, 1.0]), 0, 1.0, 0.0), cpu_seconds=1.0).unanswered == 2


def test_a_closed_load_sends_what_it_is_given_on_all_connections() -> None:
    with _server() as (port, seen):
        load = closed_load(port, [http_request("/a", b"1"), http_request("/b", b"22")], connections=3, seconds=0.1)
    assert load.answers == len(load.latencies) == sum(seen.values()) > 3
    assert abs(seen["/a"] - seen["/b"]) <= 1
    assert 0 < load.latencies.min() < 0.1 <= load.seconds


def test_an_open_load_charges_a_pause_with_all_that_was_due_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.serving.load.GRACE_SECONDS", 30.0)  # all are answered, however busy the machine is
    with _server(pause_at=10, pause_seconds=0.2) as (port, seen):
        load = open_load(port, [http_request("/", b"1")], connections=1, per_second=200.0, seconds=0.3)
    assert load.answers == seen["/"] == 60
    late = load.latencies[load.latencies > 0.05]
    assert len(late) >= 25, "a closed load would have seen one late answer"
    assert load.latencies.max() >= 0.19


def test_what_an_open_load_has_no_answer_to_counts_with_the_time_it_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.serving.load.GRACE_SECONDS", 0.8)
    with _server(pause_at=5, pause_seconds=2.0) as (port, _):
        load = open_load(port, [http_request("/", b"1")], connections=1, per_second=100.0, seconds=0.1)
    assert (load.answers, len(load.latencies)) == (4, 10)
    assert (load.latencies > 0.2).sum() >= 6


def test_a_refusal_ends_the_measuring() -> None:
    with _server(status=b"429 Too Many Requests") as (port, _), pytest.raises(BenchmarkError, match="429"):
        closed_load(port, [http_request("/", b"1")], connections=1, seconds=0.1)


def test_a_long_answer_is_read_whole() -> None:
    with _server(answer=b"x" * 3_000_000) as (port, _):
        assert ask(port, http_request("/", b"1")) == b"x" * 3_000_000


def test_peers_are_asked_in_their_own_form() -> None:
    bodies = [each.requests([{"Amount": 1.5}])[0].partition(b"\r\n\r\n")[2] for each in CONTENDERS]
    assert bodies == [b'{"Amount": 1.5}', b'{"Amount": 1.5}', b'{"row": {"Amount": 1.5}}']


def test_the_section_is_placed_between_its_markers_and_nowhere_else() -> None:
    made = place_section(None, "one")
    assert made.startswith("# ") and f"{BEGIN}\none\n{END}\n" in made
    document = f"# Title\n\nbefore\n\n{BEGIN}\nold\n{END}\n\nafter <!-- end --> stays\n"
    placed = place_section(document, "new\n")
    assert placed == document.replace("old", "new")
    assert place_section(placed, "new") == placed


@pytest.mark.parametrize("document", ["", f"{END}\n{BEGIN}\n", BEGIN, END, f"{BEGIN}\n{BEGIN}\n{END}"])
def test_a_document_without_its_markers_is_left_alone(document: str) -> None:
    with pytest.raises(BenchmarkError, match="lacks the lines"):
        place_section(document, "new")


def test_targets_are_judged_by_the_medians() -> None:
    results = _results()
    assert [target.met(results) for target in TARGETS] == [True] * 6
    assert [target.reached(results) for target in TARGETS] == pytest.approx([2.0, 2500.0, 2.0, 8.0, 2.5, 25.0])
    slow = results.model_copy(update={"model_time": results.model_time.model_copy(update={"xgboost_ms": 30.01})})
    text = write_section(slow, 0.000024, NUMBERS)
    assert text.count("| met |") == 5 and text.count("| **not met** |") == 1
    assert "| 10,000 rows through 600 trees on 2 threads | at most 30 ms | 30.01 ms | **not met** |" in text


def test_ratios_are_made_of_the_same_round() -> None:
    readings = {CLOSED_2: {SERVICE: [_reading(cpu_us=each) for each in (100, 300, 900)]}}
    readings[CLOSED_2][FASTAPI] = [_reading(cpu_us=each) for each in (50, 300, 300)]
    results = _results().model_copy(update={"readings": readings})
    assert results.ratio(CLOSED_2, SERVICE, FASTAPI, "cpu_us") == 2.0
    assert results.value(CLOSED_2, SERVICE, "cpu_us") == 300.0


def test_the_section_shows_numbers_ratios_and_cost() -> None:
    text = write_section(_results(), 0.00003, NUMBERS)
    assert "| RiskScoring | 0.50 | 1.00 | 2.00 | 2,500 | 200 | 20 | 0 |" in text
    assert "| closed, 2 connections: / bare FastAPI | 1.00 | 1.00 | 1.00 | 2.00 |" in text
    assert "| RiskScoring | 200 | 0.0060 |" in text and "$0.000030 for a vCPU-second" in text
    assert "**simulated** data" in text and "[all of them](fraud_serving.json)" in text
    assert "ONNX Runtime takes 4.0 times XGBoost's time" in text
    for block in (block.splitlines() for block in text.split("\n\n") if block.startswith("|")):
        assert len({line.count("|") for line in block}) == 1, block[0]


def test_the_document_says_what_was_measured() -> None:
    """Its section has the lines that its numbers make, which are kept in the order of their names: nobody wrote others."""
    results = ServingResults.model_validate_json(NUMBERS.read_text())
    told = Path("docs/fraud_serving.md").read_text().partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    (price,) = re.findall(r"x \$([0-9.]+) for a vCPU-second", "\n".join(told))
    made = write_section(results, float(price), NUMBERS).strip().splitlines()
    assert results.full_size and len(told) > 50
    assert _content(told) == _content(made)


def _content(lines: list[str]) -> list[list[str]]:
    return sorted(sorted(line.rstrip(".").split(", ")) for line in (line.removeprefix("Libraries: ") for line in lines))


def test_a_quick_section_judges_nothing() -> None:
    text = write_section(_results().model_copy(update={"full_size": False}), 0.000024, NUMBERS)
    assert "QUICK" in text and "| met |" not in text and "not met" not in text


def test_numbers_are_kept_as_they_were() -> None:
    results = _results()
    assert ServingResults.model_validate_json(results.model_dump_json()) == results


@pytest.mark.parametrize("wrong", [["--quick"], ["--rounds", "0"], ["--seconds", "0"], ["--vcpu-second-dollars", "-1"]])
def test_a_mistake_in_the_command_is_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2 and "error: " in capsys.readouterr().err


def _reading(p99_ms: float = 2.0, cpu_us: float = 200.0, p50_ms: float = 0.5) -> Reading:
    return Reading(p50_ms=p50_ms, p95_ms=1.0, p99_ms=p99_ms, max_ms=9.0, per_second=2500.0, cpu_us=cpu_us, client_cpu_us=20.0)


def _results() -> ServingResults:
    services = {SERVICE: 200.0, FASTAPI: 100.0, BENTOML: 800.0}
    loads = {CLOSED_2: 2.0, CLOSED_16: 8.0, open_name(500): 3.0}
    readings = {load: {name: [_reading(p99, cpu)] * 3 for name, cpu in services.items()} for load, p99 in loads.items()}
    own = {load: {SERVICE: [_reading(p50_ms=2.5)]} for load in (FLAGGED, EXPLAIN, CHURN)}
    return ServingResults(
        day=date(2026, 11, 24),
        machine=Machine(cores=2, memory_gb=24, system="Debian 12", python="3.11.7", libraries={"bentoml": "1.4.39"}, load=0.1),
        full_size=True,
        seconds=180.0,
        load_seconds=3.0,
        rounds=3,
        requests_sent=2000,
        requests_flagged=5,
        readings=readings | own,
        starts={name: [Start(seconds=3.0, rss_mb=300.0, pss_mb=200.0)] for name in services},
        batches_ms={"Arrow": [50.0, 60.0, 70.0]},
        batch_rows=10_000,
        batch_flagged=30,
        model_time=ModelTime(
            rows=10_000, trees=600, threads=2, uses_autoencoder=True, xgboost_ms=25.0, onnx_ms=100.0, answer_ms=30.0
        ),
    )


@contextmanager
def _server(
    *, status: bytes = b"200 OK", answer: bytes = b"{}", pause_at: int = 0, pause_seconds: float = 0.0
) -> Iterator[tuple[int, dict[str, int]]]:
    """A server of HTTP's least; it stands still once, before answer number ``pause_at``. Yield its port and what it was asked."""
    seen: dict[str, int] = {"/": 0, "/a": 0, "/b": 0}
    lock = threading.Lock()

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                length = 0
                while (header := stream.readline()) not in (b"\r\n", b""):
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.partition(b":")[2])
                stream.read(length)
                with lock:
                    seen[line.split()[1].decode()] += 1
                    if sum(seen.values()) == pause_at:
                        time.sleep(pause_seconds)
                try:
                    connection.sendall(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(answer), answer))
                except OSError:  # the client did not wait
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(connection,))
            threads.append(thread)
            thread.start()

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listening.getsockname()[1], seen
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
