"""What windows remember, computed the slow way: every row looks through all rows, by the words of the plan alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fusionguard.datasets.history import Memory


@dataclass(frozen=True)
class Event:
    """A row: when it happened, whose it is, its numbers in hundredths, its outcome with the second in which it is known, and when
    the row arrived, where that was not at once."""

    second: int
    of: dict[str, str | None]
    numbers: dict[str, int | None] = field(default_factory=dict)
    positive: int | None = None
    known: int | None = None
    observed: int | None = None

    @property
    def arrived(self) -> int:
        """When it was there to be seen."""
        return self.second if self.observed is None else max(self.observed, self.second)


def remembered(memory: Memory, events: Sequence[Event], row: int) -> int | None:
    """Return what a row sees of the other rows."""
    now = events[row]
    mine = now.of[memory.entity]
    if mine is None or (memory.kind == "met" and now.of[memory.of] is None):
        return None
    since = 0
    while since > now.second or since + memory.span.tile_seconds <= now.second:  # the beginning of the present tile
        since += memory.span.tile_seconds if since < now.second else -memory.span.tile_seconds
    tile, since = since, since - memory.span.tiles * memory.span.tile_seconds
    same = [each for each in events if each.of[memory.entity] == mine and each.arrived <= now.arrived]
    outcomes = [(e.known, e.positive) for e in same if e.known is not None and e.positive is not None]
    told = [(known, positive) for known, positive in outcomes if since <= known < tile]
    if memory.kind in ("last_positive", "last_negative"):
        wanted = [known for known, positive in told if positive == int(memory.kind == "last_positive")]
        return now.second - max(wanted) // memory.span.tile_seconds * memory.span.tile_seconds if wanted else None
    if memory.kind == "run":
        ended = {known // memory.span.tile_seconds for known, positive in told if not positive}
        run = [
            tile
            for tile in {known // memory.span.tile_seconds for known, positive in told if positive}
            if all(other < tile for other in ended)
        ]
        return now.second - min(run) * memory.span.tile_seconds if run else None
    if memory.kind in ("known", "positive"):
        return len(told) if memory.kind == "known" else sum(positive for _, positive in told)
    before = [each for each in same if since <= each.second < now.second]
    if memory.kind == "rows":
        return len(before)
    if memory.kind == "last":
        return min((now.second - each.second for each in before), default=None)
    if memory.kind == "met":
        return int(any(each.of[memory.of] == now.of[memory.of] for each in before))
    if memory.kind == "others":
        return len({each.of[memory.of] for each in before if each.of[memory.of] is not None})
    values = [value for each in before if (value := each.numbers[memory.of]) is not None]
    if memory.kind == "values":
        return len(values)
    return sum(values) if memory.kind == "hundredths" else max(values, default=None)
