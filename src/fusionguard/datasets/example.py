"""A row that is nobody's, of a declared data set: what its description, forms and first requests show."""

from __future__ import annotations

from typing import Any

from fusionguard.datasets.moments import example_time
from fusionguard.datasets.resolved import ResolvedDataset


def example_row(described: ResolvedDataset) -> dict[str, Any]:
    """Return an example in the raw columns that are scored, each as its owner writes it.

    Of each number it has the middle of its range, and of each category the most frequent value.
    """
    declaration = described.declaration
    row: dict[str, Any] = {}
    if declaration.time is not None and (described.reads_clock or declaration.windows):
        row[declaration.time.column] = example_time(declaration.time)
    for name, (_, numeric) in declaration.measured.items():
        found = described.columns[name].range if name in described.columns else None
        low, high = numeric.range or found or (0.0, 0.0)
        middle = float(f"{(low + high) / 2:.4g}")
        whole = name in described.columns and described.columns[name].type == "integer"
        row[name] = round(middle) if whole else middle
    for name in declaration.categorical:
        values = described.categories[name].values if name in described.categories else ()
        row[name] = values[0] if values else None
    if declaration.amount is not None and declaration.amount.currency_column is not None:
        row[declaration.amount.currency_column] = described.currency
        if declaration.amount.rate_column is not None:
            row[declaration.amount.rate_column] = 1.0
    if declaration.windows:
        own = () if declaration.id is None else (declaration.id,)
        row |= {column: f"{column} 1" for column in (*declaration.entity_columns, *own) if column not in row}
    return row
