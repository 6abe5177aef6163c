"""The measuring itself: rounds in which all services are up, and each load goes to one after the other."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import BenchmarkError, fresh_environment, measure, python
from benchmarks.serving.arithmetic import percentile
from benchmarks.serving.contenders import CONTENDERS, SERVICE, Contender
from benchmarks.serving.load import Load, ask, closed_load, http_request, open_load
from benchmarks.serving.material import Material, Row
from benchmarks.serving.processes import Server, free_port, start_server
from benchmarks.serving.results import ModelTime, Reading, Start, read_load
from benchmarks.serving.targets import CHURN, CLOSED_2, CLOSED_16, EXPLAIN, FLAGGED, open_name

OPEN_RATES = (500, 2000)
OPEN_CONNECTIONS = 48
"""Fewer than a key may have open at a time."""
WARM_UP_SECONDS = 1.0
SINGLE_ROWS = 2_000
"""Different transactions that are sent one by one."""
FLAGGED_EVERY = 200
"""One of so many of them is flagged at least: several times what is natural, so that reason codes are in the latencies."""
MODEL_REPEATS = 15
SCORES_AGREE = 1e-5

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"

Sender = Callable[[int, Sequence[bytes]], Load]
"""Sends requests to a port."""


@dataclass
class Measured:
    """What the rounds gave."""

    readings: dict[str, dict[str, list[Reading]]]
    starts: dict[str, list[Start]]
    batches_ms: dict[str, list[float]]
    flagged: int
    batch_flagged: int


def measure_rounds(material: Material, folder: Path, *, rounds: int, seconds: float, say: Callable[[str], None]) -> Measured:
    """Start all services anew in each round, and let each load go to one after the other, in another order every time.

    Raises
    ------
    BenchmarkError
        A service does not start, refuses a request, or scores a transaction otherwise than the others.
    """
    rows = material.transactions()
    measured = Measured(defaultdict(lambda: defaultdict(list)), defaultdict(list), defaultdict(list), 0, 0)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        turn = number % len(CONTENDERS)
        order = (*CONTENDERS[turn:], *CONTENDERS[:turn])
        with ExitStack() as stack:
            servers = {each.name: _start(each, folder / f"round-{number}", material, rows, stack) for each in order}
            _check_scores(servers, rows)
            flagged = _flagged(servers[SERVICE], material.frauds())
            if not flagged:
                raise BenchmarkError("No fraud is flagged, so no reason code can be measured.", "Simulate more transactions.")
            single = _mixed(rows, flagged)
            measured.batch_flagged = len(_flagged(servers[SERVICE], rows))
            measured.flagged = len(_flagged(servers[SERVICE], single))
            sent = {each.name: each.requests(single) for each in order}
            for load, sender in _loads(seconds).items():
                for each in order:
                    measured.readings[load][each.name].append(_read(servers[each.name], sent[each.name], sender))
            service = servers[SERVICE]
            for load, (requests, sender) in _own_loads(material, rows, flagged, seconds).items():
                measured.readings[load][SERVICE].append(_read(service, requests, sender))
            for kind, request in _batches(rows).items():
                latencies = closed_load(service.port, [request], connections=1, seconds=seconds / 2).latencies
                measured.batches_ms[kind].append(1e3 * percentile(latencies, 50))
            for name, server in servers.items():
                memory = server.memory()
                measured.starts[name].append(Start(seconds=server.start_seconds, rss_mb=memory.rss_mb, pss_mb=memory.pss_mb))
    return measured


def measure_model_time(material: Material, folder: Path, *, threads: int = 2) -> ModelTime:
    """Measure a batch without HTTP, in a process of its own with so many threads."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "model-time.json"
    arguments = (material.fraud_bundle, material.transactions_file, str(threads), str(MODEL_REPEATS), written)
    environment = fresh_environment(folder) | {"OMP_NUM_THREADS": str(threads)}
    measure(python("-m", "benchmarks.serving.model_time", *arguments), environment=environment)
    return ModelTime.model_validate_json(written.read_bytes())


def _loads(seconds: float) -> dict[str, Sender]:
    """The loads that every service gets."""
    loads: dict[str, Sender] = {name: _closed(connections, seconds) for name, connections in ((CLOSED_2, 2), (CLOSED_16, 16))}
    return loads | {open_name(rate): _open(rate, seconds) for rate in OPEN_RATES}


def _closed(connections: int, seconds: float) -> Sender:
    return lambda port, requests: closed_load(port, requests, connections=connections, seconds=seconds)


def _open(rate: int, seconds: float) -> Sender:
    return lambda port, requests: open_load(port, requests, connections=OPEN_CONNECTIONS, per_second=rate, seconds=seconds)


def _own_loads(material: Material, rows: list[Row], flagged: list[Row], seconds: float) -> dict[str, tuple[list[bytes], Sender]]:
    """The loads that only the service can take."""

    asked = {
        FLAGGED: ("/v1/fraud/score", flagged, 1),
        EXPLAIN: ("/v1/fraud/explain", rows[:SINGLE_ROWS], 1),
        CHURN: ("/v1/churn/score", material.customers(), 2),
    }
    return {
        load: ([http_request(path, json.dumps(row).encode()) for row in given], _closed(connections, seconds / 2))
        for load, (path, given, connections) in asked.items()
    }


def _batches(rows: list[Row]) -> dict[str, bytes]:
    path = "/v1/fraud/score_batch"
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = pa.table(columns)
    arrow, parquet = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(arrow, table.schema) as stream:
        stream.write_table(table)
    pq.write_table(table, parquet)
    return {
        "JSON rows": http_request(path, json.dumps({"rows": rows}).encode()),
        "JSON columns": http_request(path, json.dumps({"columns": columns}).encode()),
        "Arrow": http_request(path, arrow.getvalue(), ARROW),
        "parquet": http_request(path, parquet.getvalue(), PARQUET),
    }


def _start(contender: Contender, folder: Path, material: Material, rows: list[Row], stack: ExitStack) -> Server:
    own = folder / contender.name.replace(" ", "-").replace("'", "")
    own.mkdir(parents=True)
    port = free_port()
    command, environment = contender.command(port, own, material)
    (first,) = contender.requests(rows[:1])
    server = start_server(command, environment=environment, port=port, first=first, output=own / "output.txt")
    stack.callback(server.stop)
    closed_load(port, contender.requests(rows[:SINGLE_ROWS]), connections=2, seconds=WARM_UP_SECONDS)
    return server


def _read(server: Server, requests: Sequence[bytes], sender: Sender) -> Reading:
    before = server.cpu_seconds()
    load = sender(server.port, requests)
    used = server.cpu_seconds() - before
    if load.answers < len(load.latencies):
        server.wait_idle()  # it still works on what nobody waits for any more
    return read_load(load, used)


def _check_scores(servers: dict[str, Server], rows: list[Row]) -> None:
    """Compare the services' scores of a few transactions: a peer that scores otherwise is none."""
    for row in rows[:5]:
        scores = {each.name: _score(servers[each.name], each, row) for each in CONTENDERS}
        if max(scores.values()) - min(scores.values()) > SCORES_AGREE:
            raise BenchmarkError(f"The services score a transaction differently: {scores}.", "Mend benchmarks/serving/scorer.py.")


def _score(server: Server, contender: Contender, row: Row) -> float:
    (request,) = contender.requests([row])
    return float(json.loads(ask(server.port, request))["score"])


def _mixed(rows: list[Row], flagged: list[Row]) -> list[Row]:
    """Return the rows that are sent one by one: as they come, but every so often one that is flagged."""
    single = rows[:SINGLE_ROWS]
    places = range(FLAGGED_EVERY // 2, len(single), FLAGGED_EVERY)
    for place, row in zip(places, cycle(flagged), strict=False):
        single[place] = row
    return single


def _flagged(server: Server, rows: list[Row]) -> list[Row]:
    """Return the rows that the service flags."""
    answer: Any = json.loads(ask(server.port, _batches(rows)["JSON columns"]))
    return [row for row, decision in zip(rows, answer["columns"]["decision"], strict=True) if decision == "review"]
