"""``python -m benchmarks.online_state``: how fast a state takes events from one process and from several, and how large it is.

Beside it, in the same run, the same features are asked from DuckDB and, given a Python that has it, from Feast's online store.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.history_service import service_section
from benchmarks.machine import Machine, describe_machine
from benchmarks.markdown import insert, table
from benchmarks.measure import CHECKOUT
from benchmarks.online_copies import copy_cards
from benchmarks.online_peers import ask_duckdb, ask_feast
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import memories
from fusionguard.errors import FusionGuardError
from fusionguard.features.online.place import StatePlace, state_place
from fusionguard.features.online.redis_server import RedisAddress, RedisServer, is_redis
from fusionguard.features.online.state import Event, Remembered
from fusionguard.files import write_text

DAY_SECONDS = 86_400
DAYS = 30
DELAY_SECONDS = 7 * DAY_SECONDS
EVENTS_A_CARD = 30
EVENTS_A_SHOP = 500
MARK = "<!-- benchmarks/online_state -->"

_DOCUMENT = CHECKOUT / "docs" / "fraud_serving.md"
_IDLE_LOAD = 1.5
_BEGIN = 1_700_000_000
_SUMMED = 12_000
_DECLARED: dict[str, Any] = {
    "version": 1,
    "name": "payments",
    "problem": "fraud",
    "id": "payment",
    "time": {"column": "at", "unit": "seconds"},
    "amount": {"column": "amount", "currency": "GBP"},
    "label": {"column": "fraud", "known": {"after": "7d"}},
    "entities": {"card": "card", "shop": "shop"},
    "windows": {
        "card": {
            "spans": ["1h", "1d", "7d", "30d"],
            "of": ["count", "mean", "maximum", "since_last", "new(shop)", "distinct(shop)"],
        },
        "shop": {"spans": ["1d", "7d", "30d"], "of": ["count", "label_rate"]},
    },
}


def declaration() -> Declaration:
    """Return the declaration of payments with 30 memories of cards and shops."""
    return Declaration.model_validate(_DECLARED)


def draw(seed: int, count: int, of: int, cards: int, begin: int = _BEGIN) -> Iterator[Event]:
    """Yield ``count`` events as they come in a stream of ``of`` events in 30 days; ``seed`` tells their ids from others, too."""
    generator = np.random.default_rng(seed)
    shops = max(1, of // EVENTS_A_SHOP)
    seconds = begin + generator.exponential(DAYS * DAY_SECONDS / of, count).cumsum().astype(int)
    for place, second in enumerate(seconds.tolist()):
        keys = {"card": f"C{generator.integers(cards)}", "shop": f"S{int(shops * generator.random() ** 3)}"}
        amount = {"amount": int(generator.integers(100, 90_000))}
        yield Event(f"{seed}-{place}", second, keys, amount, second + DELAY_SECONDS)


def observe(where: str, count: int, of: int, cards: int, seed: int) -> list[float]:
    """Return the seconds that each of ``count`` events took."""
    events = list(draw(seed, count, of, cards, _BEGIN + (DAYS + 1) * DAY_SECONDS))
    with closing(state_place(where, declaration()).open()) as state:
        return [_timed(partial(state.observe, event)) for event in events]


def compute(count: int, _: int) -> list[float]:
    """Return the seconds that each of ``count`` equal sums took: what this machine does to any process."""
    return [_timed(partial(sum, range(_SUMMED))) for _ in range(count)]


def start(where: str, count: int, of: int, cards: int, seed: int) -> list[float]:
    """Return the seconds until a process that begins has opened the state and recorded a first event, then as observe does."""
    events = list(draw(seed + cards, count + 1, of, cards, _BEGIN + (DAYS + 1) * DAY_SECONDS))
    begin = time.perf_counter()
    with closing(state_place(where, declaration()).open()) as state:
        state.observe(events[0])
        first = time.perf_counter() - begin
        return [first, *(_timed(partial(state.observe, event)) for event in events[1:])]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="benchmarks.online_state", description="Measure the state of a service.")
    parser.add_argument("--events", metavar="N", type=int, default=100_000, help="events of the history (100000)")
    parser.add_argument("--cards", metavar="N", type=int, help=f"cards that they are of (one for each {EVENTS_A_CARD} events)")
    parser.add_argument("--grown", metavar="N", type=int, default=0, help="measure once more with so many cards (not by default)")
    parser.add_argument("--observed", metavar="N", type=int, default=4_000, help="events that each process observes (4000)")
    parser.add_argument("--processes", metavar="N", type=int, default=2, help="the most processes (2)")
    parser.add_argument("--redis", metavar="URL", nargs="+", default=[], help="measure the state in this Redis, too")
    parser.add_argument("--asked", metavar="N", type=int, default=200, help="events that DuckDB and Feast are asked for (200)")
    parser.add_argument("--feast", metavar="PYTHON", help="a Python that has Feast; left out by default")
    parser.add_argument("--service", metavar="N", type=int, default=0, help="time a service, too, after N rows (not by default)")
    parser.add_argument("--singles", metavar="N", type=int, default=15_000, help="single rows that it is sent (15000)")
    parser.add_argument("--write", action="store_true", help="put what was measured into docs/fraud_serving.md")
    options = parser.parse_args(arguments)
    options.cards = options.cards or max(1, options.events // EVENTS_A_CARD)
    machine = describe_machine(["duckdb"])
    try:
        with tempfile.TemporaryDirectory(prefix="fg-bench-state-") as folder:
            found = [measure_state(where, options) for where in (folder, *options.redis)]
            served = ""
            if options.service:
                command = str(Path(sys.executable).with_name("fusionguard"))
                sizes = {"rows": options.service, "singles": options.singles}
                served = service_section(Path(folder), command, (folder, *options.redis), **sizes)
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    text = section(found, options, machine, " ".join(_shown(given)))
    text += f"\n\n{served}" if served else ""
    if options.write:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, MARK))
    print(text)
    return 0


@dataclass
class Measured:
    """What was measured of one state: ``rows`` of the table of rates, what it holds, and with which seconds peers answered."""

    kind: str
    loaded: float
    megabytes: float
    opened: float
    sizes: dict[str, float]
    rows: list[list[str]] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)
    peers: dict[str, list[float]] = field(default_factory=dict)


def measure_state(where: str, options: argparse.Namespace) -> Measured:
    """Build a state, let processes use it, ask peers for the same, and let it grow."""
    redis, events, cards = is_redis(where), options.events, options.cards
    place, begin = state_place(where, declaration()), time.perf_counter()
    place.build(draw(0, events, events, cards), replace=False).close()
    loaded = events / (time.perf_counter() - begin)
    begin = time.perf_counter()
    place.open().close()
    opened = time.perf_counter() - begin
    with closing(place.open()) as state:
        size = state.check().bytes / 1e6
    sizes = {} if redis else _sizes(Path(str(place)))
    kind = "Redis" if redis else f"SQLite {sqlite3.sqlite_version}"
    measured = Measured(kind, loaded, size, opened, sizes)
    if not redis and options.asked:
        measured.peers = _peers(place, options)
    measured.rows = _rates(measured.kind, where, options, cards)
    if options.grown > cards:
        with closing(place.open()) as state:
            copy_cards(state, where, str(place), cards, options.grown)
        ((first, *observed),) = _together(partial(start, where, options.observed, options.events, options.grown), 1)
        held = _redis_bytes(where) if redis else sum(each.stat().st_size for each in Path(where).iterdir())
        measured.grown = [measured.kind, f"{options.grown:,}", f"{held / 1e6:,.0f}", f"{first:.3f}"]
        measured.grown += [f"{len(observed) / sum(observed):,.0f}", *_percentiles([observed])]
    return measured


def _rates(kind: str, where: str, options: argparse.Namespace, cards: int) -> list[list[str]]:
    rows = []
    for processes in sorted({1, options.processes}):
        observed = _together(partial(observe, where, options.observed, options.events, cards), processes)
        computed = _together(partial(compute, options.observed), processes)
        rate = sum(len(each) / sum(each) for each in observed)
        rows.append([kind, f"{processes}", f"{rate:,.0f}", *_percentiles(observed), *_percentiles(computed)])
    return rows


def _peers(place: StatePlace, options: argparse.Namespace) -> dict[str, list[float]]:
    plan = sorted(memories(declaration()), key=lambda each: each.name)
    events = list(draw(9, options.asked, options.events, options.cards, _BEGIN + (DAYS + 1) * DAY_SECONDS))
    with closing(place.open()) as state:
        begins = [time.perf_counter()]
        seen: list[Remembered] = []
        for event in events:
            seen.append(state.observe(event))
            begins.append(time.perf_counter())
    found = {"the state, which records the event": np.diff(begins).tolist()}
    history = draw(0, options.events, options.events, options.cards)
    found["DuckDB, a query of the history and an insertion"] = ask_duckdb(history, events, seen, plan, DELAY_SECONDS)
    if options.feast:
        version, taken = ask_feast(options.feast, events, seen, plan)
        found[f"Feast {version}, SQLite: what was computed elsewhere is read, nothing recorded"] = taken
    return found


def section(found: Sequence[Measured], options: argparse.Namespace, machine: Machine, given: str) -> str:
    """Return what was measured as Markdown; ``given`` are the arguments of the command that measured it."""
    first, what = found[0], f"{len(memories(declaration()))} memories, {options.events:,} events of {options.cards:,} cards."
    busy = "" if machine.load < _IDLE_LOAD else " **Measured while other work ran: the times are too long.**"
    parts = [
        f"Of **simulated** payments (`python -m benchmarks.online_state {given}`)."
        f" {machine.sentences(', '.join(f'{name} {version}' for name, version in machine.libraries.items()))}{busy}",
        *(
            f"{each.kind}: {what}\nLoaded {each.loaded:,.0f} events a second, {each.megabytes:,.1f} MB; opened in"
            f" {1_000 * each.opened:,.1f} ms."
            for each in found
        ),
        f"Bytes: {', '.join(f'{size:,.0f} {of}' for of, size in first.sizes.items())}.",
    ]
    head = ["state", "processes", "events a second", "median, ms", "p99, ms", "a sum: median, ms", "p99, ms"]
    parts.append(table(head, [row for each in found for row in each.rows]))
    if first.grown:
        head = ["state", "cards", "MB", "opened, and a first event recorded, s", "events a second", "median, ms", "p99, ms"]
        parts.append(
            f"Grown to {options.grown:,} cards, of which each has the memory of one of those (MB: the files on disk, or what"
            f" Redis says that it uses):\n\n{table(head, [each.grown for each in found])}"
        )
    if first.peers:
        rows = [[name, f"{len(some) / sum(some):,.0f}", *_percentiles([some])] for name, some in first.peers.items()]
        left_out = "" if options.feast else " Feast was left out: no Python that has it was given (`--feast`)."
        parts.append(
            f"The same features of the same {options.asked:,} events, one after the other in one process; DuckDB found what the"
            f" state said, to the last bit.{left_out}\n\n{table(['asked', 'events a second', 'median, ms', 'p99, ms'], rows)}"
        )
    return "\n\n".join(parts)


def _shown(given: Sequence[str]) -> list[str]:
    """Return arguments without what differs from machine to machine."""
    shown = ["PYTHON" if before == "--feast" else each for before, each in zip(["", *given], given, strict=False)]
    return [each for each in shown if each != "--write"]


def _redis_bytes(where: str) -> int:
    with closing(RedisServer(RedisAddress.of(where))) as server:
        lines = server.ask("INFO", "memory").decode().splitlines()
    return int(next(line for line in lines if line.startswith("used_memory:")).partition(":")[2])


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _together(work: partial[list[float]], processes: int) -> list[list[float]]:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(abs, range(processes), chunksize=1)  # all have started
        return pool.map(work, range(processes * 1_000 + 1, processes * 1_000 + processes + 1), chunksize=1)


def _percentiles(taken: list[list[float]]) -> list[str]:
    return [f"{1_000 * each:.2f}" for each in np.percentile([second for some in taken for second in some], [50, 99])]


def _sizes(path: Path) -> dict[str, float]:
    with closing(sqlite3.connect(path)) as database:
        of = {
            f"a {layout}": database.execute("SELECT AVG(LENGTH(memory)) FROM entities WHERE layout = ?", (place,)).fetchone()[0]
            for place, layout in enumerate(("card", "shop"))
        }
        (events,) = database.execute("SELECT AVG(LENGTH(answer) + LENGTH(entities)) FROM events").fetchone()
    return {**of, "an event's answer": events, "the file": path.stat().st_size}


if __name__ == "__main__":
    sys.exit(main())
