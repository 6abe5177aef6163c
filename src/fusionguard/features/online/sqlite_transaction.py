"""One transaction on a state: what its events see and leave behind. What it changes is written when it ends."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from fusionguard.datasets.history import Kind, Memory
from fusionguard.errors import DataError
from fusionguard.features.online.entity import EntityMemory
from fusionguard.features.online.layout import Layout, layouts_of
from fusionguard.features.online.outcomes import OutcomeTiles, read_outcomes, seen_stretches, stretch_of
from fusionguard.features.online.packing import pack, unpack
from fusionguard.features.online.state import Event, Outcome, Remembered, Told, check_event, check_outcome
from fusionguard.features.online.tiles import amounts_of

_WIDE: tuple[Kind, ...] = ("hundredths", "largest", "last")


class Plan:
    """A plan, as the state reads it.

    Parameters
    ----------
    memories
        All that is remembered.
    salt
        What keys are hashed with, so that nobody outside can look for two that collide.
    """

    def __init__(self, memories: Sequence[Memory], salt: bytes) -> None:
        self.memories = tuple(sorted(memories, key=lambda each: each.name))
        self.layouts = layouts_of(self.memories)
        self.names = tuple(each.name for each in self.memories)
        self.entities = tuple(dict.fromkeys(name for each in self.layouts for name in (each.entity, *each.others)))
        self.tells = tuple((place, each) for place, each in enumerate(self.layouts) if each.of_outcomes)
        self.columns = tuple(tuple(each.of for each in layout.fields) for layout in self.layouts)
        wide = [place for place, each in enumerate(self.memories) if each.kind in _WIDE]
        self._written = (wide, [place for place in range(len(self.memories)) if place not in wide])
        self._salt = salt

    def key(self, kind: str, text: str) -> int:
        """Return 64 bits that stand for a text among those of its kind."""
        content = f"{kind}\0{text}".encode(errors="surrogatepass")
        return int.from_bytes(blake2b(content, digest_size=8, key=self._salt).digest(), "little", signed=True)

    def keys(self, event: Event) -> dict[str, int | None]:
        """Return the keys of an event's entities; DataError where it lacks one that is remembered."""
        try:
            texts = [(entity, event.keys[entity]) for entity in self.entities]
        except KeyError as error:
            raise DataError(f"Event '{event.id}' lacks the entity {error}.", "Nothing was recorded.") from None
        return {entity: None if text is None else self.key(entity, text) for entity, text in texts}

    def amounts(self, place: int, event: Event) -> list[int]:
        """Return what an event adds to the fields of a layout; DataError where it lacks a column."""
        try:
            return amounts_of(self.layouts[place], [event.numbers[of] if of else None for of in self.columns[place]])
        except KeyError as error:
            raise DataError(f"Event '{event.id}' lacks the number {error}.", "Nothing was recorded.") from None

    def pack_answer(self, seen: Sequence[int | None], exact: bool) -> bytes:
        """Return what an event saw as bytes."""
        unknown = [place for place, number in enumerate(seen) if number is None]
        return pack([[int(exact)], unknown, *([seen[place] or 0 for place in places] for places in self._written)])

    def answer(self, content: bytes) -> Remembered:
        """Return what :meth:`pack_answer` packed; ValueError where it is damaged."""
        (exact,), unknown, *numbers = unpack(content)
        seen: list[int | None] = [None] * len(self.names)
        for places, some in zip(self._written, numbers, strict=True):
            for place, number in zip(places, some, strict=True):
                seen[place] = number
        for place in unknown:
            seen[place] = None
        return self.remembered(seen, bool(exact))

    def remembered(self, seen: Sequence[int | None], exact: bool) -> Remembered:
        """Return what was seen, by the memories' names."""
        return Remembered(dict(zip(self.names, seen, strict=True)), exact)


@dataclass
class Transaction:
    """What is read and changed between BEGIN and COMMIT; :meth:`write` must come before the latter."""

    database: sqlite3.Connection
    plan: Plan
    _memories: dict[int, tuple[int, EntityMemory]] = field(default_factory=dict)
    _outcomes: dict[tuple[int, int], tuple[int, OutcomeTiles]] = field(default_factory=dict)
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
            self.database.execute("REPLACE INTO entities VALUES (?, ?, ?)", (entity, place, memory.to_bytes()))
        for entity, until in self._told:
            place, tiles = self._outcomes[entity, until]
            self.database.execute("REPLACE INTO outcomes VALUES (?, ?, ?, ?)", (entity, until, place, tiles.to_bytes()))
        for name, count in self._counts.items():
            self.database.execute("UPDATE facts SET value = value + ? WHERE name = ?", (count, name))

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
        if (held := self._memories.get(entity)) is None:
            found = self.database.execute("SELECT memory FROM entities WHERE key = ?", (entity,)).fetchone()
            held = (place, EntityMemory(self.plan.layouts[place], None if found is None else found[0]))
            self._memories[entity] = held
        return held[1]

    def _stretches(self, place: int, layout: Layout, entity: int, second: int) -> list[OutcomeTiles]:
        query = "SELECT until, tiles FROM outcomes WHERE entity = ? AND until BETWEEN ? AND ?"
        first, last = seen_stretches(layout, second)
        for until, content in self.database.execute(query, (entity, first, last)).fetchall():
            if (entity, until) not in self._outcomes:
                self._outcomes[entity, until] = (place, OutcomeTiles(layout, content))
        known = range(first, last + 1, layout.outcome_seconds)
        return [self._outcomes[entity, until][1] for until in known if (entity, until) in self._outcomes]

    def _count_outcome(self, entities: Sequence[int | None], second: int, known: int, positive: int) -> None:
        for (place, layout), entity in zip(self.plan.tells, entities, strict=True):
            if entity is None:
                continue
            for length in range(len(layout.outcome_lengths)):
                index, until = stretch_of(layout, length, second)
                self._stretch(place, layout, entity, until).add(length, index, known, positive)
                self._told.add((entity, until))

    def _stretch(self, place: int, layout: Layout, entity: int, until: int) -> OutcomeTiles:
        if (held := self._outcomes.get((entity, until))) is None:
            query = "SELECT tiles FROM outcomes WHERE entity = ? AND until = ?"
            found = self.database.execute(query, (entity, until)).fetchone()
            held = self._outcomes[entity, until] = (place, OutcomeTiles(layout, None if found is None else found[0]))
        return held[1]

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
