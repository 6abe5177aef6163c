"""A cell of a declared data set as what it means, one value at a time: what :mod:`table_rows` says in SQL of a whole column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, isfinite, isnan
from typing import Any, Literal

from fusionguard.datasets.declared_values import Scalar, as_text

WRITTEN_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?"
"""How numbers are written in texts; RE2, of which DuckDB's SQL is made, reads these patterns as Python does."""
WRITTEN_WHOLE = r"-?(0|[1-9][0-9]{0,14})(\.0*)?"
"""How whole numbers are written among categories: a leading zero makes a code."""
_NUMBER, _WHOLE = re.compile(WRITTEN_NUMBER), re.compile(WRITTEN_WHOLE)
_TRUTHS = {"true": "1", "false": "0"}
LARGEST_WHOLE = 1e15
"""From here on, a double is written with an exponent or as it is: it tells no whole number any more."""

Spelling = Literal["text", "whole", "truth"]
"""How a column's categories are spelled: as they are written; as whole numbers, ``101.0`` being ``101``; or as ``true`` and
``false``, in whatever case they are written. A truth value among whole numbers is 1 or 0, and the other way round."""


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


def as_category(value: Any, spelling: Spelling = "text") -> str | None:
    """Return a cell as a category's text, whole numbers without a decimal point; None for lists and such."""
    text = _plain(value)
    return None if text is None else spelled(text, spelling)


def spelled(text: str, spelling: Spelling) -> str:
    """Return a category in the spelling of its column; what cannot be spelled so stays as it is written."""
    if spelling == "text":
        return text
    bare = text.strip(" ")
    whole = str(int(bare.partition(".")[0])) if _WHOLE.fullmatch(bare) else _TRUTHS.get(bare.lower(), text)
    return {"1": "true", "0": "false"}.get(whole, whole) if spelling == "truth" else whole


def spelling_of(texts: Iterable[str]) -> Spelling:
    """Return how categories are spelled: as whole numbers (no leading zeros) or as truth values where all are, else as texts."""
    bare = {text.strip(" ") for text in texts}
    if bare and all(map(_WHOLE.fullmatch, bare)):
        return "whole"
    return "truth" if bare and all(text.lower() in _TRUTHS for text in bare) else "text"


def _plain(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float) or isnan(value):
        return None
    whole = isfinite(value) and value == floor(value) and abs(value) < LARGEST_WHOLE
    return str(int(value)) if whole else repr(value)


def _written(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None
