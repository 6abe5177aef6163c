"""What contracts on tables are made of: rules on cells, on rows and on the balance of outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fusionguard.data.contract_report import Severity
from fusionguard.data.schema import ColumnType, DatasetSchema

MINIMUM_ROWS = 1_000
LARGEST_AMOUNT = 1e9
"""No sum of money in a file is larger."""
_ARROW_TYPES: dict[ColumnType, tuple[str, ...]] = {
    "float": ("double",),
    "integer": ("int64", "int32"),
    "text": ("string", "large_string"),
}


@dataclass(frozen=True)
class CellRule:
    """A rule that every cell of one column must satisfy, as an expectation of Great Expectations.

    Parameters
    ----------
    name
        What the rule is called in messages.
    expectation
        The class in ``great_expectations.expectations``.
    arguments
        Its arguments besides the column.
    expected
        What is right, in words.
    """

    column: str
    name: str
    expectation: str
    arguments: dict[str, Any]
    expected: str


@dataclass(frozen=True)
class UniqueRule:
    """Rows must differ from each other in some columns (all when empty), up to a tolerated share of repeated ones."""

    name: str
    columns: tuple[str, ...] = ()
    tolerated_share: float = 0.0
    severity: Severity = "stop"


@dataclass(frozen=True)
class Suite:
    """One contract.

    Parameters
    ----------
    columns
        The columns in order, each with the Arrow types it may have.
    order
        The column whose values must never decrease, if any.
    label, label_share
        The column of outcomes and the bounds of the share of ones, legitimate rows weighted back to the real prior.
    balance_remedy
        Says what to do about a share of ones outside the bounds, from how many ones and zeros there are.
    rows
        The least and the most rows; the most may be open.
    """

    columns: dict[str, tuple[str, ...]]
    cells: tuple[CellRule, ...]
    unique: tuple[UniqueRule, ...]
    label: str
    label_share: tuple[float, float]
    rows: tuple[int, int | None] = (MINIMUM_ROWS, None)
    order: str | None = None
    private: frozenset[str] = field(default_factory=frozenset)
    """Columns whose values never appear in a report."""
    balance_remedy: Callable[[int, int], str] = lambda ones, zeros: ""


def between(column: str, low: float, high: float) -> CellRule:
    """A rule on the range of a column; infinite cells are outside every range."""
    bounds = {"min_value": low, "max_value": high}
    return CellRule(column, "in range", "ExpectColumnValuesToBeBetween", bounds, f"{low:,.10g} to {high:,.10g}")


def one_of(column: str, values: tuple[object, ...]) -> CellRule:
    """A rule that a column holds only certain values."""
    listed = ", ".join(map(str, values))
    return CellRule(column, "known values", "ExpectColumnValuesToBeInSet", {"value_set": list(values)}, f"one of {listed}")


def not_null(column: str) -> CellRule:
    """A rule that a column has no empty cell."""
    return CellRule(column, "no empty cells", "ExpectColumnValuesToNotBeNull", {}, "a value in every row")


def column_types(schema: DatasetSchema) -> dict[str, tuple[str, ...]]:
    """Return the Arrow types that each column of a raw table may have."""
    return {name: _ARROW_TYPES[kind] for name, kind in schema.columns.items()}
