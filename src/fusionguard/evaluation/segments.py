"""Rows cut into segments that people think in: by bands, by categories, by the time of day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from fusionguard.evaluation.scored import Flags, Integers
from fusionguard.features.definition import Segmentation

NOT_KNOWN = "not known"
"""The segment of rows that miss the value by which rows are cut."""


@dataclass(frozen=True)
class Segments:
    """One way in which n rows are cut.

    Parameters
    ----------
    name
        What the segments are called together.
    names
        The segments; one may hold no row.
    place
        (n,) int64, which of ``names`` each row is in.
    """

    name: str
    names: tuple[str, ...]
    place: Integers

    def take(self, chosen: Flags) -> Segments:
        """Return the rows where ``chosen`` (n,) is true."""
        return replace(self, place=self.place[chosen])

    def parts(self) -> Iterator[tuple[str, Flags]]:
        """Yield each segment with (n,) flags of its rows."""
        yield from ((name, self.place == number) for number, name in enumerate(self.names))


def cut_rows(rows: pa.Table, cuts: Sequence[Segmentation]) -> tuple[Segments, ...]:
    """Cut rows in each of some ways, by the SQL of each; segments that have names are there even without rows."""
    import duckdb  # a service reads no table

    if not cuts:
        return ()
    with duckdb.connect() as database:
        database.register("given", rows)
        expressions = ", ".join(f"({cut.expression}) AS _cut_{number}" for number, cut in enumerate(cuts))
        found = database.sql(f"SELECT {expressions} FROM given").to_arrow_table()
    return tuple(_segments(cut, found[f"_cut_{number}"].to_pylist()) for number, cut in enumerate(cuts))


def _segments(cut: Segmentation, keys: list[int | str | None]) -> Segments:
    known = list(cut.names)
    strange = sorted({key for key in keys if key is not None} - set(known), key=lambda key: (isinstance(key, str), key))
    order: list[int | str | None] = [*known, *strange, *([None] if None in keys else [])]
    places = {key: number for number, key in enumerate(order)}
    names = tuple(NOT_KNOWN if key is None else cut.names.get(key, str(key)) for key in order)
    return Segments(cut.name, names, np.array([places[key] for key in keys], dtype=np.int64))
