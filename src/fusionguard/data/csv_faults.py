"""Find what is wrong in a CSV file, slowly and exactly: called only after the fast reader has refused it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

import pyarrow as pa

from fusionguard.data.csv_form import CsvForm, number_remedy
from fusionguard.data.csv_scan import QuoteFault
from fusionguard.data.schema import ColumnType, DatasetSchema
from fusionguard.data.whole_numbers import parse_whole
from fusionguard.errors import DataError

_NUMBER = re.compile(r"[ \t]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t]*", re.ASCII)
_WORDS = {"float": "a number", "integer": "an integer", "text": "text"}
_ESCAPED = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as Python's ``surrogateescape`` keeps them."""
_AGAIN = "Get it again from where it came."


class CellError(DataError):
    """A cell that is not what its column holds; ``column`` and ``row``, from 0, say where."""

    def __init__(self, what: str, remedy: str, column: str, row: int) -> None:
        self.column, self.row = column, row
        super().__init__(what, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.what, self.remedy, self.column, self.row))


@dataclass(frozen=True)
class _Found:
    what: str
    remedy: str
    column: str | None = None
    row: int = -1


def broken_cell(
    name: str,
    stream: IO[bytes],
    schema: DatasetSchema,
    columns: Collection[str],
    quote: QuoteFault | None,
    *,
    separator: str = ",",
) -> DataError:
    """Read a CSV cell by cell up to the first one of ``columns`` that is wrong, and return the error that describes it.

    ``quote`` is the first cell whose quotes are wrong: what comes before it may be wrong, too; what comes after it nobody knows.
    Where nothing is found, the fast reader's own words do not help: they may quote any cell, one that says who somebody is, too.
    """
    csv.field_size_limit(2**31 - 1)  # a cell of any size may be read; Python's own limit is 128 KiB
    with io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        rows = csv.reader(text, delimiter=separator, strict=True)
        header, found = _first_fault(rows, schema, columns, quote.row if quote else None)
    if found is None and quote is not None:
        return quote_error(name, quote, header)
    found = found or _Found("cannot be read as CSV.", _AGAIN)
    what = f"{name}{found.what}" if found.what.startswith(",") else f"{name} {found.what}"
    return DataError(what, found.remedy) if found.column is None else CellError(what, found.remedy, found.column, found.row)


def quote_error(name: str, fault: QuoteFault, header: list[str]) -> DataError:
    """Return the error for a cell with wrong quotes; what the cell holds is not shown, for it may be anything."""
    place = f"column {header[fault.column]}" if fault.column < len(header) else f"cell {fault.column + 1}"
    row = f"row {fault.row:,}" if fault.row >= 0 else "header"
    return DataError(
        f"{name}, {row} (line {fault.line:,}), {place}: {fault.what}. Rows would be lost if it were read.",
        'A cell with a quote, separator or line break is written in quotes, a quote in it twice (""): correct it at its source.',
    )


def _first_fault(
    rows: Any, schema: DatasetSchema, columns: Collection[str], before: int | None
) -> tuple[list[str], _Found | None]:
    """Return the header, and what is wrong first in the rows ``before`` a row (by default all); row 0 follows the header."""
    row, header, encoding = -1, [], None
    try:
        header = next(rows)
        if any(_ESCAPED.search(name) for name in header):
            return header, _Found("is not UTF-8 text (its header).", schema.form.utf8_remedy)
        read = {place: schema.columns[column] for place, column in enumerate(header) if column in columns}
        filled = (cells for cells in rows if cells)
        for row, cells in enumerate(islice(filled, None if before is None else max(before, 0))):
            where = f", row {row:,} (line {rows.line_num:,})"
            if any("\0" in cell for cell in cells):
                return header, _Found(f"{where}: zero bytes, which no text has: it is damaged.", _AGAIN)
            if len(cells) != len(header):
                what = f"{where}: {len(cells)} values where the header has {len(header)}."
                return header, _Found(what, "Complete or remove the row, or get the file again if it is cut off.")
            bad = [place for place, cell in enumerate(cells) if not cell.isascii() and _ESCAPED.search(cell)]
            if bad and encoding is None:
                encoding = _Found(f"{where}, column {header[bad[0]]}: not UTF-8 text.", schema.form.utf8_remedy)
            for place, kind in read.items():
                cell, column = cells[place], header[place]
                if place in bad:
                    return header, encoding
                if cell and not _fits(cell, kind, schema.form):
                    shown = "a value that is not shown" if column in schema.private else _shown(cell[:40])
                    what = f"{where}, column {column}: {shown} is not {_wanted(cell, kind)}."
                    remedy = number_remedy(cell, schema.form) if schema.form.declared and kind != "text" else ""
                    return header, _Found(what, remedy or "Correct it.", column, row)
    except csv.Error as error:
        return header, _Found(
            f", after {f'row {row:,}' if row >= 0 else 'the header'}: {error}.", "Correct it, or get the file again."
        )
    if encoding is not None:
        return header, encoding
    return header, None if row >= 0 or before is not None else _Found("has a header but no rows.", _AGAIN)


def _wanted(cell: str, kind: ColumnType) -> str:
    too_large = kind == "integer" and re.fullmatch(r"\s*[+-]?\d+\s*", cell, re.ASCII)
    return "an integer that 64 bits hold" if too_large else _WORDS[kind]


def _shown(cell: str) -> str:
    return f"'{cell}'" if cell.isprintable() else ascii(cell)  # what moves a terminal's cursor is spelt out


def _fits(cell: str, kind: ColumnType, form: CsvForm) -> bool:
    if kind != "text" and not form.is_plain:
        if not form.is_number(cell):
            return False
        cell = str(form.plain_numbers(pa.array([cell]))[0])
    if kind == "integer":
        return parse_whole(cell) is not None
    # 1e999 looks like a number and is not one that a double can hold.
    return kind == "text" or (_NUMBER.fullmatch(cell) is not None and math.isfinite(float(cell)))
