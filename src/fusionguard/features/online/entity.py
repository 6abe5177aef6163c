"""What is remembered of one entity's rows: its latest seconds one by one, and tiles of all that was before.

A row may come late, and then sees the rows of earlier seconds alone. So the latest :data:`MOST_SECONDS` different seconds are
kept apart, each as one sum however many rows it has; what is older is folded into tiles. A row that is not later than what was
folded cannot be told exactly what was before it; rows after it see it where it belongs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fusionguard.datasets.history import MOST_OTHERS
from fusionguard.features.online.layout import Layout
from fusionguard.features.online.packing import pack, unpack
from fusionguard.features.online.tiles import NOTHING, Tiles, add_up

MOST_SECONDS = 64
"""So many different seconds are kept apart: a row that is less late than that, in seconds, is always exact."""

FOLDED_AT_ONCE = 32
"""So many more seconds come together before they are folded, all at once."""

MOST_RECENT_OTHERS = 4 * MOST_OTHERS
"""So many values of another entity are kept with the seconds apart; where there are more, fewer seconds are."""

_NEVER = -(2**62)
_LENGTH_BYTES = 4

Elsewhere = Callable[[int, int, int], int | None]
"""Returns when another entity's value (its place among the others, its key) was met last before a second, of what was cut."""


class Cut(NamedTuple):
    """A meeting that the memory has no room for: the place of the other among the layout's, its key, and the second."""

    other: int
    key: int
    second: int


class EntityMemory:
    """The rows of one entity.

    Parameters
    ----------
    layout
        What is kept.
    content
        What :meth:`to_bytes` returned; without it, nothing is remembered yet. ValueError where it is damaged.
    """

    __slots__ = ("_cut", "_fields", "_folded", "_layout", "_others", "_seconds", "_tiles", "_when")

    def __init__(self, layout: Layout, content: bytes | None = None) -> None:
        self._layout = layout
        self._folded, self._cut = _NEVER, 0
        self._seconds: list[int] = []
        self._fields: list[list[int]] = [[] for _ in layout.fields]
        self._when: list[list[int]] = [[] for _ in layout.others]
        self._others: list[list[int]] = [[] for _ in layout.others]
        self._tiles = Tiles(layout)
        if content is not None:
            self._read_bytes(content)

    def to_bytes(self) -> bytes:
        """Return all that is remembered: how long the first part is, the latest seconds, and the tiles."""
        folded = [] if self._folded == _NEVER else [self._folded]
        recent = pack([[self._cut], folded, self._seconds, *self._fields, *self._when, *self._others])
        return len(recent).to_bytes(_LENGTH_BYTES, "little") + recent + self._tiles.to_bytes()

    def _read_bytes(self, content: bytes) -> None:
        end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
        lists = iter(unpack(content[_LENGTH_BYTES:end]))
        try:
            (self._cut,), folded, self._seconds = next(lists), next(lists), next(lists)
            for all_of_them in (self._fields, self._when, self._others):
                all_of_them[:] = [next(lists) for _ in all_of_them]
        except StopIteration:
            raise ValueError("it lacks lists") from None
        self._folded = folded[0] if folded else _NEVER
        self._tiles = Tiles(self._layout, content[end:])

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered."""
        return not (self._seconds or self._tiles or any(self._when))

    def read(self, second: int, others: Sequence[int | None], seen: list[int | None], elsewhere: Elsewhere) -> bool:
        """Write what a row of a second sees into its places in ``seen``; return whether that is exact.

        Parameters
        ----------
        second
            The row's.
        others
            The keys of the other entities, in the order of the layout.
        seen
            As long as the plan.
        elsewhere
            Asked for meetings that were cut.
        """
        layout, exact = self._layout, second > self._folded
        before = bisect_left(self._seconds, second)
        starts = [span.start(second) for span in layout.spans]
        froms = [bisect_left(self._seconds, start, 0, before) for start in starts]
        end = None if exact else second
        tiled = [self._tiles.between(at, start, end) for at, start in zip(layout.span_levels, starts, strict=True)]
        fields, tiles = self._fields, self._tiles.fields
        for place, kind, span, at, level, held in layout.asked:
            if level >= 0:
                numbers = fields[at][froms[span] : before] + tiles[level][held][tiled[span]]
                if kind != "largest":
                    seen[place] = sum(numbers)
                else:
                    largest = max(numbers, default=NOTHING)
                    seen[place] = None if largest == NOTHING else largest
            elif kind == "last":
                last = self._seconds[before - 1] if before else self._folded if exact else _NEVER
                seen[place] = None if last < starts[span] else second - last
            elif kind == "others":
                when = self._when[at]
                met = self._others[at][bisect_left(when, starts[span]) : bisect_left(when, second)]
                seen[place] = min(len(set(met)), MOST_OTHERS)
            else:
                seen[place] = self._met(at, others[at], starts[span], second, elsewhere)
        return exact

    def add(self, second: int, amounts: Sequence[int], others: Sequence[int | None]) -> list[Cut]:
        """Remember a row; return the meetings for which there is no room.

        Parameters
        ----------
        second
            When it happened.
        amounts
            What it adds to each field: see :func:`amounts_of`.
        others
            The keys of the other entities, in the order of the layout.
        """
        cuts: list[Cut] = []
        for place, key in enumerate(others):
            if key is not None:
                self._meet(place, key, second, cuts)
        if second <= self._folded:
            self._tiles.add(second, amounts)
            self.forget(self._folded)
        else:
            at = bisect_left(self._seconds, second)
            new = at == len(self._seconds) or self._seconds[at] != second
            if new:
                self._seconds.insert(at, second)
            add_up([kind for kind, _ in self._layout.fields], self._fields, at, amounts, new)
            self._fold(cuts)
        for cut in cuts:
            self._cut |= 1 << cut.other
        return [cut for cut in cuts if cut.other in self._layout.met]

    def forget(self, earliest: int) -> None:
        """Forget what no row of this second or a later one sees."""
        self._tiles.forget(earliest)
        first = self._layout.first_second(earliest)
        for times, lists in ((self._seconds, self._fields), *((w, [o]) for w, o in zip(self._when, self._others, strict=True))):
            gone = bisect_left(times, first)
            if gone:
                del times[:gone]
                for each in lists:
                    del each[:gone]

    def _met(self, at: int, key: int | None, start: int, second: int, elsewhere: Elsewhere) -> int | None:
        if key is None:
            return None
        when = self._when[at]
        if key in self._others[at][bisect_left(when, start) : bisect_left(when, second)]:
            return 1
        last = elsewhere(at, key, second) if self._cut >> at & 1 else None
        return int(last is not None and last >= start)

    def _meet(self, place: int, key: int, second: int, cuts: list[Cut]) -> None:
        when, others = self._when[place], self._others[place]
        first, end = bisect_left(when, second), bisect_right(when, second)
        if key in others[first:end]:
            return
        if second <= self._folded:
            folded = bisect_right(when, self._folded)
            if key in others[end:folded]:
                return  # of what is folded, the last meeting is kept
            if key in others[:first]:
                known = others.index(key)
                del when[known], others[known]
                end -= 1
        elif end - first >= MOST_OTHERS:
            cuts.append(Cut(place, key, second))
            return
        when.insert(end, second)
        others.insert(end, key)
        if second <= self._folded:
            self._cut_folded(place, cuts)

    def _fold(self, cuts: list[Cut]) -> None:
        folded = self._folded
        most = len(self._seconds) if len(self._seconds) <= MOST_SECONDS + FOLDED_AT_ONCE else MOST_SECONDS
        while len(self._seconds) > most or (len(self._seconds) > 1 and self._is_crowded()):
            self._folded = self._seconds.pop(0)
            self._tiles.add(self._folded, [field.pop(0) for field in self._fields])
            for place, (when, others) in enumerate(zip(self._when, self._others, strict=True)):
                first, end = bisect_left(when, self._folded), bisect_right(when, self._folded)
                again = set(others[first:end])
                for known in [at for at, key in enumerate(others[:first]) if key in again][::-1]:
                    del when[known], others[known]
                self._cut_folded(place, cuts)
        if self._folded != folded:
            self.forget(self._folded)

    def _is_crowded(self) -> bool:
        return any(len(when) - bisect_right(when, self._folded) > MOST_RECENT_OTHERS for when in self._when)

    def _cut_folded(self, place: int, cuts: list[Cut]) -> None:
        when, others = self._when[place], self._others[place]
        surplus = bisect_right(when, self._folded) - MOST_OTHERS
        if surplus > 0:
            cuts += [Cut(place, key, second) for key, second in zip(others[:surplus], when[:surplus], strict=True)]
            del when[:surplus], others[:surplus]
