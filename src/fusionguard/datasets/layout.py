"""The columns and types in which a declared data set is read from raw files, for ``fusionguard.data.ingest``."""

from __future__ import annotations

from collections.abc import Sequence

from fusionguard.data.schema import ColumnType, DatasetSchema
from fusionguard.datasets.declaration import Declaration


def raw_layout(declaration: Declaration, header: Sequence[str] = ()) -> DatasetSchema:
    """Return the layout of a raw file.

    Columns are in the order of its ``header``, then those that it lacks as they are declared. A type that is not declared is that
    of the role: numbers for numeric columns, the amount, rates and times with a unit; all else is text as it is written.
    """
    order = {column: at for at, column in enumerate(header)}
    columns = sorted(declaration.columns, key=lambda column: order.get(column, len(order)))
    return DatasetSchema(
        name=declaration.name,
        columns={column: declaration.types.get(column) or _type(declaration, column) for column in columns},
        label=declaration.label.column,
        kaggle=declaration.kaggle or "",
        file_name=declaration.rows or f"{declaration.name}.csv",
        private=frozenset(declaration.private),
        optional=frozenset(declaration.optional),
    )


def _type(declaration: Declaration, column: str) -> ColumnType:
    amount, time = declaration.amount, declaration.time
    numbers = {*declaration.numeric}
    if amount is not None:
        numbers |= {amount.column, amount.rate_column or amount.column}
    if time is not None and time.unit is not None:
        numbers.add(time.column)
        if declaration.label.known is not None and declaration.label.known.column is not None:
            numbers.add(declaration.label.known.column)
    return "float" if column in numbers else "text"
