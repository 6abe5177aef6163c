"""Numbers that stand where a value is missing: -1, 9999 and the like, far from everything else in their column."""

from __future__ import annotations

import numpy as np

from fusionguard.datasets.inspection.opened_table import OpenedTable
from fusionguard.datasets.inspection.profile import Column, Profile

_LOW = (-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, -999999.0)
_HIGH = (99.0, 999.0, 9999.0, 99999.0, 999999.0, 9999999.0)
_FEWEST_VALUES = 6
_FEWEST_ROWS = 5
_SHARE = 0.001
_FAR = 0.25
"""How far the number must lie from the next one, as a share of the range of the others."""


def find_sentinels(table: OpenedTable, profile: Profile) -> dict[str, tuple[float, int]]:
    """Return of each column of numbers that has one the number that stands for a missing value, and how many rows have it."""
    found = {}
    for column in profile.columns:
        number = _suspect(column)
        if number is None:
            continue
        rows, low, high, values = table.ask(
            f"SELECT count(*) FILTER (WHERE v = {number}), min(v) FILTER (WHERE v <> {number}), "
            f"max(v) FILTER (WHERE v <> {number}), approx_count_distinct(v) FROM (SELECT {column.sql} AS v FROM {table.relation})"
        )[0]
        if rows < max(_FEWEST_ROWS, _SHARE * column.filled) or values < _FEWEST_VALUES or low is None:
            continue
        if _is_far(number, float(low), float(high)):
            found[column.name] = (number, int(rows))
    return found


def _suspect(column: Column) -> float | None:
    """Return the smallest or largest number of a column where it is one that people write for a missing value."""
    if column.form.kind != "number" or column.personal or column.distinct < _FEWEST_VALUES:
        return None
    if column.smallest in _LOW:
        return column.smallest
    return column.largest if column.largest in _HIGH else None


def _is_far(number: float, low: float, high: float) -> bool:
    spread = high - low
    if number < 0:
        # -1 below what is never negative needs no distance: it is of another kind.
        return low >= 0 or low - number > _FAR * spread
    return bool(number - high > _FAR * spread and np.isfinite(spread))
