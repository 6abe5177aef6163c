"""Reads the raw files of a declared data set into one typed table, and tells what is declared of a cell that does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fusionguard.data.csv_faults import CellError
from fusionguard.data.file_kinds import file_kind
from fusionguard.data.headers import ColumnsError
from fusionguard.data.ingest import read_raw
from fusionguard.data.part_files import part_files
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.table import Table
from fusionguard.datasets.contradictions import dotted
from fusionguard.datasets.faults import ContradictionError, Fault
from fusionguard.datasets.feature_checks import check_numbers
from fusionguard.datasets.findings import Findings
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.table_rows import TableRows, open_rows, quoted, string
from fusionguard.files import atomic_path


def read_declared(declared: DeclaredDataset, source: Path | Sequence[Path], destination: Path) -> Table:
    """Read raw files as :func:`~fusionguard.data.ingest.read_raw` does, in the declared columns.

    In columns that may be missing, blanks and what is declared to mean that nothing is known become nulls.

    Raises
    ------
    ContradictionError
        A cell is not what its column's role asks for; the message says the declaration's line and the row, from 0.
    DataError
        The file is not what it claims to be, or has other columns than are declared.
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
            _write(declared, rows, emptied, temporary)
    return Table(destination)


def _read(declared: DeclaredDataset, source: Path | Sequence[Path], layout: DatasetSchema, destination: Path) -> Table:
    try:
        return read_raw(source, layout, destination)
    except ColumnsError as error:
        faults = [*_column_faults(declared, error)]
        raise ContradictionError(declared.file, faults) from error
    except CellError as error:
        places = dict(reversed([*declared.declaration.mentions()]))
        place = ("types", error.column) if error.column in declared.declaration.types else places.get(error.column, ())
        said = Fault(declared.line(place), f"{dotted(place)} against {error}", error.column, error.row)
        raise ContradictionError(declared.file, [said]) from error


def _column_faults(declared: DeclaredDataset, error: ColumnsError) -> Iterator[Fault]:
    places, told = dict(reversed([*declared.declaration.mentions()])), f": {error}"
    for column in error.columns:
        if error.unknown:
            what = f"ignored names no role of the column '{column}', which the file has; declare it, or add it to ignored"
            yield Fault(declared.line(("ignored",)), what, column)
        else:
            place = places.get(column, ())
            yield Fault(declared.line(place), f"{dotted(place)} needs the column '{column}'{told}".lstrip(), column)
        told = ", which the file lacks, too"


def _write(declared: DeclaredDataset, rows: TableRows, emptied: set[str], file: Path) -> None:
    findings, declaration, columns = Findings(declared), declared.declaration, []
    measured = {name: each for name, each in declaration.measured.items() if name in emptied and name in rows.names}
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
        raise ContradictionError(declared.file, findings.faults)
    rows.database.execute(f"COPY (SELECT {', '.join(columns)} FROM given) TO {string(str(file))} (FORMAT parquet)")


def _is_parquet(source: Path | Sequence[Path]) -> bool:
    first = next(iter(part_files(source)), source) if isinstance(source, Path) else source[0]
    return first.is_file() and file_kind(first) == "parquet"
