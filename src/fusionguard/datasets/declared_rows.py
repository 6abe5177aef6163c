"""Reads the raw files of a declared data set into one typed table, and tells what is declared of a cell that does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fusionguard.data.csv_faults import CellError
from fusionguard.data.file_kinds import file_kind
from fusionguard.data.headers import ColumnsError
from fusionguard.data.ingest import raw_header, read_raw
from fusionguard.data.part_files import part_files
from fusionguard.data.schema import ColumnType, DatasetSchema
from fusionguard.data.table import Table
from fusionguard.data.typed_columns import ColumnTypeError
from fusionguard.datasets.contradictions import dotted
from fusionguard.datasets.faults import ContradictionError, Fault
from fusionguard.datasets.feature_checks import check_numbers
from fusionguard.datasets.findings import Findings
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.table_checks import column_place
from fusionguard.datasets.table_rows import TableRows, open_rows, quoted, string
from fusionguard.errors import DataError
from fusionguard.files import atomic_path


def read_declared(declared: DeclaredDataset, source: Path | Sequence[Path], destination: Path) -> Table:
    """Read raw files as :func:`~fusionguard.data.ingest.read_raw` does, in the declared columns.

    In columns that may be missing, blanks and what is declared to mean that nothing is known become nulls.

    Raises
    ------
    ContradictionError
        The rows are not what is declared; the message tells all that :func:`~fusionguard.datasets.resolving.resolve` finds.
    DataError
        The file is not what it claims to be.
    """
    declaration = declared.declaration
    layout = raw_layout(declaration)
    emptied = {
        *declaration.missing_values,
        *(name for name, (_, each) in declaration.measured.items() if each.missing == "allow"),
    }
    if not emptied:
        return _read(declared, source, layout, destination)
    if not _is_parquet(source):  # which has types; in text, what means that nothing is known may be a word
        layout = replace(layout, columns={name: "text" if name in emptied else kind for name, kind in layout.columns.items()})
    with TemporaryDirectory(dir=destination.parent) as folder:
        written = _read(declared, source, layout, Path(folder) / "written.parquet")
        with open_rows(written, declaration.missing_values) as rows, atomic_path(destination) as temporary:
            if found := _write(declared, rows, emptied, temporary):
                raise ContradictionError(declared.file, _contradictions(declared, written) or found)
    return Table(destination)


def _read(declared: DeclaredDataset, source: Path | Sequence[Path], layout: DatasetSchema, destination: Path) -> Table:
    try:
        return read_raw(source, layout, destination)
    except ColumnsError as error:
        faults = _found_in_texts(declared, source, destination.parent) or [*_column_faults(declared, error)]
        raise ContradictionError(declared.file, faults) from error
    except CellError as error:
        faults = _found_in_texts(declared, source, destination.parent)
        if error.column not in [fault.column for fault in faults]:
            typed = error.column in declared.declaration.types
            place = ("types", error.column) if typed else column_place(declared.declaration, error.column)
            faults.append(Fault(declared.line(place), f"{dotted(place)} against {error}", error.column, error.row))
        raise ContradictionError(declared.file, faults) from error
    except ColumnTypeError as error:
        place = column_place(declared.declaration, error.column)
        fault = Fault(declared.line(place), f"{dotted(place)} against {error}", error.column)
        raise ContradictionError(declared.file, [fault]) from error


def _found_in_texts(declared: DeclaredDataset, source: Path | Sequence[Path], folder: Path) -> list[Fault]:
    """Return all that contradicts the declaration in a file that has other columns, or cells of other types, than are declared.

    Its columns are read as texts, so that one wrong cell hides no other; nothing is returned where it cannot be read so either.
    """
    layout = raw_layout(declared.declaration)
    try:
        header, _ = raw_header(source if isinstance(source, Path) else source[0], layout)
        if not set(header) & set(layout.columns):
            return []  # its first line may be a row, which is not shown
        columns: dict[str, ColumnType] = dict.fromkeys([*layout.columns, *header], "text")
        texts = replace(layout, columns=columns, optional=frozenset(columns), as_stored=frozenset(columns))
        with TemporaryDirectory(dir=folder) as scratch:
            return _contradictions(declared, read_raw(source, texts, Path(scratch) / "texts.parquet"))
    except DataError:
        return []


def _contradictions(declared: DeclaredDataset, table: Table) -> list[Fault]:
    try:
        resolve(declared, table)
    except ContradictionError as error:
        return list(error.faults)
    return []


def _column_faults(declared: DeclaredDataset, error: ColumnsError) -> Iterator[Fault]:
    told = f": {error}"
    for column in error.columns:
        if error.unknown:
            what = f"ignored names no role of the column '{column}', which the file has; declare it, or add it to ignored"
            yield Fault(declared.line(("ignored",)), what, column)
        else:
            place = column_place(declared.declaration, column)
            yield Fault(declared.line(place), f"{dotted(place)} needs the column '{column}'{told}".lstrip(), column)
        told = ", which the file lacks, too"


def _write(declared: DeclaredDataset, rows: TableRows, emptied: set[str], file: Path) -> list[Fault]:
    """Write the rows, those cells empty that mean that nothing is known; or return what is wrong with the numbers among them."""
    findings, declaration, columns = Findings(declared), declared.declaration, []
    numbers = {**declaration.measured, **declaration.only_banded}
    measured = {name: each for name, each in numbers.items() if name in emptied and name in rows.names}
    check_numbers(findings, rows, measured, "TRUE")
    for name in rows.names:
        value = quoted(name)
        if name in measured:
            whole = declaration.types.get(name) == "integer"
            value = f"CAST({rows.number(name)} AS BIGINT)" if whole else rows.number(name)
        elif name in emptied:
            value = f"CASE WHEN NOT {rows.empty(name)} THEN {quoted(name)} END"
        columns.append(f"{value} AS {quoted(name)}")
    if findings.faults:
        return findings.faults
    rows.database.execute(f"COPY (SELECT {', '.join(columns)} FROM given) TO {string(str(file))} (FORMAT parquet)")
    return []


def _is_parquet(source: Path | Sequence[Path]) -> bool:
    first = next(iter(part_files(source)), source) if isinstance(source, Path) else source[0]
    return first.is_file() and file_kind(first) == "parquet"
