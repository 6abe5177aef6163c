"""What of a plan is kept of one entity: which numbers, in tiles of which lengths, and where each memory is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from fusionguard.datasets.history import NUMERIC, OF_OTHERS, OF_OUTCOMES, Kind, Memory, Span

OUTCOME_TILES = 1_024
"""So many of the shortest tiles of outcomes are kept together, where the longest span has as many."""


class Field(NamedTuple):
    """A number that is added up, or the largest of: ``rows``, or a column's ``values``, ``hundredths`` or ``largest``."""

    kind: Kind
    of: str


class Level(NamedTuple):
    """Tiles of one length: how many lie before the present one at most, and which fields they hold."""

    tile_seconds: int
    tiles: int
    fields: tuple[int, ...]


class Asked(NamedTuple):
    """Where a memory is read: its place in the plan, its span, the field or the other entity that it is of, and its tiles.

    ``level`` is -1 where it has no tiles; ``held`` is the field's place among the level's.
    """

    place: int
    kind: Kind
    span: int
    at: int
    level: int = -1
    held: int = -1


@dataclass(frozen=True)
class Layout:
    """What is kept of one entity, found once for a plan.

    Parameters
    ----------
    entity
        Whose memories they are.
    plan
        All memories, of other entities, too: what is seen has their order.
    """

    entity: str
    plan: tuple[Memory, ...]

    @cached_property
    def of_rows(self) -> tuple[Memory, ...]:
        """The memories of the entity's rows."""
        return tuple(each for each in self.plan if each.entity == self.entity and each.kind not in OF_OUTCOMES)

    @cached_property
    def of_outcomes(self) -> tuple[Memory, ...]:
        """The memories of its outcomes."""
        return tuple(each for each in self.plan if each.entity == self.entity and each.kind in OF_OUTCOMES)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What is added up of a second's rows."""
        return tuple(dict.fromkeys(_field(each) for each in self.of_rows if _is_tiled(each)))

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The other entities whose values are remembered."""
        return tuple(dict.fromkeys(each.of for each in self.of_rows if each.kind in OF_OTHERS))

    @cached_property
    def met(self) -> frozenset[int]:
        """The places among the others of those that are asked for one by one."""
        return frozenset(self.others.index(each.of) for each in self.of_rows if each.kind == "met")

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The tiles of rows, shortest first."""
        fields = {each: place for place, each in enumerate(self.fields)}
        levels: dict[int, tuple[int, set[int]]] = {}
        for each in self.of_rows:
            if _is_tiled(each):
                tiles, held = levels.get(each.span.tile_seconds, (0, set()))
                levels[each.span.tile_seconds] = max(tiles, each.span.tiles), held | {fields[_field(each)]}
        return tuple(Level(length, tiles, tuple(sorted(held))) for length, (tiles, held) in sorted(levels.items()))

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The spans of the memories of rows, each once."""
        return tuple(dict.fromkeys(each.span for each in self.of_rows))

    @cached_property
    def span_levels(self) -> tuple[int, ...]:
        """The place of each span's level, -1 where it needs no tiles."""
        places = {each.tile_seconds: place for place, each in enumerate(self.levels)}
        return tuple(places.get(span.tile_seconds, -1) for span in self.spans)

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """Where the memories of rows are read."""
        order = [each.tile_seconds for each in self.levels]
        found = []
        for place, each in enumerate(self.plan):
            if each.entity == self.entity and each.kind not in OF_OUTCOMES:
                span = self.spans.index(each.span)
                if _is_tiled(each):
                    at, level = self.fields.index(_field(each)), order.index(each.span.tile_seconds)
                    found.append(Asked(place, each.kind, span, at, level, self.levels[level].fields.index(at)))
                else:
                    found.append(Asked(place, each.kind, span, self.others.index(each.of) if each.kind in OF_OTHERS else -1))
        return tuple(found)

    @cached_property
    def outcome_spans(self) -> tuple[Span, ...]:
        """The spans of the memories of outcomes, each once."""
        return tuple(dict.fromkeys(each.span for each in self.of_outcomes))

    @cached_property
    def outcome_lengths(self) -> tuple[int, ...]:
        """The lengths of outcomes' tiles in seconds, shortest first."""
        return tuple(sorted({each.tile_seconds for each in self.outcome_spans}))

    @cached_property
    def outcomes_asked(self) -> tuple[Asked, ...]:
        """Where the memories of outcomes are read; ``at`` is the place of the kind among those of outcomes."""
        return tuple(
            Asked(place, each.kind, self.outcome_spans.index(each.span), OF_OUTCOMES.index(each.kind))
            for place, each in enumerate(self.plan)
            if each in self.of_outcomes
        )

    @cached_property
    def outcome_seconds(self) -> int:
        """How long a time the outcomes that are kept together are of."""
        longest = max(each.seconds for each in self.outcome_spans)
        return min(longest, OUTCOME_TILES * self.outcome_lengths[0])

    def first_second(self, second: int) -> int:
        """Return the first second that a row of this second sees rows of."""
        return min(span.start(second) for span in self.spans)


def layouts_of(plan: Iterable[Memory]) -> tuple[Layout, ...]:
    """Return what is kept of each entity of a plan."""
    fixed: Sequence[Memory] = tuple(plan)
    return tuple(Layout(entity, tuple(fixed)) for entity in dict.fromkeys(each.entity for each in fixed))


def _is_tiled(memory: Memory) -> bool:
    return memory.kind == "rows" or memory.kind in NUMERIC


def _field(memory: Memory) -> Field:
    return Field(memory.kind, memory.of)
