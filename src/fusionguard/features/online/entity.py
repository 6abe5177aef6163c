"""What is remembered of one entity's rows: its latest seconds one by one, and tiles of all that was before.

A row may come late, and then sees the rows of earlier seconds alone. So the latest :data:`MOST_SECONDS` different seconds are
kept apart, each as one sum however many rows it has; what is older is folded into tiles. A row that is not later than what was
folded cannot be told exactly what was before it; rows after it see it where it belongs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from fusionguard.datasets.history import LARGEST_HUNDREDTHS, MOST_OTHERS
from fusionguard.features.online.layout import Layout
from fusionguard.features.online.packing import pack, unpack

MOST_SECONDS = 64
"""So many different seconds are kept apart: a row that is less late than that, in seconds, is always exact."""

MOST_RECENT_OTHERS = 4 * MOST_OTHERS
"""So many values of another entity are kept with the seconds apart; where there are more, fewer seconds are."""

_NEVER = -(2**62)
_NOTHING = -LARGEST_HUNDREDTHS - 1

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

    __slots__ = ("_cut", "_fields", "_folded", "_indexes", "_layout", "_others", "_seconds", "_tiles", "_when")

    def __init__(self, layout: Layout, content: bytes | None = None) -> None:
        self._layout = layout
        if content is None:
            self._folded, self._cut = _NEVER, 0
            self._seconds: list[int] = []
            self._fields: list[list[int]] = [[] for _ in layout.fields]
            self._indexes: list[list[int]] = [[] for _ in layout.levels]
            self._tiles: list[list[list[int]]] = [[[] for _ in level.fields] for level in layout.levels]
            self._when: list[list[int]] = [[] for _ in layout.others]
            self._others: list[list[int]] = [[] for _ in layout.others]
            return
        lists = iter(unpack(content))
        try:
            (self._folded,), (self._cut,), self._seconds = next(lists) or [_NEVER], next(lists), next(lists)
            self._fields = [next(lists) for _ in layout.fields]
            self._indexes, self._tiles, self._when, self._others = [], [], [], []
            for level in layout.levels:
                self._indexes.append(next(lists))
                self._tiles.append([next(lists) for _ in level.fields])
            for _ in layout.others:
                self._when.append(next(lists))
                self._others.append(next(lists))
        except StopIteration:
            raise ValueError("it lacks lists") from None

    def to_bytes(self) -> bytes:
        """Return all that is remembered."""
        lists: list[Sequence[int]] = [[] if self._folded == _NEVER else [self._folded], [self._cut], self._seconds, *self._fields]
        for indexes, fields in zip(self._indexes, self._tiles, strict=True):
            lists += [indexes, *fields]
        for when, others in zip(self._when, self._others, strict=True):
            lists += [when, others]
        return pack(lists)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered."""
        return not (self._seconds or any(self._indexes) or any(self._when))

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
        for place, kind, span, level, at in layout.asked:
            if level >= 0:
                asked, indexes = layout.levels[level], self._indexes[level]
                first = bisect_left(indexes, starts[span] // asked.tile_seconds)
                end = len(indexes) if exact else bisect_left(indexes, second // asked.tile_seconds)
                tiles = self._tiles[level][asked.fields.index(at)][first:end]
                recent = self._fields[at][froms[span] : before]
                if kind != "largest":
                    seen[place] = sum(tiles) + sum(recent)
                else:
                    largest = max(max(tiles, default=_NOTHING), max(recent, default=_NOTHING))
                    seen[place] = None if largest == _NOTHING else largest
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
            self._add_to_tiles(second, amounts)
            self.forget(self._folded)
        else:
            at = bisect_left(self._seconds, second)
            new = at == len(self._seconds) or self._seconds[at] != second
            if new:
                self._seconds.insert(at, second)
            _add(self._layout.fields, self._fields, at, amounts, new)
            self._fold(cuts)
        for cut in cuts:
            self._cut |= 1 << cut.other
        return [cut for cut in cuts if cut.other in self._layout.met]

    def forget(self, earliest: int) -> None:
        """Forget what no row of this second or a later one sees."""
        for level, indexes, fields in zip(self._layout.levels, self._indexes, self._tiles, strict=True):
            gone = bisect_left(indexes, earliest // level.tile_seconds - level.tiles)
            if gone:
                del indexes[:gone]
                for field in fields:
                    del field[:gone]
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
        while len(self._seconds) > MOST_SECONDS or (len(self._seconds) > 1 and self._is_crowded()):
            self._folded = self._seconds.pop(0)
            self._add_to_tiles(self._folded, [field.pop(0) for field in self._fields])
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

    def _add_to_tiles(self, second: int, amounts: Sequence[int]) -> None:
        for level, indexes, fields in zip(self._layout.levels, self._indexes, self._tiles, strict=True):
            index = second // level.tile_seconds
            at = bisect_left(indexes, index)
            new = at == len(indexes) or indexes[at] != index
            if new:
                indexes.insert(at, index)
            kinds = [self._layout.fields[field] for field in level.fields]
            _add(kinds, fields, at, [amounts[field] for field in level.fields], new)


def amounts_of(layout: Layout, numbers: Sequence[int | None]) -> list[int]:
    """Return what a row adds to each field of a layout; ``numbers`` has the number of the column that each field is of."""
    return [_amount(kind, number) for (kind, _), number in zip(layout.fields, numbers, strict=True)]


def _amount(kind: str, number: int | None) -> int:
    if kind == "rows":
        return 1
    if number is None:
        return _NOTHING if kind == "largest" else 0
    return 1 if kind == "values" else number


def _add(kinds: Iterable[tuple[str, str]], fields: Iterable[list[int]], at: int, amounts: Sequence[int], new: bool) -> None:
    for (kind, _), field, amount in zip(kinds, fields, amounts, strict=True):
        if new:
            field.insert(at, amount)
        elif kind == "largest":
            field[at] = max(field[at], amount)
        else:
            field[at] += amount
