"""``python -m benchmarks.online_state``: how fast a state takes events from one process and from several, and how large it is."""

from __future__ import annotations

import argparse
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import memories
from fusionguard.features.online.place import state_place
from fusionguard.features.online.state import Event

DAY_SECONDS = 86_400
DAYS = 30
DELAY_SECONDS = 7 * DAY_SECONDS
EVENTS_A_CARD = 30
EVENTS_A_SHOP = 500

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


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.online_state", description="Measure the state of a service.")
    parser.add_argument("--events", metavar="N", type=int, default=100_000, help="events of the history (100000)")
    parser.add_argument("--cards", metavar="N", type=int, help=f"cards that they are of (one for each {EVENTS_A_CARD} events)")
    parser.add_argument("--observed", metavar="N", type=int, default=4_000, help="events that each process observes (4000)")
    parser.add_argument("--processes", metavar="N", type=int, default=2, help="the most processes (2)")
    parser.add_argument("--redis", metavar="URL", help="keep the state in this Redis; in a file by default")
    options = parser.parse_args(arguments)
    machine, cards = describe_machine([]), options.cards or max(1, options.events // EVENTS_A_CARD)
    with tempfile.TemporaryDirectory(prefix="fg-bench-state-") as folder:
        place, begin = state_place(options.redis or folder, declaration()), time.perf_counter()
        place.build(draw(0, options.events, options.events, cards), replace=False).close()
        loaded = options.events / (time.perf_counter() - begin)
        begin = time.perf_counter()
        place.open().close()
        opened = time.perf_counter() - begin
        with closing(place.open()) as state:
            counted = state.check()
        sizes = {} if options.redis else _sizes(Path(str(place)))
        rows = []
        for processes in sorted({1, options.processes}):
            observed = _together(partial(observe, options.redis or folder, options.observed, options.events, cards), processes)
            computed = _together(partial(compute, options.observed), processes)
            rate = sum(len(each) / sum(each) for each in observed)
            rows.append([f"{processes}", f"{rate:,.0f}", *_percentiles(observed), *_percentiles(computed)])
    head = ["processes", "events a second", "median, ms", "p99, ms", "a sum: median, ms", "p99, ms"]
    kind = "Redis" if options.redis else f"SQLite {sqlite3.sqlite_version}"
    print(f"{machine.sentences(kind)} {len(memories(declaration()))} memories, {options.events:,} events of {cards:,} cards.")
    print(f"Loaded {loaded:,.0f} events a second, {counted.bytes / 1e6:,.1f} MB; opened in {1_000 * opened:,.1f} ms.")
    if sizes:
        print(f"Bytes: {', '.join(f'{size:,.0f} {of}' for of, size in sizes.items())}.")
    print(f"\n{table(head, rows)}")
    return 0


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
