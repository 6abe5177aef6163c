"""The records of a state in the tables of a SQLite file, between BEGIN and COMMIT."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from fusionguard.features.online.records import Recorded

_EVENT = (
    "SELECT facts.value, events.second, events.known, events.positive, events.entities, events.answer"
    " FROM facts LEFT JOIN events ON events.key = ? WHERE facts.name = 'earliest'"
)


class SqliteRecords:
    """:class:`~fusionguard.features.online.records.Records` in an open transaction of a database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._execute = database.execute
        self._execute_many = database.executemany
        self._earliest: int | None = None
        self._knows_earliest = False

    def earliest(self) -> int | None:
        """Return the second before which events are late."""
        if not self._knows_earliest:
            self._earliest = self._execute("SELECT value FROM facts WHERE name = 'earliest'").fetchone()[0]
            self._knows_earliest = True
        return self._earliest

    def event(self, key: int) -> Recorded | None:
        """Return an event; who sees what was before it asks for the earliest second, too, which comes with it."""
        self._earliest, *found = self._execute(_EVENT, (key,)).fetchone()
        self._knows_earliest = True
        return None if found[0] is None else Recorded(*found)

    def add_event(self, key: int, event: Recorded) -> None:
        """Add an event."""
        self._execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (key, *event))

    def change_event(self, key: int, event: Recorded) -> None:
        """Change what is known of an event's outcome."""
        self._execute("UPDATE events SET known = ?, positive = ? WHERE key = ?", (event.known, event.positive, key))

    def event_of_alias(self, key: int) -> int | None:
        """Return the key of the event that has an alias."""
        found = self._execute("SELECT event FROM aliases WHERE key = ?", (key,)).fetchone()
        return None if found is None else int(found[0])

    def add_alias(self, key: int, event: int, second: int) -> None:
        """Add an alias."""
        self._execute("INSERT OR IGNORE INTO aliases VALUES (?, ?, ?)", (key, event, second))

    def memories(self, entities: Sequence[int]) -> Mapping[int, bytes]:
        """Return what is remembered of entities' rows."""
        query = f"SELECT key, memory FROM entities WHERE key IN ({', '.join('?' * len(entities))})"
        return dict(self._execute(query, entities).fetchall())

    def write_memories(self, memories: Sequence[tuple[int, int, bytes]]) -> None:
        """Write what is remembered of entities' rows."""
        self._execute_many("REPLACE INTO entities VALUES (?, ?, ?)", memories)

    def stretches(self, entity: int, untils: range) -> Sequence[tuple[int, bytes]]:
        """Return those of an entity's stretches of outcomes that there are."""
        query = "SELECT until, tiles FROM outcomes WHERE entity = ? AND until BETWEEN ? AND ?"
        return self._execute(query, (entity, untils[0], untils[-1])).fetchall()

    def stretch(self, entity: int, until: int) -> bytes | None:
        """Return one stretch of outcomes."""
        found = self._execute("SELECT tiles FROM outcomes WHERE entity = ? AND until = ?", (entity, until)).fetchone()
        return None if found is None else found[0]

    def write_stretches(self, stretches: Sequence[tuple[int, int, int, bytes]]) -> None:
        """Write stretches of outcomes."""
        self._execute_many("REPLACE INTO outcomes VALUES (?, ?, ?, ?)", stretches)

    def last_meeting(self, entity: int, other: int, key: int, second: int) -> int | None:
        """Return when an entity met another one last before a second."""
        query = "SELECT MAX(second) FROM meetings WHERE entity = ? AND other = ? AND key = ? AND second < ?"
        found: tuple[int | None] = self._execute(query, (entity, other, key, second)).fetchone()
        return found[0]

    def add_meetings(self, entity: int, meetings: Sequence[tuple[int, int, int]]) -> None:
        """Add meetings."""
        self._execute_many("INSERT OR IGNORE INTO meetings VALUES (?, ?, ?, ?)", [(entity, *each) for each in meetings])

    def count(self, name: str, more: int) -> None:
        """Add to a count."""
        self._execute("UPDATE facts SET value = value + ? WHERE name = ?", (more, name))
