"""The fraud features: their names, their version and the SQL text that defines them."""

from __future__ import annotations

import hashlib
from importlib.resources import files

SCHEMA_VERSION = 1
"""Raised with every change of the meaning of a column."""

LABEL = "Class"
"""1 for a fraud, 0 for a legitimate transaction."""

TIME = "time_seconds"
"""Whole seconds since midnight of the first day; the table's order."""

V_COLUMNS: tuple[str, ...] = tuple(f"V{number}" for number in range(1, 29))
"""The principal components that the publisher made of the original fields."""

MODEL_FEATURES: tuple[str, ...] = (*V_COLUMNS, "Amount", "hour_of_day", "amount_fraction_cents")
"""What models read, in the order they read it. The time itself is not among them: it would only say how old a row is."""

COLUMN_TYPES: dict[str, str] = {
    TIME: "int64",
    **dict.fromkeys((*V_COLUMNS, "Amount"), "double"),
    "amount_cents": "int64",
    "hour_of_day": "int32",
    "amount_fraction_cents": "int32",
    LABEL: "int32",
}
"""The columns of a training table in order, with their Arrow types; a table for scoring lacks the label."""

AMOUNT_EDGES: tuple[float, ...] = (0.0, 1.0, 10.0, 100.0, 500.0)
"""Where bands of ``Amount`` begin; the last is open."""

ROWS_SQL = "fraud_rows.sql"
TRAINING_SET_SQL = "fraud_training_set.sql"


def sql_text(name: str) -> str:
    """Return the text of one of the two SQL definitions that lie beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def definition_sha256() -> str:
    """Return the SHA-256 of both SQL texts, so that features made by another definition are never reused."""
    return hashlib.sha256((sql_text(ROWS_SQL) + sql_text(TRAINING_SET_SQL)).encode()).hexdigest()
