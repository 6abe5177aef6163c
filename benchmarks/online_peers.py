"""What a team without a state would do for the same features: ask DuckDB for each event, or read a feature store.

DuckDB holds all events as a table with an index for each entity; each event is one query of the rows of its entities, by the SQL
that training finds the features with, and an insertion. What it finds must be what the state said. A feature store answers with
what somebody else has computed and written there before: to read is all that is measured of it.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.measure import BenchmarkError
from fusionguard.datasets.history import Memory
from fusionguard.datasets.history_frames import frames_query
from fusionguard.features.online.state import Event, Remembered

_COLUMNS = ("_row", "second", "known", "positive", "e_card", "e_shop", "n0")
_STORE = Path(__file__).with_name("feast_store.py")
_PATIENCE_SECONDS = 300


def ask_duckdb(
    history: Iterable[Event], events: Sequence[Event], seen: Sequence[Remembered], plan: Sequence[Memory], delay: int
) -> list[float]:
    """Return the seconds that each of ``events`` takes in DuckDB; BenchmarkError where one finds other features than ``seen``."""
    rows = [_row(place, each) for place, each in enumerate(history)]
    places = ", ".join(f"${name}" for name in _COLUMNS)
    of_both = " UNION ".join(f"SELECT * FROM history WHERE {each} = ${each}" for each in ("e_card", "e_shop"))
    query = (
        f"WITH seen AS ({of_both} UNION ALL SELECT {places})"
        f" SELECT * EXCLUDE (_row) FROM ({frames_query(plan, 'seen', delay)}) WHERE _row = $_row"
    )
    taken: list[float] = []
    with duckdb.connect() as database:
        table = pa.table(dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
        database.register("given", table)
        database.execute("CREATE TABLE history AS SELECT * FROM given")
        for each in ("e_card", "e_shop"):
            database.execute(f"CREATE INDEX of_{each} ON history ({each})")
        names = [each.name for each in plan]
        for place, event in enumerate(events, len(rows)):
            values = dict(zip(_COLUMNS, _row(place, event), strict=True))
            begin = time.perf_counter()
            found = database.execute(query, values).fetchone()
            database.execute(f"INSERT INTO history VALUES ({places})", values)
            taken.append(time.perf_counter() - begin)
            expected = seen[place - len(rows)].values
            if found is None or dict(zip(names, found, strict=True)) != expected:
                raise BenchmarkError(f"DuckDB and the state disagree on event {place - len(rows)}.")
    return taken


def ask_feast(
    python: str, events: Sequence[Event], seen: Sequence[Remembered], plan: Sequence[Memory]
) -> tuple[str, list[float]]:
    """Return the version of the Feast of another Python, and the seconds that it takes to read each event's features.

    Raises
    ------
    BenchmarkError
        It did not answer, or not what was written into its store.
    """
    values: dict[str, dict[str, dict[str, int | None]]] = {}
    for event, remembered in zip(events, seen, strict=True):
        for entity, key in event.keys.items():
            mine = {each.name: remembered.values[each.name] for each in plan if each.entity == entity}
            values.setdefault(entity, {})[str(key)] = mine
    told = {"values": values, "asked": [dict(event.keys) for event in events]}
    ran = subprocess.run(
        [python, str(_STORE)], input=json.dumps(told), capture_output=True, text=True, check=False, timeout=_PATIENCE_SECONDS
    )
    if ran.returncode:
        lines = ran.stderr.strip().splitlines()
        raise BenchmarkError(f"Feast did not answer: {lines[-1] if lines else ran.returncode}", "Give a Python that has Feast.")
    answered = json.loads(ran.stdout)
    written = {name: number for entity, key in events[-1].keys.items() for name, number in values[entity][str(key)].items()}
    if {name: answered["last"][name] for name in written} != written:
        raise BenchmarkError("Feast's store answers other features than were written.")
    return answered["version"], answered["seconds"]


def _row(place: int, event: Event) -> tuple[object, ...]:
    return place, event.second, event.known, 0, event.keys["card"], event.keys["shop"], event.numbers["amount"]
