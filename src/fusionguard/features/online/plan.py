"""A plan as a state reads it: its layouts, the keys of texts, and answers as bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from hashlib import blake2b

from fusionguard.datasets.history import MOST_OTHERS, Kind, Memory
from fusionguard.errors import DataError
from fusionguard.features.online.layout import layouts_of
from fusionguard.features.online.packing import pack, unpack
from fusionguard.features.online.state import Event, Remembered
from fusionguard.features.online.tiles import amounts_of

_WIDE: tuple[Kind, ...] = ("hundredths", "largest", "last", "last_positive", "last_negative", "run")


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

    def pseudonym(self, entity: str, text: str) -> int:
        """Return 64 bits that stand for an entity outside the state: none of the keys inside, so that nobody finds it by them."""
        return self.key(f"outside {entity}", text)

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
        return pack([[int(exact), *unknown], *([seen[place] or 0 for place in places] for places in self._written)])

    def answer(self, content: bytes) -> Remembered:
        """Return what :meth:`pack_answer` packed; ValueError where it is damaged."""
        (exact, *unknown), *numbers = unpack(content)
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


def fingerprint(plan: Sequence[Memory]) -> str:
    """Return what tells plans apart that remember other things."""
    told = [(each.name, each.entity, each.kind, each.of, each.span.tile_seconds, each.span.tiles) for each in plan]
    return hashlib.sha256(json.dumps([MOST_OTHERS, sorted(told)]).encode()).hexdigest()
