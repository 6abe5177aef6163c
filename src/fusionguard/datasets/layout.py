"""Reads the raw files of a declared data set in its columns and types, and tells what is declared of a cell that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusionguard.data.csv_faults import CellError
from fusionguard.data.ingest import read_raw
from fusionguard.data.schema import ColumnType, DatasetSchema
from fusionguard.data.table import Table
from fusionguard.datasets.contradictions import dotted
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.faults import ContradictionError, Fault
from fusionguard.datasets.personal import column_looks_personal
from fusionguard.datasets.reading import DeclaredDataset


def read_declared(declared: DeclaredDataset, source: Path, destination: Path) -> Table:
    """Read a raw file, or a folder of part files, as :func:`~fusionguard.data.ingest.read_raw` does, in the declared columns.

    Raises
    ------
    ContradictionError
        A cell is not what its column's role asks for; the message says the declaration's line and the file's.
    DataError
        The file is not what it claims to be, or has other columns than are declared.
    """
    try:
        return read_raw(source, raw_layout(declared.declaration), destination)
    except CellError as error:
        places = dict(reversed([*declared.declaration.mentions()]))
        place = ("types", error.column) if error.column in declared.declaration.types else places.get(error.column, ())
        said = Fault(declared.line(place), f"{dotted(place)} against {error}", error.column, error.row)
        raise ContradictionError(declared.file, [said]) from error


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
        private=frozenset({*declaration.private, *filter(column_looks_personal, columns)}),
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
