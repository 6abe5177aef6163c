"""What single rows cost a service that looks up and records what happened before: two declarations of one simulated table."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml

from benchmarks.markdown import table
from benchmarks.measure import fresh_environment, measure
from benchmarks.replay import CONNECTIONS, SINGLES_HEAD, Replayed, make, send_batches, serving, single_requests, time_singles
from fusionguard.datasets.history import entities_of, memories
from fusionguard.features.online.redis_server import is_redis

BATCH = 5_000

_FEW = {
    "card": {"spans": ["1h", "1d", "7d", "30d"], "of": ["count", "mean", "ratio", "maximum", "since_last", "new(terminal)"]},
    "terminal": {"spans": ["1d", "7d", "14d", "28d"], "of": ["count", "mean", "label_count", "label_rate"]},
}


def declare(folder: Path, fusionguard: str, rows: int) -> dict[str, Path]:
    """Write a simulated table and two declarations of it: the one that ships, and one of two entities.

    Outcomes are known after a week, so that the load need not tell them.
    """
    simulate = ["simulate", "--dataset", "card_transactions", "--rows", str(rows), "--output", str(folder / "rows.parquet")]
    measure([fusionguard, *simulate], environment=fresh_environment(folder / "home"))
    shipped = yaml.safe_load(files("fusionguard.datasets.card_transactions").joinpath("declaration.yaml").read_text("utf-8"))
    shipped |= {"name": "four_entities", "rows": "rows.parquet", "ignored": ["reported_at"]}
    shipped["label"]["known"] = {"after": "7d"}
    few = shipped | {"name": "two_entities", "windows": _FEW, "entities": {each: each for each in _FEW}}
    few = {name: value for name, value in few.items() if name not in ("numeric", "categorical", "derived", "bands")}
    few |= {
        "calendar": shipped["calendar"],
        "ignored": ["reported_at", "distance_km", "category", "entry", "customer", "merchant"],
    }
    few["private"] = ["card"]
    found = {}
    for each in (few, shipped):
        found[each["name"]] = folder / f"{each['name']}.yaml"
        found[each["name"]].write_text(yaml.safe_dump(each, sort_keys=False), encoding="utf-8")
    return found


def service_section(folder: Path, fusionguard: str, wheres: Sequence[str], *, rows: int, singles: int) -> str:
    """Return as Markdown what single rows cost, by declaration, place of the state and number of workers."""
    found = []
    for name, declaration in declare(folder, fusionguard, rows + singles).items():
        replayed = make(declaration, folder / name)
        for where in wheres:
            for workers in (1, 2):
                kind = "Redis" if is_redis(where) else "SQLite"
                place = where if is_redis(where) else str(folder / f"{name}-{workers}-state")
                with serving(replayed, folder / f"{name}-{kind}-{workers}", place, workers, replace=True) as server:
                    send_batches(replayed, server.port, rows, BATCH)
                    timed = time_singles(server, single_requests(replayed, rows, rows + singles))
                found.append([_described(replayed), kind, str(workers), f"{server.start_seconds:.1f}", *timed])
    head = ["declared", "state", "workers", "started in, s", *SINGLES_HEAD]
    return (
        f"Single rows over {CONNECTIONS} connections, each sent as soon as the one before was answered, after {rows:,} rows in"
        f" batches; the load shares the cores:\n\n{table(head, found)}"
    )


def _described(replayed: Replayed) -> str:
    plan = memories(replayed.declaration)
    return f"{len(replayed.family.features.model_features)} features of {len(entities_of(plan))} entities"
