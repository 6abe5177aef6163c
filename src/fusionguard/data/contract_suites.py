"""The contracts on raw data, as lists of rules: what fraud and churn files must satisfy before anything is learnt from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fusionguard.data.contract_report import Severity
from fusionguard.data.schema import CHURN, FRAUD, ColumnType, DatasetSchema

MINIMUM_ROWS = 1_000
LARGEST_V = 150.0
"""The largest |V| published is 120.6 (V7); a file of other components, or of another scale, soon exceeds this."""
LARGEST_AMOUNT = 1e9
LAST_SECOND = 10 * 366 * 86_400
"""Ten years: ``Time`` counts seconds from the first day, so a date's epoch seconds are told apart."""
GEOGRAPHIES: tuple[str, ...] = ("France", "Germany", "Spain")
GENDERS: tuple[str, ...] = ("Female", "Male")
CHURN_LIMITS: dict[str, tuple[float, float]] = {
    "CreditScore": (300, 850),
    "Age": (18, 110),
    "Tenure": (0, 10),
    "Balance": (0, LARGEST_AMOUNT),
    "NumOfProducts": (1, 4),
    "HasCrCard": (0, 1),
    "IsActiveMember": (0, 1),
    "EstimatedSalary": (0, LARGEST_AMOUNT),
}
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


def raw_suite(schema: DatasetSchema) -> Suite:
    """Return the contract on a raw data set, or on a table of it that lacks optional columns (:meth:`DatasetSchema.within`)."""
    return {FRAUD.name: _fraud, CHURN.name: _churn}[schema.name](schema)


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


def _fraud(schema: DatasetSchema) -> Suite:
    v_columns = [name for name in schema.columns if name.startswith("V")]
    return Suite(
        columns=_column_types(schema),
        cells=(
            *(not_null(name) for name in schema.columns),
            between("Time", 0, LAST_SECOND),
            *(between(name, -LARGEST_V, LARGEST_V) for name in v_columns),
            between("Amount", 0, LARGEST_AMOUNT),
            one_of("Class", (0, 1)),
        ),
        unique=(
            UniqueRule("no exact duplicates", severity="warning"),
            UniqueRule("few exact duplicates", tolerated_share=0.05),
        ),
        label=schema.label,
        label_share=(0.0001, 0.2),
        order="Time",
    )


def _churn(schema: DatasetSchema) -> Suite:
    flags = ("HasCrCard", "IsActiveMember", schema.label)
    unique = [UniqueRule("each customer once", ("CustomerId",)), UniqueRule("each row number once", ("RowNumber",))]
    unique = [rule for rule in unique if set(rule.columns) <= set(schema.columns)]
    if "CustomerId" not in schema.columns:  # then nothing else says that a customer is there twice
        told_apart_by = tuple(name for name in schema.columns if name != "RowNumber")
        unique.append(UniqueRule("no exact duplicates", told_apart_by, severity="warning"))
    return Suite(
        columns=_column_types(schema),
        cells=(
            *(not_null(name) for name in schema.columns),
            one_of("Geography", GEOGRAPHIES),
            one_of("Gender", GENDERS),
            *(between(name, *CHURN_LIMITS[name]) for name in schema.columns if name in CHURN_LIMITS and name not in flags),
            *(one_of(name, (0, 1)) for name in flags),
        ),
        unique=tuple(unique),
        label=schema.label,
        label_share=(0.02, 0.6),
        private=schema.private,
    )


def _column_types(schema: DatasetSchema) -> dict[str, tuple[str, ...]]:
    return {name: _ARROW_TYPES[kind] for name, kind in schema.columns.items()}
