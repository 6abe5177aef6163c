"""The records of a state as values of Redis, each with a token that tells whether another transaction has changed it since."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from fusionguard.features.online.outcomes import seen_stretches, stretch_of
from fusionguard.features.online.plan import Plan
from fusionguard.features.online.records import Recorded
from fusionguard.features.online.state import Event, Outcome
from fusionguard.features.online.transaction import unpack_keys

TOKEN_BYTES = 8
EARLIEST = b"l"
MEMORY, STRETCH, EVENT, ALIAS, MEETING = b"e", b"o", b"v", b"a", b"m"
"""How the keys of each kind of record begin; behind it are the 64 bits of what the record is of."""

_EVENT = struct.Struct("<qqBbH")
_PAIR = struct.Struct("<qq")
_KNOWN, _ANSWERED = 1, 2


class Value(NamedTuple):
    """What is at a key: ``token`` is new with each change; both are empty where nothing is."""

    token: bytes
    content: bytes

    @classmethod
    def of(cls, found: bytes | None) -> Value:
        """Return what Redis holds."""
        return NOTHING_THERE if not found else cls(found[:TOKEN_BYTES], found[TOKEN_BYTES:])


NOTHING_THERE = Value(b"", b"")

Read = Callable[[Sequence[bytes]], list[Value]]
"""Returns what is at keys."""


class RedisRecords:
    """:class:`~fusionguard.features.online.records.Records` that were read, and what is to be written in their place.

    Parameters
    ----------
    known
        What was read by its keys; what is read besides is added.
    read
        Reads what was not foreseen.
    """

    def __init__(self, known: dict[bytes, Value], read: Read) -> None:
        self.known, self.written, self.counts = known, dict[bytes, bytes](), dict[str, int]()
        self.used = dict[bytes, None]()
        self._read = read

    def earliest(self) -> int | None:
        """Return the second before which events are late."""
        found = self._get(EARLIEST)
        return int(found) if found else None

    def event(self, key: int) -> Recorded | None:
        """Return an event."""
        found = self._get(event_key(key))
        return unpack_event(found) if found else None

    def add_event(self, key: int, event: Recorded) -> None:
        """Add an event."""
        self.written[event_key(key)] = pack_event(event)

    def change_event(self, key: int, event: Recorded) -> None:
        """Change what is known of an event's outcome."""
        self.written[event_key(key)] = pack_event(event)

    def event_of_alias(self, key: int) -> int | None:
        """Return the key of the event that has an alias."""
        found = self._get(alias_key(key))
        return _PAIR.unpack(found)[0] if found else None

    def add_alias(self, key: int, event: int, second: int) -> None:
        """Add an alias."""
        if not self._get(alias_key(key)):
            self.written[alias_key(key)] = _PAIR.pack(event, second)

    def memories(self, entities: Sequence[int]) -> Mapping[int, bytes]:
        """Return what is remembered of entities' rows."""
        found = ((entity, self._get(memory_key(entity))) for entity in entities)
        return {entity: content[1:] for entity, content in found if content}

    def write_memories(self, memories: Sequence[tuple[int, int, bytes]]) -> None:
        """Write what is remembered of entities' rows."""
        for entity, layout, content in memories:
            self.written[memory_key(entity)] = bytes((layout,)) + content

    def stretches(self, entity: int, untils: range) -> Sequence[tuple[int, bytes]]:
        """Return those of an entity's stretches of outcomes that there are."""
        found = ((until, self._get(stretch_key(entity, until))) for until in untils)
        return [(until, content[1:]) for until, content in found if content]

    def stretch(self, entity: int, until: int) -> bytes | None:
        """Return one stretch of outcomes."""
        return self._get(stretch_key(entity, until))[1:] or None

    def write_stretches(self, stretches: Sequence[tuple[int, int, int, bytes]]) -> None:
        """Write stretches of outcomes."""
        for entity, until, layout, content in stretches:
            self.written[stretch_key(entity, until)] = bytes((layout,)) + content

    def last_meeting(self, entity: int, other: int, key: int, second: int) -> int | None:
        """Return when an entity met another one last before a second."""
        seconds = unpack_seconds(self._get(_meeting_key(entity, other, key)))
        before = bisect_left(seconds, second)
        return seconds[before - 1] if before else None

    def add_meetings(self, entity: int, meetings: Sequence[tuple[int, int, int]]) -> None:
        """Add meetings."""
        for other, key, second in meetings:
            at = _meeting_key(entity, other, key)
            self.written[at] = pack_seconds(sorted({*unpack_seconds(self._get(at)), second}))

    def count(self, name: str, more: int) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + more

    def _get(self, key: bytes) -> bytes:
        self.used[key] = None
        if (written := self.written.get(key)) is not None:
            return written
        if (found := self.known.get(key)) is None:
            (found,) = self._read([key])
            self.known[key] = found
        return found.content


def foreseen(plan: Plan, given: Iterable[Event | Outcome]) -> tuple[dict[bytes, None], dict[bytes, None]]:
    """Return the keys of the records that events and outcomes need: those by which they are known, and what they see."""
    names: dict[bytes, None] = {}
    seen: dict[bytes, None] = {EARLIEST: None}
    for each in given:
        names[event_key(key := plan.key("", each.id))] = None
        if isinstance(each, Outcome):
            names[alias_key(key)] = None
            continue
        if each.alias is not None and plan.tells:
            names[alias_key(plan.key("", each.alias))] = None
        keys = plan.keys(each)
        for layout in plan.layouts:
            if (entity := keys[layout.entity]) is None:
                continue
            if layout.of_rows:
                seen[memory_key(entity)] = None
            if layout.of_outcomes:
                untils = {*seen_stretches(layout, each.second)}
                if each.known is not None:
                    untils |= {stretch_of(layout, length, each.known)[1] for length in range(len(layout.outcome_lengths))}
                seen |= dict.fromkeys(stretch_key(entity, until) for until in sorted(untils))
    return names, seen


def foreseen_of_outcomes(plan: Plan, given: Sequence[Event | Outcome], known: Mapping[bytes, Value]) -> list[bytes]:
    """Return what outcomes need besides, as far as that can be told of what is known: events by their aliases, and stretches."""
    told = {each.id: each for each in given if isinstance(each, Event)}
    keys: dict[bytes, None] = {}
    for each in given:
        if not isinstance(each, Outcome):
            continue
        if (event := told.get(each.id)) is not None:
            own = plan.keys(event)
            entities, second = [own[layout.entity] for _, layout in plan.tells], event.known
        else:
            at = event_key(key := plan.key("", each.id))
            if not known[at].content and (alias := known[alias_key(key)].content):
                at = event_key(_PAIR.unpack(alias)[0])
            if at not in known:
                keys[at] = None
                continue
            if not (content := known[at].content):
                continue
            found = unpack_event(content)
            entities, second = unpack_keys(found.entities), found.known
        for (_, layout), entity in zip(plan.tells, entities, strict=True):
            if entity is not None:
                counted = each.second if second is None else second
                untils = (stretch_of(layout, length, counted)[1] for length in range(len(layout.outcome_lengths)))
                keys |= dict.fromkeys(stretch_key(entity, until) for until in untils)
    return [key for key in keys if key not in known]


def event_key(key: int) -> bytes:
    """Return where an event is."""
    return EVENT + key.to_bytes(8, "little", signed=True)


def alias_key(key: int) -> bytes:
    """Return where an alias is."""
    return ALIAS + key.to_bytes(8, "little", signed=True)


def memory_key(entity: int) -> bytes:
    """Return where the memory of an entity is."""
    return MEMORY + entity.to_bytes(8, "little", signed=True)


def stretch_key(entity: int, until: int) -> bytes:
    """Return where a stretch of an entity's outcomes is."""
    return STRETCH + _PAIR.pack(entity, until)


def until_of(key: bytes) -> int:
    """Return the last second of the stretch that is at a key."""
    return int(_PAIR.unpack(key[1:])[1])


def pack_event(event: Recorded) -> bytes:
    """Return an event as bytes."""
    flags = _KNOWN * (event.known is not None) | _ANSWERED * (event.answer is not None)
    head = _EVENT.pack(event.second, event.known or 0, flags, event.positive, len(event.entities))
    return head + event.entities + (event.answer or b"")


def unpack_event(content: bytes) -> Recorded:
    """Return the event that :func:`pack_event` packed; struct.error where it is damaged."""
    second, known, flags, positive, length = _EVENT.unpack_from(content)
    end = _EVENT.size + length
    answer = content[end:] if flags & _ANSWERED else None
    return Recorded(second, known if flags & _KNOWN else None, positive, content[_EVENT.size : end], answer)


def alias_second(content: bytes) -> int:
    """Return the second of the event that an alias is of."""
    return int(_PAIR.unpack(content)[1])


def pack_seconds(seconds: Sequence[int]) -> bytes:
    """Return seconds of meetings as bytes."""
    return struct.pack(f"<{len(seconds)}q", *seconds)


def unpack_seconds(content: bytes) -> list[int]:
    """Return what :func:`pack_seconds` packed."""
    return list(struct.unpack(f"<{len(content) // 8}q", content))


def _meeting_key(entity: int, other: int, key: int) -> bytes:
    return MEETING + struct.pack("<qBq", entity, other, key)
