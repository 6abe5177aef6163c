"""The columns and types in which the raw files of a declared data set are read."""

from __future__ import annotations

from collections.abc import Sequence

from fusionguard.data.csv_form import CsvForm
from fusionguard.data.schema import ColumnType, DatasetSchema
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.shown_cells import column_looks_personal


def raw_layout(declaration: Declaration, header: Sequence[str] = ()) -> DatasetSchema:
    """Return the layout of a raw file.

    Columns are in the order of its ``header``, then those that it lacks as they are declared. A type that is not declared is that
    of the role: numbers for numeric columns, what is cut into bands, the amount, rates and times with a unit; all else is text as
    it is written, or as a typed file stores it.
    """
    csv = declaration.csv
    order = {column: at for at, column in enumerate(header)}
    columns = sorted(declaration.columns, key=lambda column: order.get(column, len(order)))
    return DatasetSchema(
        name=declaration.name,
        columns={column: declaration.types.get(column) or _type(declaration, column) for column in columns},
        label=declaration.label.column,
        kaggle=declaration.kaggle or "",
        file_name=declaration.rows or f"{declaration.name}.csv",
        private=frozenset({*declaration.private, *filter(column_looks_personal, columns)}),
        optional=frozenset(declaration.optional),
        form=CsvForm(csv.separator, csv.decimal, csv.thousands or "", csv.signs, declared=True, encoding=csv.encoding),
        numbers=frozenset(_numbers(declaration)),
        as_stored=frozenset(columns) - ({*declaration.types, *_numbers(declaration)} - _times(declaration)),
        unread=frozenset(declaration.ignored) - set(declaration.unique),
    )


def _type(declaration: Declaration, column: str) -> ColumnType:
    return "float" if column in _numbers(declaration) else "text"


def _numbers(declaration: Declaration) -> set[str]:
    amount, time = declaration.amount, declaration.time
    numbers = {*declaration.measured, *declaration.banded}
    if amount is not None and amount.rate_column is not None:
        numbers.add(amount.rate_column)
    if time is None or time.unit is None:
        return numbers
    known = declaration.label.known
    return numbers | _times(declaration) - ({known.column} if known is not None and known.format else set())


def _times(declaration: Declaration) -> set[str]:
    """Return the columns of times, in a typed file read as they are stored: a double does not hold all nanoseconds."""
    time, known = declaration.time, declaration.label.known
    found = {None if known is None else known.column, *(() if time is None else (time.column, time.observed))}
    return {column for column in found if column is not None and column not in declaration.types}
