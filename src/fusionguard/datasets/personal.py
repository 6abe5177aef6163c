"""Which cells of a table may stand in a message: never those of private columns, nor what looks like somebody."""

from __future__ import annotations

import re
from typing import Literal

from fusionguard.datasets.declaration import Declaration

Role = Literal["number", "category", "time"]
"""What a cell should hold."""

_COLUMN_WORDS = re.compile(
    r"(?:^|[^a-z])(?:(?:sur|first|last|full|given|family|maiden|user|holder)?_?name|e_?mail|(?:tele)?phone|mobile|address|street"
    r"|iban|pan|ssn|passport|birth|dob|card_?(?:number|no)|account_?(?:number|no)|tax_?(?:id|number)|ip)(?:$|[^a-z])"
)
_LONG_NUMBER = re.compile(r"[0-9][0-9 \-/]{5,}[0-9]")
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]{2,}")
_NOBODY = frozenset(
    {"unknown", "missing", "none", "null", "nan", "empty", "true", "false", "yes", "other", "male", "female", "not available"}
)
_LONGEST = 30


def cell_shown(declaration: Declaration, column: str, value: object, role: Role) -> str:
    """Return a cell in brackets behind a blank, as a message has it; nothing where it might say who somebody is.

    What is shown is short, of a column that is neither private nor an id nor an entity's nor ignored, and not called like one of
    names or addresses; and it does not look like an address, a number (where it should be no time) or a name of somebody's (where
    it should be a number).
    """
    text = str(value)
    hidden = {declaration.id, *declaration.private, *declaration.ignored, *declaration.entities.values()}
    if column in hidden or column_looks_personal(column) or _looks_personal(value, role) or len(text) > _LONGEST:
        return ""
    quoted = f'"{text}"' if text.isprintable() else ascii(text)
    return f" ({quoted})" if isinstance(value, str) else f" ({text})"


def column_looks_personal(name: str) -> bool:
    """Whether a column is called as those are that say who somebody is."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace(" ", "_").replace("-", "_")
    return _COLUMN_WORDS.search(f"_{words}_") is not None


def _looks_personal(value: object, role: Role) -> bool:
    if not isinstance(value, str) or value.strip().lower() in _NOBODY:
        return False
    long_number = role != "time" and _LONG_NUMBER.search(value) is not None
    return "@" in value or long_number or (role == "number" and _NAME.search(value) is not None)
