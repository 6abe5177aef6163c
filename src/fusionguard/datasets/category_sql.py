"""The SQL of categories: the text that a cell means, whether anybody knows it, and what becomes of one that nobody does."""

from __future__ import annotations

from fusionguard.datasets.prepared_names import OTHER
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.table_rows import TableRows, string


def category(described: ResolvedDataset, rows: TableRows, column: str) -> str:
    """Return the SQL of a category: a known value, ``OTHER`` or nothing for one that is not, as is declared."""
    unseen, empty = described.declaration.categorical[column].unseen, rows.empty(column)
    value = _value(described, rows, column)
    if unseen == "refuse":
        return f"CASE WHEN NOT {empty} THEN {value} END"
    otherwise = string(OTHER) if unseen == "other" else "NULL"
    return f"CASE WHEN {empty} THEN NULL WHEN {_is_known(described, rows, column)} THEN {value} ELSE {otherwise} END"


def is_unseen(described: ResolvedDataset, rows: TableRows, column: str) -> str:
    """Return the condition that a cell holds a category, and none of the known ones."""
    return f"(NOT {rows.empty(column)} AND ({_is_known(described, rows, column)}) IS NOT TRUE)"


def _is_known(described: ResolvedDataset, rows: TableRows, column: str) -> str:
    found = described.categories.get(column)
    listed = ", ".join(map(string, () if found is None else found.values))
    return f"{_value(described, rows, column)} IN ({listed or 'NULL'})"


def _value(described: ResolvedDataset, rows: TableRows, column: str) -> str:
    found = described.categories.get(column)
    return rows.category(column, "text" if found is None else found.spelling)
