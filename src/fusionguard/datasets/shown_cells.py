"""Which cells of a table may stand in a message: never those of private columns, nor what looks like somebody."""

from __future__ import annotations

import re
from typing import Literal

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.inspection.personal import looks_personal

Role = Literal["number", "category", "time"]
"""What a cell should hold."""

_LONG_NUMBER = re.compile(r"[0-9][0-9 \-/]{5,}[0-9]")
_CAPITALISED = re.compile(r"\b[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]{2,}")
_NOBODY = frozenset(
    {"unknown", "missing", "none", "null", "nan", "empty", "true", "false", "yes", "other", "male", "female", "not available"}
)
_LONGEST = 30
_MANY = 1_000


def cell_shown(declaration: Declaration, column: str, value: object, role: Role) -> str:
    """Return a cell in brackets behind a blank, as a message has it; nothing where it might say who somebody is.

    What is shown is short, of a column that is neither private nor an id nor an entity's nor ignored, and not called like one of
    names or addresses; and it does not look like an address, a number (where it should be no time) or a name of somebody's (where
    it should be a number).
    """
    text = str(value)
    hidden = {declaration.id, *declaration.private, *declaration.ignored, *declaration.entity_columns}
    if column in hidden or column_looks_personal(column) or _looks_personal(value, role) or len(text) > _LONGEST:
        return ""
    quoted = f'"{text}"' if text.isprintable() else ascii(text)
    return f" ({quoted})" if isinstance(value, str) else f" ({text})"


def column_looks_personal(name: str) -> bool:
    """Whether a column is called as those are that say who somebody is."""
    return looks_personal(name, (), distinct=_MANY, textual=True) is not None


def _looks_personal(value: object, role: Role) -> bool:
    if not isinstance(value, str) or value.strip().lower() in _NOBODY:
        return False
    if role == "time":
        return "@" in value
    named = role == "number" and _CAPITALISED.search(value) is not None  # a column that has slipped, for one
    return named or _LONG_NUMBER.search(value) is not None or looks_personal("", [value], distinct=1, textual=True) is not None


def wrong_cells(count: int) -> str:
    """Return the beginning of a sentence on wrong cells: ``1 cell that is``, ``1,204 cells that are``."""
    return "1 cell that is" if count == 1 else f"{count:,} cells that are"
