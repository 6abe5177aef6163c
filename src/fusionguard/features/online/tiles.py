"""Tiles of one entity's rows: what was added up of each stretch of time, for the spans that ask for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from fusionguard.datasets.history import LARGEST_HUNDREDTHS
from fusionguard.features.online.layout import Layout
from fusionguard.features.online.packing import pack, unpack

NOTHING = -LARGEST_HUNDREDTHS - 1
"""The largest of no numbers."""


class Tiles:
    """Tiles of each length that a layout asks for; ``fields`` are, by level and field, the numbers of all tiles.

    Parameters
    ----------
    layout
        What is kept.
    content
        What :meth:`to_bytes` returned; without it, there are none yet. ValueError where it is damaged.
    """

    __slots__ = ("_content", "_indexes", "_layout", "fields")

    def __init__(self, layout: Layout, content: bytes = b"") -> None:
        self._layout, self._content = layout, content
        self._indexes: list[list[int]] = [[] for _ in layout.levels]
        self.fields: list[list[list[int]]] = [[[] for _ in level.fields] for level in layout.levels]
        if content:
            lists = iter(unpack(content))
            try:
                for level, fields in enumerate(self.fields):
                    self._indexes[level] = next(lists)
                    fields[:] = [next(lists) for _ in fields]
            except StopIteration:
                raise ValueError("it lacks lists") from None

    def to_bytes(self) -> bytes:
        """Return all tiles; none take no room."""
        if not self._content and self:
            lists: list[Sequence[int]] = []
            ascending = []
            for indexes, fields in zip(self._indexes, self.fields, strict=True):
                ascending.append(len(lists))
                lists += [indexes, *fields]
            self._content = pack(lists, ascending)
        return self._content

    def __bool__(self) -> bool:
        return any(self._indexes)

    def between(self, level: int, first_second: int, end_second: int | None) -> slice:
        """Return where a level's tiles stand: from that of ``first_second`` to before that of ``end_second``, or to the last."""
        if level < 0:
            return slice(0)
        indexes, seconds = self._indexes[level], self._layout.levels[level].tile_seconds
        end = len(indexes) if end_second is None else bisect_left(indexes, end_second // seconds)
        return slice(bisect_left(indexes, first_second // seconds), end)

    def add(self, second: int, amounts: Sequence[int]) -> None:
        """Add what a second's rows add up to."""
        self._content = b""
        for level, indexes, fields in zip(self._layout.levels, self._indexes, self.fields, strict=True):
            index = second // level.tile_seconds
            at = bisect_left(indexes, index)
            new = at == len(indexes) or indexes[at] != index
            if new:
                indexes.insert(at, index)
            kinds = [self._layout.fields[field].kind for field in level.fields]
            add_up(kinds, fields, at, [amounts[field] for field in level.fields], new)

    def forget(self, earliest: int) -> None:
        """Forget what no row of this second or a later one sees."""
        for level, indexes, fields in zip(self._layout.levels, self._indexes, self.fields, strict=True):
            gone = bisect_left(indexes, earliest // level.tile_seconds - level.tiles)
            if gone:
                self._content = b""
                del indexes[:gone]
                for field in fields:
                    del field[:gone]


def amounts_of(layout: Layout, numbers: Sequence[int | None]) -> list[int]:
    """Return what a row adds to each field of a layout; ``numbers`` has the number of the column that each field is of."""
    return [_amount(kind, number) for (kind, _), number in zip(layout.fields, numbers, strict=True)]


def add_up(kinds: Iterable[str], fields: Iterable[list[int]], at: int, amounts: Sequence[int], new: bool) -> None:
    """Add amounts to what fields have at a place, or insert them there."""
    for kind, field, amount in zip(kinds, fields, amounts, strict=True):
        if new:
            field.insert(at, amount)
        elif kind == "largest":
            field[at] = max(field[at], amount)
        else:
            field[at] += amount


def _amount(kind: str, number: int | None) -> int:
    if kind == "rows":
        return 1
    if number is None:
        return NOTHING if kind == "largest" else 0
    return 1 if kind == "values" else number
