"""One transaction on a state, whatever keeps it: what its events see and leave behind, written when it ends."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from fusionguard.features.online.entity import EntityMemory
from fusionguard.features.online.layout import Layout
from fusionguard.features.online.outcomes import OutcomeTiles, read_outcomes, seen_stretches, stretch_of
from fusionguard.features.online.plan import Plan
from fusionguard.features.online.records import Recorded, Records
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
    """What is read and changed at once: :meth:`write` must come before the end of that, and :meth:`keep` after it."""

    records: Records
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
            self.records.add_alias(self.plan.key("", event.alias), key, event.second)
        if (answer := self._answer(key, event)) is not None:
            return answer
        keys = self.plan.keys(event)
        seen, exact = self._see(event, keys)
        for place, layout in enumerate(self.plan.layouts):
            if layout.of_rows and (entity := keys[layout.entity]) is not None:
                others = [keys[other] for other in layout.others]
                cuts = self._memories[entity][1].add(event.second, self.plan.amounts(place, event), others)
                self._changed.add(entity)
                if cuts:
                    self.records.add_meetings(entity, cuts)
        told = [keys[layout.entity] for _, layout in self.plan.tells]
        if event.known is not None:
            self._count_outcome(told, event.known, 1, 0)
        if not exact:
            self._count("late")
        self.records.add_event(key, Recorded(event.second, event.known, 0, _pack_keys(told), self.plan.pack_answer(seen, exact)))
        return self.plan.remembered(seen, exact)

    def record_all(self, some: Iterable[Event | Outcome]) -> None:
        """Observe and tell, one after the other."""
        for each in some:
            if isinstance(each, Event):
                self.observe(each)
            else:
                self.tell(each)

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
        found = self.records.event(key)
        if found is None and (aliased := self.records.event_of_alias(key)) is not None:
            key, found = aliased, self.records.event(aliased)
        if found is None:
            self._count("unknown_outcomes")
            return "unknown"
        entities, known = unpack_keys(found.entities), found.known
        if known is not None and found.positive == outcome.positive:
            return "same"
        if known is None:
            known = outcome.second
            self._count_outcome(entities, known, 1, outcome.positive)
        else:
            self._count_outcome(entities, known, 0, outcome.positive - found.positive)
            if outcome.second > known:
                self._count("late_outcomes")
        self.records.change_event(key, found._replace(known=known, positive=outcome.positive))
        return "new"

    def write(self) -> None:
        """Write what has changed."""
        if self._changed:
            self._memory_bytes |= {entity: self._memories[entity][1].to_bytes() for entity in self._changed}
            memories = [(entity, self._memories[entity][0], self._memory_bytes[entity]) for entity in self._changed]
            self.records.write_memories(memories)
        if self._told:
            self._outcome_bytes |= {key: self._outcomes[key][1].to_bytes() for key in self._told}
            self.records.write_stretches([(*key, self._outcomes[key][0], self._outcome_bytes[key]) for key in self._told])
        for name, count in self._counts.items():
            self.records.count(name, count)

    def keep(self) -> None:
        """Hold what was read and written for the next transactions."""
        for entity, content in self._memory_bytes.items():
            self.held.memories.hold(entity, content, self._memories[entity][1])
        for key, content in self._outcome_bytes.items():
            self.held.outcomes.hold(key, content, self._outcomes[key][1])

    def _answer(self, key: int, event: Event) -> Remembered | None:
        found = self.records.event(key)
        if found is None:
            return None
        if found.answer is None:  # so old that its answer is forgotten, and its outcome is not
            seen, _ = self._see(event, self.plan.keys(event))
            return self.plan.remembered(seen, False)
        return self.plan.answer(found.answer)

    def _see(self, event: Event, keys: dict[str, int | None]) -> tuple[list[int | None], bool]:
        seen: list[int | None] = [None] * len(self.plan.names)
        earliest = self.records.earliest()
        exact = earliest is None or event.second >= earliest
        self._read_memories(keys)
        for place, layout in enumerate(self.plan.layouts):
            entity = keys[layout.entity]
            if entity is None:
                continue
            if layout.of_rows:
                others = [keys[other] for other in layout.others]
                _, memory = self._memories[entity]

                def elsewhere(other: int, key: int, second: int, entity: int = entity) -> int | None:
                    return self.records.last_meeting(entity, other, key, second)

                exact = memory.read(event.second, others, seen, elsewhere) and exact
            if layout.of_outcomes:
                read_outcomes(layout, self._stretches(place, layout, entity, event.second), event.second, seen)
        return seen, exact

    def _read_memories(self, keys: Mapping[str, int | None]) -> None:
        """Read the memories of an event's entities that this transaction has not read yet, all at once."""
        of_rows = ((keys[layout.entity], place) for place, layout in enumerate(self.plan.layouts) if layout.of_rows)
        wanted = {entity: place for entity, place in of_rows if entity is not None and entity not in self._memories}
        found = self.records.memories(tuple(wanted)) if wanted else {}
        for entity, place in wanted.items():
            content, memory = found.get(entity), None
            if content is not None:
                self._memory_bytes[entity] = content
                memory = self.held.memories.take(entity, content)
            self._memories[entity] = (place, memory or EntityMemory(self.plan.layouts[place], content))

    def _stretches(self, place: int, layout: Layout, entity: int, second: int) -> list[OutcomeTiles]:
        untils = seen_stretches(layout, second)
        for until, content in self.records.stretches(entity, untils):
            if (entity, until) not in self._outcomes:
                self._take_stretch(place, layout, (entity, until), content)
        return [self._outcomes[entity, until][1] for until in untils if (entity, until) in self._outcomes]

    def _stretch(self, place: int, layout: Layout, key: tuple[int, int]) -> OutcomeTiles:
        if (known := self._outcomes.get(key)) is not None:
            return known[1]
        if (content := self.records.stretch(*key)) is not None:
            return self._take_stretch(place, layout, key, content)
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

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1


def _pack_keys(keys: Sequence[int | None]) -> bytes:
    """Return keys as bytes: which are there, in one number, then these."""
    there = sum(1 << place for place, key in enumerate(keys) if key is not None)
    known = [key for key in keys if key is not None]
    return struct.pack(f"<BB{len(known)}q", len(keys), there, *known) if keys else b""


def unpack_keys(content: bytes) -> list[int | None]:
    """Return the keys that an event was recorded with, None where nobody knew."""
    if not content:
        return []
    count, there = content[0], content[1]
    known = iter(struct.unpack_from(f"<{there.bit_count()}q", content, 2))
    return [next(known) if there >> place & 1 else None for place in range(count)]
