"""The outcomes of one entity that become known in one stretch of time: tiles of how many, and of how many positive ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from fusionguard.datasets.history import Kind, Span
from fusionguard.features.online.layout import Layout
from fusionguard.features.online.packing import pack, unpack


class OutcomeTiles:
    """Tiles of outcomes, numbered from the beginning of their stretch.

    Parameters
    ----------
    layout
        Whose ``outcome_lengths`` the tiles have.
    until
        The last second of the stretch.
    content
        What :meth:`to_bytes` returned; ValueError where it is damaged.
    """

    __slots__ = ("_firsts", "_tiles")

    def __init__(self, layout: Layout, until: int, content: bytes | None = None) -> None:
        lists: list[list[int]] = [[] for _ in range(3 * len(layout.outcome_lengths))] if content is None else unpack(content)
        if len(lists) != 3 * len(layout.outcome_lengths):
            raise ValueError("it lacks lists")
        self._tiles = [lists[at : at + 3] for at in range(0, len(lists), 3)]
        begin = until + 1 - layout.outcome_seconds
        self._firsts = [begin // length for length in layout.outcome_lengths]

    def to_bytes(self) -> bytes:
        """Return all tiles."""
        return pack([each for tiles in self._tiles for each in tiles])

    def add(self, length: int, tile: int, known: int, positive: int) -> None:
        """Add outcomes to a tile; ``length`` is a place among the layout's, ``tile`` the number since the epoch."""
        indexes, *counted = self._tiles[length]
        index = tile - self._firsts[length]
        at = bisect_left(indexes, index)
        if at == len(indexes) or indexes[at] != index:
            indexes.insert(at, index)
            counted[0].insert(at, known)
            counted[1].insert(at, positive)
        else:
            counted[0][at] += known
            counted[1][at] += positive

    def sums(self, length: int, first: int, end: int) -> tuple[int, int]:
        """Return the outcomes, and the positive ones, of the tiles from one to before another."""
        indexes, known, positive = self._tiles[length]
        begin = bisect_left(indexes, first - self._firsts[length])
        stop = bisect_left(indexes, end - self._firsts[length], begin)
        return (sum(known[begin:stop]), sum(positive[begin:stop])) if begin < stop else (0, 0)

    def of_kinds(self, length: int, first: int, end: int) -> Iterator[tuple[int, bool, bool]]:
        """Yield the tiles from before one back to another that hold outcomes: which, and whether positive and negative ones."""
        indexes, known, positive = self._tiles[length]
        begin = bisect_left(indexes, first - self._firsts[length])
        for at in range(bisect_left(indexes, end - self._firsts[length], begin) - 1, begin - 1, -1):
            yield indexes[at] + self._firsts[length], positive[at] > 0, known[at] > positive[at]


def stretch_of(layout: Layout, length: int, second: int) -> tuple[int, int]:
    """Return the tile of outcomes that are known in a second, and the last second of the stretch that holds it."""
    tile = second // (seconds := layout.outcome_lengths[length])
    return tile, (tile * seconds // layout.outcome_seconds + 1) * layout.outcome_seconds - 1


def seen_stretches(layout: Layout, second: int) -> range:
    """Return the last seconds of the stretches that a row of this second sees."""
    first = min(stretch_of(layout, 0, span.start(second))[1] for span in layout.outcome_spans)
    return range(first, stretch_of(layout, 0, second)[1] + 1, layout.outcome_seconds)


def read_outcomes(layout: Layout, stretches: Sequence[OutcomeTiles], second: int, seen: list[int | None]) -> None:
    """Write what a row of a second sees of outcomes into its places in ``seen``."""
    found: list[tuple[int, int]] = []
    for span in layout.outcome_spans:
        length, end = layout.outcome_lengths.index(span.tile_seconds), second // span.tile_seconds
        known = positive = 0
        for each in stretches:
            some = each.sums(length, end - span.tiles, end)
            known, positive = known + some[0], positive + some[1]
        found.append((known, positive))
    for asked in layout.outcomes_asked:
        if asked.kind in ("known", "positive"):
            seen[asked.place] = found[asked.span][asked.at]
        elif (tile := _tile_of(asked.kind, layout.outcome_spans[asked.span], layout, stretches, second)) is not None:
            seen[asked.place] = second - tile * layout.outcome_spans[asked.span].tile_seconds


def _tile_of(kind: Kind, span: Span, layout: Layout, stretches: Sequence[OutcomeTiles], second: int) -> int | None:
    """Return the tile that a memory of a kind asks for, looking back from the latest; ``stretches`` ascend."""
    length, end = layout.outcome_lengths.index(span.tile_seconds), second // span.tile_seconds
    began = None
    for stretch in reversed(stretches):
        for tile, positive, negative in stretch.of_kinds(length, end - span.tiles, end):
            if kind != "run" and (positive if kind == "last_positive" else negative):
                return tile
            if kind == "run" and negative:
                return began
            if kind == "run" and positive:
                began = tile
    return began
