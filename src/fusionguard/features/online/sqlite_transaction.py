"""One transaction on a state: what its events see and leave behind. What it changes is written when it ends."""

from __future__ import annotations

import sqlite3
import struct
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from fusionguard.features.online.entity import EntityMemory
from fusionguard.features.online.layout import Layout
from fusionguard.features.online.outcomes import OutcomeTiles, read_outcomes, seen_stretches, stretch_of
from fusionguard.features.online.plan import Plan
from fusionguard.features.online.state import Event, Outcome, Remembered, Told, check_event, check_outcome

MOST_DECODED = 1_000
"""So many entities that were used last are held decoded."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Decoded(Generic[Key, Value]):
    """What was used last, with the bytes that it was read from or written as: what others changed since is decoded again."""

    def __init__(self) -> None:
        self._held: OrderedDict[Key, tuple[bytes, Value]] = OrderedDict()

    def take(self, key: Key, content: bytes) -> Value | None:
        """Return what these bytes are, where it is held, and hold it no more: who took it may change it, and then break off."""
        held = self._held.pop(key, None)
        return held[1] if held is not None and held[0] == content else None

    def hold(self, key: Key, content: bytes, value: Value) -> None:
        """Hold what these bytes are."""
        self._held[key] = (content, value)
        if len(self._held) > MOST_DECODED:
            self._held.popitem(last=False)


class Held(NamedTuple):
    """What is decoded for a while: memories of entities, and outcomes of entities and stretches."""

    memories: Decoded[int, EntityMemory]
    outcomes: Decoded[tuple[int, int], OutcomeTiles]


@dataclass
class Transaction:
    """What is read and changed between BEGIN and COMMIT: :meth:`write` must come before the latter, and :meth:`keep` after it."""

    database: sqlite3.Connection
    plan: Plan
    held: Held
    _memories: dict[int, tuple[int, EntityMemory]] = field(default_factory=dict)
    _outcomes: dict[tuple[int, int], tuple[int, OutcomeTiles]] = field(default_factory=dict)
    _memory_bytes: dict[int, bytes] = field(default_factory=dict)
    _outcome_bytes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _changed: set[int] = field(default_factory=set)
    _told: set[tuple[int, int]] = field(default_factory=set)
    _counts: dict[str, int] = field(default_factory=dict)

    def observe(self, event: Event) -> Remembered:
        """Return what an event sees, and record it; or what it saw."""
        check_event(event)
        key = self.plan.key("", event.id)
        if event.alias is not None and self.plan.tells:
            alias = (self.plan.key("", event.alias), key, event.second)
            self.database.execute("INSERT OR IGNORE INTO aliases VALUES (?, ?, ?)", alias)
        if (answer := self._answer(key, event)) is not None:
            return answer
        keys = self.plan.keys(event)
        seen, exact = self._see(event, keys)
        for place, layout in enumerate(self.plan.layouts):
            if layout.of_rows and (entity := keys[layout.entity]) is not None:
                others = [keys[other] for other in layout.others]
                cuts = self._memory(place, entity).add(event.second, self.plan.amounts(place, event), others)
                self._changed.add(entity)
                if cuts:
                    self._cut(entity, cuts)
        told = [keys[layout.entity] for _, layout in self.plan.tells]
        if event.known is not None:
            self._count_outcome(told, event.known, 1, 0)
        if not exact:
            self._count("late")
        self.database.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
            (key, event.second, event.known, 0, _pack_keys(told), self.plan.pack_answer(seen, exact)),
        )
        return self.plan.remembered(seen, exact)

    def peek(self, event: Event) -> Remembered:
        """Return what an event sees or saw."""
        check_event(event)
        if (answer := self._answer(self.plan.key("", event.id), event)) is not None:
            return answer
        return self.plan.remembered(*self._see(event, self.plan.keys(event)))

    def tell(self, outcome: Outcome) -> Told:
        """Record what became of an event."""
        check_outcome(outcome)
        key = self.plan.key("", outcome.id)
        query = "SELECT known, positive, entities, key FROM events WHERE key = "
        found = self.database.execute(f"{query} ?", (key,)).fetchone()
        if found is None:
            found = self.database.execute(f"{query} (SELECT event FROM aliases WHERE key = ?)", (key,)).fetchone()
        if found is None:
            self._count("unknown_outcomes")
            return "unknown"
        known, before, entities, key = found
        if known is not None and before == outcome.positive:
            return "same"
        if known is None:
            self._count_outcome(_unpack_keys(entities), outcome.second, 1, outcome.positive)
        else:
            self._count_outcome(_unpack_keys(entities), known, 0, outcome.positive - before)
            if outcome.second > known:
                self._count("late_outcomes")
        known = outcome.second if known is None else known
        self.database.execute("UPDATE events SET known = ?, positive = ? WHERE key = ?", (known, outcome.positive, key))
        return "new"

    def write(self) -> None:
        """Write what has changed."""
        for entity in self._changed:
            place, memory = self._memories[entity]
            content = self._memory_bytes[entity] = memory.to_bytes()
            self.database.execute("REPLACE INTO entities VALUES (?, ?, ?)", (entity, place, content))
        for key in self._told:
            place, tiles = self._outcomes[key]
            content = self._outcome_bytes[key] = tiles.to_bytes()
            self.database.execute("REPLACE INTO outcomes VALUES (?, ?, ?, ?)", (*key, place, content))
        for name, count in self._counts.items():
            self.database.execute("UPDATE facts SET value = value + ? WHERE name = ?", (count, name))

    def keep(self) -> None:
        """Hold what was read and written for the next transactions."""
        for entity, content in self._memory_bytes.items():
            self.held.memories.hold(entity, content, self._memories[entity][1])
        for key, content in self._outcome_bytes.items():
            self.held.outcomes.hold(key, content, self._outcomes[key][1])

    def _answer(self, key: int, event: Event) -> Remembered | None:
        found = self.database.execute("SELECT answer FROM events WHERE key = ?", (key,)).fetchone()
        if found is None:
            return None
        if found[0] is None:  # so old that its answer is forgotten, and its outcome is not
            seen, _ = self._see(event, self.plan.keys(event))
            return self.plan.remembered(seen, False)
        return self.plan.answer(found[0])

    def _see(self, event: Event, keys: dict[str, int | None]) -> tuple[list[int | None], bool]:
        seen: list[int | None] = [None] * len(self.plan.names)
        (earliest,) = self.database.execute("SELECT value FROM facts WHERE name = 'earliest'").fetchone()
        exact = earliest is None or event.second >= earliest
        for place, layout in enumerate(self.plan.layouts):
            entity = keys[layout.entity]
            if entity is None:
                continue
            if layout.of_rows:
                others = [keys[other] for other in layout.others]
                memory = self._memory(place, entity)

                def elsewhere(other: int, key: int, second: int, entity: int = entity) -> int | None:
                    return self._last_meeting(entity, other, key, second)

                exact = memory.read(event.second, others, seen, elsewhere) and exact
            if layout.of_outcomes:
                read_outcomes(layout, self._stretches(place, layout, entity, event.second), event.second, seen)
        return seen, exact

    def _memory(self, place: int, entity: int) -> EntityMemory:
        if (known := self._memories.get(entity)) is not None:
            return known[1]
        found = self.database.execute("SELECT memory FROM entities WHERE key = ?", (entity,)).fetchone()
        memory = None
        if found is not None:
            self._memory_bytes[entity] = found[0]
            memory = self.held.memories.take(entity, found[0])
        if memory is None:
            memory = EntityMemory(self.plan.layouts[place], None if found is None else found[0])
        self._memories[entity] = (place, memory)
        return memory

    def _stretches(self, place: int, layout: Layout, entity: int, second: int) -> list[OutcomeTiles]:
        query = "SELECT until, tiles FROM outcomes WHERE entity = ? AND until BETWEEN ? AND ?"
        first, last = seen_stretches(layout, second)
        for until, content in self.database.execute(query, (entity, first, last)).fetchall():
            if (entity, until) not in self._outcomes:
                self._take_stretch(place, layout, (entity, until), content)
        known = range(first, last + 1, layout.outcome_seconds)
        return [self._outcomes[entity, until][1] for until in known if (entity, until) in self._outcomes]

    def _stretch(self, place: int, layout: Layout, key: tuple[int, int]) -> OutcomeTiles:
        if (known := self._outcomes.get(key)) is not None:
            return known[1]
        found = self.database.execute("SELECT tiles FROM outcomes WHERE entity = ? AND until = ?", key).fetchone()
        if found is not None:
            return self._take_stretch(place, layout, key, found[0])
        self._outcomes[key] = (place, tiles := OutcomeTiles(layout, key[1]))
        return tiles

    def _take_stretch(self, place: int, layout: Layout, key: tuple[int, int], content: bytes) -> OutcomeTiles:
        self._outcome_bytes[key] = content
        tiles = self.held.outcomes.take(key, content) or OutcomeTiles(layout, key[1], content)
        self._outcomes[key] = (place, tiles)
        return tiles

    def _count_outcome(self, entities: Sequence[int | None], second: int, known: int, positive: int) -> None:
        for (place, layout), entity in zip(self.plan.tells, entities, strict=True):
            if entity is None:
                continue
            for length in range(len(layout.outcome_lengths)):
                index, until = stretch_of(layout, length, second)
                self._stretch(place, layout, (entity, until)).add(length, index, known, positive)
                self._told.add((entity, until))

    def _last_meeting(self, entity: int, other: int, key: int, second: int) -> int | None:
        query = "SELECT MAX(second) FROM meetings WHERE entity = ? AND other = ? AND key = ? AND second < ?"
        found: tuple[int | None] = self.database.execute(query, (entity, other, key, second)).fetchone()
        return found[0]

    def _cut(self, entity: int, cuts: Sequence[tuple[int, int, int]]) -> None:
        rows = [(entity, *cut) for cut in cuts]
        self.database.executemany("INSERT OR IGNORE INTO meetings VALUES (?, ?, ?, ?)", rows)

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1


def _pack_keys(keys: Sequence[int | None]) -> bytes:
    """Return keys as bytes: which are there, in one number, then these."""
    there = sum(1 << place for place, key in enumerate(keys) if key is not None)
    known = [key for key in keys if key is not None]
    return struct.pack(f"<BB{len(known)}q", len(keys), there, *known) if keys else b""


def _unpack_keys(content: bytes) -> list[int | None]:
    if not content:
        return []
    count, there = content[0], content[1]
    known = iter(struct.unpack_from(f"<{there.bit_count()}q", content, 2))
    return [next(known) if there >> place & 1 else None for place in range(count)]
