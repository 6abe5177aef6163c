"""The SQL of money that rows hold in several currencies, and of the cells that keep it from becoming one."""

from __future__ import annotations

from fusionguard.datasets.declaration import Amount, Declaration
from fusionguard.datasets.table_rows import TableRows, string


def number(declaration: Declaration, rows: TableRows, column: str) -> str:
    """Return a cell of a column that is there as the number that models read: an amount with a rate in their currency.

    A row that is in their currency already needs no rate.
    """
    amount, found = declaration.amount, rows.number(column)
    if amount is None or column != amount.column or not _has_rates(amount, rows):
        return found
    return f"(CASE WHEN {_foreign(amount, rows)} THEN {found} * {rows.number(str(amount.rate_column))} ELSE {found} END)"


def no_rate(amount: Amount, rows: TableRows) -> str | None:
    """Return the condition that a rate is none above 0, or is lacking where one is needed; None where there are no rates."""
    if not _has_rates(amount, rows):
        return None
    column = str(amount.rate_column)
    needed = f"{_foreign(amount, rows)} AND {rows.number(amount.column)} IS NOT NULL" if amount.column in rows.kinds else "FALSE"
    return f"((({needed}) OR NOT {rows.empty(column)}) AND ({rows.number(column)} > 0) IS NOT TRUE)"


def other_rate(amount: Amount, rows: TableRows) -> str | None:
    """Return the condition that a row in the currency of all amounts has another rate than 1; None where there are no rates."""
    if not _has_rates(amount, rows):
        return None
    return f"(NOT {_foreign(amount, rows)} AND ({rows.number(str(amount.rate_column))} <> 1) IS TRUE)"


def _has_rates(amount: Amount, rows: TableRows) -> bool:
    return amount.currency_column in rows.kinds and amount.rate_column in rows.kinds


def _foreign(amount: Amount, rows: TableRows) -> str:
    return f"({rows.category(str(amount.currency_column))} = {string(str(amount.currency))}) IS NOT TRUE"
