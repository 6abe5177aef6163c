"""The outcomes of one entity that become known in one stretch of time: tiles of how many, and of how many positive ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from fusionguard.datasets.history import Span
from fusionguard.features.online.layout import Layout
from fusionguard.features.online.packing import pack, unpack


class OutcomeTiles:
    """Tiles of outcomes.

    Parameters
    ----------
    layout
        Whose ``outcome_lengths`` the tiles have.
    content
        What :meth:`to_bytes` returned; ValueError where it is damaged.
    """

    __slots__ = ("_layout", "_tiles")

    def __init__(self, layout: Layout, content: bytes | None = None) -> None:
        self._layout = layout
        lists = [[] for _ in range(3 * len(layout.outcome_lengths))] if content is None else unpack(content)
        if len(lists) != 3 * len(layout.outcome_lengths):
            raise ValueError("it lacks lists")
        self._tiles: list[list[list[int]]] = [lists[at : at + 3] for at in range(0, len(lists), 3)]

    def to_bytes(self) -> bytes:
        """Return all tiles."""
        return pack([each for tiles in self._tiles for each in tiles], range(0, 3 * len(self._tiles), 3))

    def add(self, length: int, index: int, known: int, positive: int) -> None:
        """Add outcomes to a tile; ``length`` is a place among the layout's, ``index`` the tile's number since the epoch."""
        indexes, *counted = self._tiles[length]
        at = bisect_left(indexes, index)
        if at == len(indexes) or indexes[at] != index:
            indexes.insert(at, index)
            counted[0].insert(at, known)
            counted[1].insert(at, positive)
        else:
            counted[0][at] += known
            counted[1][at] += positive

    def sums(self, length: int, span: Span, second: int) -> tuple[int, int]:
        """Return the outcomes, and the positive ones, of the tiles that a row of this second sees."""
        indexes, known, positive = self._tiles[length]
        present = second // span.tile_seconds
        first, end = bisect_left(indexes, present - span.tiles), bisect_left(indexes, present)
        return sum(known[first:end]), sum(positive[first:end])


def stretch_of(layout: Layout, length: int, second: int) -> tuple[int, int]:
    """Return the tile of outcomes that are known in a second, and the last second of the stretch that holds it."""
    tile = second // (seconds := layout.outcome_lengths[length])
    return tile, (tile * seconds // layout.outcome_seconds + 1) * layout.outcome_seconds - 1


def seen_stretches(layout: Layout, second: int) -> tuple[int, int]:
    """Return the last seconds of the first and the last stretch that a row of this second sees."""
    first = min(stretch_of(layout, 0, span.start(second))[1] for span in layout.outcome_spans)
    return first, stretch_of(layout, 0, second)[1]


def read_outcomes(layout: Layout, stretches: Sequence[OutcomeTiles], second: int, seen: list[int | None]) -> None:
    """Write what a row of a second sees of outcomes into its places in ``seen``."""
    for place, _, span, length, at in layout.outcomes_asked:
        seen[place] = sum(each.sums(length, layout.outcome_spans[span], second)[at] for each in stretches)
