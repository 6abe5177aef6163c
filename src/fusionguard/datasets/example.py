"""A row that is nobody's, of a declared data set: what its description, forms and first requests show."""

from __future__ import annotations

from typing import Any

from fusionguard.datasets.prepared_names import OTHER, prepared_names
from fusionguard.datasets.resolved import ResolvedDataset


def example_row(described: ResolvedDataset) -> dict[str, Any]:
    """Return an example by prepared column: of each number the middle of its range, of each category the most frequent value."""
    declaration = described.declaration
    names = prepared_names(declaration)
    row: dict[str, Any] = {}
    for name, (_, numeric) in declaration.measured.items():
        found = described.columns[name].range if name in described.columns else None
        low, high = numeric.range or found or (0.0, 0.0)
        row[names[name]] = float(f"{(low + high) / 2:.4g}")
    for name in declaration.categorical:
        values = described.categories[name].values if name in described.categories else ()
        row[names[name]] = values[0] if values else OTHER
    return row
