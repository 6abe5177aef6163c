"""Keeping a state's file small, and finding out whether it is whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from fusionguard.features.online.entity import EntityMemory
from fusionguard.features.online.outcomes import OutcomeTiles
from fusionguard.features.online.plan import Plan
from fusionguard.features.online.records import COUNTED
from fusionguard.features.online.state import Counts

FIRST_KEY, LAST_KEY = -(2**63), 2**63 - 1
"""Every key lies between them."""

_ENTITIES_AT_ONCE = 100
_EVENTS_AT_ONCE = 1_000


def prune_entities(database: sqlite3.Connection, plan: Plan, after: int, earliest: int) -> int:
    """Forget of some entities behind a key what no event of this second or a later one sees; return the last one's key."""
    query = "SELECT key, layout, memory FROM entities WHERE key > ? ORDER BY key LIMIT ?"
    some = database.execute(query, (after, _ENTITIES_AT_ONCE)).fetchall()
    last: int = some[-1][0] if len(some) == _ENTITIES_AT_ONCE else LAST_KEY
    for key, place, content in some:
        memory = EntityMemory(plan.layouts[place], content)
        memory.forget(earliest)
        if memory.is_empty:
            database.execute("DELETE FROM entities WHERE key = ?", (key,))
        elif (left := memory.to_bytes()) != content:
            database.execute("UPDATE entities SET memory = ? WHERE key = ?", (left, key))
    first = min(each.span.start(earliest) for each in plan.memories)
    for table, time in (("meetings", "second"), ("outcomes", "until")):
        database.execute(f"DELETE FROM {table} WHERE entity > ? AND entity <= ? AND {time} < ?", (after, last, first))
    return last


def prune_events(database: sqlite3.Connection, after: int, answers: int, known: int) -> int:
    """Forget of some events behind a key the answers, or all, of those before a second each; return the last one's key."""
    last = _last_key(database, "events", after)
    database.execute("DELETE FROM events WHERE key > ? AND key <= ? AND second < ?", (after, last, known))
    forget = "UPDATE events SET answer = NULL WHERE key > ? AND key <= ? AND second < ? AND answer IS NOT NULL"
    database.execute(forget, (after, last, answers))
    return last


def prune_aliases(database: sqlite3.Connection, after: int, known: int) -> int:
    """Forget of some aliases behind a key those of events before a second; return the last one's key."""
    last = _last_key(database, "aliases", after)
    database.execute("DELETE FROM aliases WHERE key > ? AND key <= ? AND second < ?", (after, last, known))
    return last


def _last_key(database: sqlite3.Connection, table: str, after: int) -> int:
    query = f"SELECT key FROM {table} WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?"
    found = database.execute(query, (after, _EVENTS_AT_ONCE - 1)).fetchone()
    return LAST_KEY if found is None else int(found[0])


def count_all(database: sqlite3.Connection, plan: Plan, path: Path) -> Counts:
    """Read everything and count it; ValueError where something is damaged."""
    if (found := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise ValueError(found)
    read: tuple[tuple[str, Callable[[int, bytes], object]], ...] = (
        ("SELECT layout, memory FROM entities", lambda place, content: EntityMemory(plan.layouts[place], content)),
        ("SELECT layout, tiles FROM outcomes", lambda place, content: OutcomeTiles(plan.layouts[place], 0, content)),
        ("SELECT 0, answer FROM events WHERE answer IS NOT NULL", lambda _, content: plan.answer(content)),
    )
    for query, decode in read:
        for place, content in database.execute(query):
            decode(place, content)
    entities, stretches, events = (
        database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("entities", "outcomes", "events")
    )
    counted = dict(database.execute("SELECT name, value FROM facts").fetchall())
    files = (path, path.with_name(f"{path.name}-wal"))
    size = sum(each.stat().st_size for each in files if each.exists())
    return Counts(entities, stretches, events, size, **{name: counted[name] for name in COUNTED})
