"""``python -m benchmarks.replay --file DECLARATION.yaml``: a table's rows through a running service, against their backfill.

A small model of the table is made as the pipeline makes one, which computes all features by SQL over the history. Its service
begins with an empty state, is sent the rows in the order of time, batch by batch, and is told of each positive outcome. What it
logged of each row is compared with the backfill, bit for bit. Then rows are sent one by one over two connections, and timed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from benchmarks.measure import BenchmarkError, fresh_environment, measure, python
from benchmarks.serving.arithmetic import percentile
from benchmarks.serving.load import closed_load, http_request
from benchmarks.serving.processes import Server, free_port, start_server
from fusionguard.datasets.declaration import Declaration
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle
from fusionguard.serving.launch import QUIET, SERVICE
from fusionguard.serving.prediction_log import read_log
from fusionguard.serving.release import ReleasedModel, write_release
from fusionguard.serving.tables import ARROW, write_table

CONNECTIONS = 2
SINGLES_HEAD = ("rows a second", "median, ms", "p99, ms", "CPU of the service, ms a row", "of the load")
WARM_UP_ROWS = 1_000
LOG_SECONDS = 60.0
_MADE, _STATE = "made", "state"


@dataclass(frozen=True)
class Replayed:
    """A table whose rows are sent, in the order of time, with their features and outcomes (n,), and their seconds (n,)."""

    family: ModelFamily
    bundle: Bundle
    rows: pa.Table
    features: pa.Table
    positive: np.ndarray
    seconds: np.ndarray

    @property
    def declaration(self) -> Declaration:
        """What was declared."""
        assert self.family.declared is not None
        return self.family.declared.declaration


def make(declaration: Path, folder: Path) -> Replayed:
    """Make a small model of a declared table and its features, or take those that are in the folder already."""
    from fusionguard.datasets.reading import read_declaration
    from tests.payments import train_fraud

    declared = read_declaration(declaration).declaration
    if not declared.windows or declared.rows is None or not declared.rows.endswith(".parquet"):
        raise UsageError(f"{declaration} declares no windows, or no parquet file of rows.", "Replay a table that has both.")
    if declared.label.known is not None and declared.label.known.column is not None:
        remedy = "Replay a table whose outcomes are known after a delay, known: {after: ...}."
        raise UsageError(f"{declaration} dates outcomes, and this tells each as soon as its row is scored.", remedy)
    if not (folder / "bundle").exists():
        train_fraud(str(declaration), folder)
    bundle = Bundle(folder / "bundle")
    family = family_of(bundle)
    features = pa.concat_tables(pq.read_table(each) for each in sorted((folder / "store").glob("*/*/features/*.parquet")))
    order = pc.sort_indices(features, [("time_seconds", "ascending"), ("row_number", "ascending")])
    features = features.take(order)
    rows = pq.read_table(declaration.parent / declared.rows).take(features["row_number"].cast(pa.int64()))
    unsent = {declared.label.column, *declared.ignored, *declared.protected}
    positive = features[family.features.label].to_numpy().astype(bool)
    rows = rows.drop_columns([name for name in rows.column_names if name in unsent])
    return Replayed(family, bundle, rows, features, positive, features["time_seconds"].to_numpy())


@contextmanager
def serving(replayed: Replayed, folder: Path, where: str, workers: int, *, replace: bool = False) -> Iterator[Server]:
    """Serve the model with an empty state, which takes the place of another one with ``replace``."""
    about = ReleasedModel(
        model=replayed.family.model,
        role="champion",
        bundle_sha256=replayed.bundle.sha256,
        origin=replayed.bundle.manifest.origin,
        registered_version=1,
        trained_at=None,
        metrics={},
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_release(folder / "release", [(about, replayed.bundle)])
    environment = fresh_environment(folder) | QUIET | {"FUSIONGUARD_SERVE_STATE": where, "OMP_NUM_THREADS": "1"}
    build = [
        str(Path(sys.executable).with_name("fusionguard")),
        "state",
        "build",
        "--model",
        str(replayed.bundle.folder.absolute()),
        *(["--replace"] if replace else []),
    ]
    measure(build, environment=environment)
    settings = {
        "RELEASE": folder / "release",
        "LOG": folder / "log",
        "LOG_FLUSH_SECONDS": 0.5,
        "WORKERS": workers,
        "REQUESTS_PER_SECOND": 100_000,
    }
    environment |= {f"FUSIONGUARD_SERVE_{name}": str(value) for name, value in settings.items()}
    port = free_port()
    command = python("-m", "bentoml", "serve", SERVICE, "--host", "127.0.0.1", "--port", str(port))
    ready = b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    server = start_server(command, environment=environment, port=port, first=ready, output=folder / "output.txt")
    try:
        yield server
    finally:
        server.stop()


def send_batches(replayed: Replayed, port: int, rows: int, at_once: int) -> float:
    """Send the first rows, and their positive outcomes; return the seconds that this took."""
    path, begin = f"/v1/{replayed.family.model}", time.monotonic()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600, trust_env=False) as client:
        for first in range(0, rows, at_once):
            end = min(first + at_once, rows)
            name = f"batch-{first}"
            body = write_table(replayed.rows.slice(first, end - first), ARROW)
            headers = {"content-type": ARROW, "accept": ARROW, "x-request-id": name}
            answered = client.post(f"{path}/score_batch", content=body, headers=headers)
            if answered.status_code != 200:
                raise BenchmarkError(f"The service refused a batch: {answered.text[:300]}.")
            told = [_outcome(replayed, name, first, first + int(row)) for row in np.flatnonzero(replayed.positive[first:end])]
            if told and client.post(f"{path}/labels", json={"labels": told}).status_code != 200:
                raise BenchmarkError("The service refused outcomes.")
    return time.monotonic() - begin


def _outcome(replayed: Replayed, request: str, first: int, row: int) -> dict[str, Any]:
    at = datetime.fromtimestamp(int(replayed.seconds[row]), UTC).isoformat()
    return {"request_id": request, "row": row - first, "label": 1, "observed_at": at}


def compare(replayed: Replayed, log: Path, rows: int) -> Mapping[str, int]:
    """Return how many rows were not logged (``""``), and of each feature how many differ from the backfill in a bit."""
    names = replayed.family.features.model_features
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        logged = read_log(log, replayed.family, columns=["request_id", "row", *names]).table
        logged = logged.filter(pc.starts_with(logged["request_id"], "batch-"))
        if logged.num_rows >= rows or time.monotonic() > deadline:
            break
        time.sleep(1)
    first = pc.cast(pc.utf8_slice_codeunits(logged["request_id"], len("batch-")), pa.int64())
    place = pc.add(first, pc.cast(logged["row"], pa.int64())).to_numpy()
    expected = replayed.features.take(pa.array(place))
    return {"": rows - logged.num_rows} | {name: different(logged[name], expected[name]) for name in names}


def different(found: pa.ChunkedArray, expected: pa.ChunkedArray) -> int:
    """Return how many of two columns (n,) differ in a bit; numbers that are missing in both do not."""
    if not pa.types.is_floating(expected.type):
        return int(pc.sum(pc.not_equal(found.cast(expected.type), expected)).as_py() or 0)
    left, right = (each.cast(pa.float64()).to_numpy().view(np.int64) for each in (found, expected))
    unknown = [np.isnan(each.view(np.float64)) for each in (left, right)]
    return int(((left != right) & ~(unknown[0] & unknown[1])).sum())


def single_requests(replayed: Replayed, first: int, end: int) -> list[bytes]:
    """Return requests of single rows as they go over the wire."""
    path = f"/v1/{replayed.family.model}/score"
    rows = replayed.rows.slice(first, end - first)
    texts = [name for name in rows.column_names if pa.types.is_temporal(rows[name].type)]
    for name in texts:
        at = rows.column_names.index(name)
        rows = rows.set_column(at, name, pc.strftime(rows[name].cast(pa.timestamp("s")), "%Y-%m-%dT%H:%M:%S"))
    return [http_request(path, orjson.dumps(row)) for row in rows.to_pylist()]


def main(arguments: list[str] | None = None) -> int:
    """Replay, compare and print; return the exit status, which is not 0 where a bit differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    add = parser.add_argument
    add("--file", metavar="DECLARATION.yaml", type=Path, required=True, help="the declared table, whose rows have windows")
    add("--redis", metavar="URL", help="keep the state in this Redis; in a file by default")
    add("--rows", type=int, default=0, help="replay so many, 0 for all (0)")
    add("--batch", type=int, default=5_000, help="rows a batch (5000)")
    add("--singles", type=int, default=20_000, help="rows after those that are sent one by one and timed (20000)")
    add("--workers", type=int, default=1, help="worker processes of the service (1)")
    add("--folder", type=Path, help="keep the model and the features there, and take them from there (a temporary one)")
    options = parser.parse_args(arguments)
    machine = describe_machine([])
    with tempfile.TemporaryDirectory(prefix="fg-replay-") as folder:
        replayed = make(options.file, options.folder or Path(folder) / _MADE)
        rows = min(options.rows or replayed.rows.num_rows, replayed.rows.num_rows)
        rows = max(0, min(rows, replayed.rows.num_rows - options.singles))
        with serving(replayed, Path(folder) / "served", options.redis or str(Path(folder) / _STATE), options.workers) as server:
            seconds = send_batches(replayed, server.port, rows, options.batch)
            found = compare(replayed, Path(folder) / "served" / "log", rows)
            requests = single_requests(replayed, rows, rows + options.singles)
            timed = time_singles(server, requests) if requests else None
    kind = "Redis" if options.redis else "SQLite"
    print(f"{machine.sentences()} State in {kind}, {options.workers} workers.")
    differ = {name: count for name, count in found.items() if name and count}
    wrong = f"{found['']:,} not logged, {sum(differ.values()):,} features differ: {differ or 'none'}"
    print(f"{rows:,} rows in {seconds:,.1f} s; {wrong}. The service answered {server.start_seconds:.1f} s after its start.")
    if timed is not None:
        print(f"\n{table(['connections', *SINGLES_HEAD], [[str(CONNECTIONS), *timed]])}")
    return int(bool(found[""] or differ))


def time_singles(server: Server, requests: list[bytes]) -> list[str]:
    """Send rows one by one over two connections; return what that took, in the order of :data:`SINGLES_HEAD`."""
    closed_load(server.port, requests[:WARM_UP_ROWS], connections=CONNECTIONS, seconds=1.0)
    rest = requests[WARM_UP_ROWS:]
    cpu, begin = server.cpu_seconds(), time.perf_counter()
    load = closed_load(server.port, rest, connections=CONNECTIONS, seconds=len(rest) / 2_000)
    spent, used = time.perf_counter() - begin, server.cpu_seconds() - cpu
    milliseconds = [f"{1_000 * percentile(load.latencies, of):.2f}" for of in (50, 99)]
    cpus = [f"{1_000 * used / load.answers:.2f}", f"{1_000 * load.client_cpu_seconds / load.answers:.2f}"]
    return [f"{load.answers / spent:,.0f}", *milliseconds, *cpus]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FusionGuardError as error:
        sys.exit(f"replay: {error}")
