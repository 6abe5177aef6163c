"""A cell of a declared data set as what it means, one value at a time: what :mod:`table_rows` says in SQL of a whole column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, isnan
from typing import Any

from fusionguard.datasets.declared_values import Scalar, as_text

_WRITTEN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_LARGEST_WHOLE = 1e15
"""From here on, a double is written with an exponent or as it is: it tells no whole number any more."""


@dataclass(frozen=True)
class Marks:
    """What stands in a column where nothing is known, besides an empty cell: as texts, and as numbers."""

    texts: frozenset[str]
    numbers: frozenset[float]

    @classmethod
    def of(cls, declared: Sequence[Scalar]) -> Marks:
        """Return the marks of a column, as its declaration has them."""
        numbers = (each for each in declared if isinstance(each, int | float) and not isinstance(each, bool))
        return cls(frozenset({"", *map(as_text, declared)}), frozenset(map(float, numbers)))

    def hide(self, value: Any) -> bool:
        """Whether a cell holds nothing: null, NaN, blanks, or what is declared to mean it."""
        if value is None:
            return True
        if isinstance(value, str):
            text = value.strip(" ")
            return text in self.texts or (bool(self.numbers) and _written(text) in self.numbers)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return value != value or value in self.numbers


def as_number(value: Any) -> float | None:
    """Return a cell as a double, in texts one that is written like a number; None for what is no finite number."""
    if isinstance(value, str):
        number = _written(value.strip(" "))
    elif isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
    else:
        return None
    return number if number is not None and isfinite(number) else None


def as_category(value: Any) -> str | None:
    """Return a cell as a category's text: whole numbers without a decimal point, texts as they are; None for lists and such."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float) or isnan(value):
        return None
    whole = isfinite(value) and value == floor(value) and abs(value) < _LARGEST_WHOLE
    return str(int(value)) if whole else repr(value)


def _written(text: str) -> float | None:
    return float(text) if _WRITTEN_NUMBER.fullmatch(text) else None
