"""Reads the raw files of a declared data set into one typed table, and tells what is declared of a cell that does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fusionguard.data.csv_faults import CellError
from fusionguard.data.file_kinds import file_kind
from fusionguard.data.ingest import read_raw
from fusionguard.data.part_files import part_files
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.table import Table
from fusionguard.datasets.contradictions import dotted
from fusionguard.datasets.faults import ContradictionError, Fault
from fusionguard.datasets.feature_checks import check_number
from fusionguard.datasets.findings import Findings
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.table_rows import TableRows, open_rows, quoted, string
from fusionguard.files import atomic_path


def read_declared(declared: DeclaredDataset, source: Path, destination: Path) -> Table:
    """Read a raw file, or a folder of part files, as :func:`~fusionguard.data.ingest.read_raw` does, in the declared columns.

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


def _read(declared: DeclaredDataset, source: Path, layout: DatasetSchema, destination: Path) -> Table:
    try:
        return read_raw(source, layout, destination)
    except CellError as error:
        places = dict(reversed([*declared.declaration.mentions()]))
        place = ("types", error.column) if error.column in declared.declaration.types else places.get(error.column, ())
        said = Fault(declared.line(place), f"{dotted(place)} against {error}", error.column, error.row)
        raise ContradictionError(declared.file, [said]) from error


def _write(declared: DeclaredDataset, rows: TableRows, emptied: set[str], file: Path) -> None:
    findings, declaration, columns = Findings(declared), declared.declaration, []
    for name in rows.names:
        value = quoted(name)
        if name in emptied and name in declaration.measured:
            check_number(findings, rows, name, *declaration.measured[name], "TRUE")
            whole = declaration.types.get(name) == "integer"
            value = f"CAST({rows.number(name)} AS BIGINT)" if whole else rows.number(name)
        elif name in emptied:
            value = f"CASE WHEN NOT {rows.empty(name)} THEN {quoted(name)} END"
        columns.append(f"{value} AS {quoted(name)}")
    if findings.faults:
        raise ContradictionError(declared.file, findings.faults)
    rows.database.execute(f"COPY (SELECT {', '.join(columns)} FROM given ORDER BY _row) TO {string(str(file))} (FORMAT parquet)")


def _is_parquet(source: Path) -> bool:
    first = next(iter(part_files(source)), source)
    return first.is_file() and file_kind(first) == "parquet"
