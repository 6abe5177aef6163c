"""Find what is wrong in a CSV file, slowly and exactly: called only after the fast reader has refused it."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import IO, Any

from fusionguard.data.schema import ColumnType, DatasetSchema
from fusionguard.errors import DataError

MAX_HEADER_BYTES = 1 << 16
"""How much of a file is looked at to find its header line."""

_RULES: dict[ColumnType, re.Pattern[str]] = {
    "float": re.compile(r"[ \t]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t]*"),
    "integer": re.compile(r"[ \t]*[+-]?\d{1,19}[ \t]*"),
    "text": re.compile(r".*", re.DOTALL),
}
_WORDS = {"float": "a number", "integer": "an integer", "text": "text"}
_NOT_UTF8 = "Save it as UTF-8."
_AGAIN = "Get it again from where it came."


def read_header(name: str, start: bytes) -> list[str]:
    """Return the column names in the first line of a CSV file.

    Raises
    ------
    DataError
        There is no header, it is not UTF-8, or its columns are not separated by commas.
    """
    line = start.removeprefix(b"\xef\xbb\xbf").splitlines()[0] if start.strip() else b""
    if not line.strip():
        raise DataError(f"{name} does not start with a header.", "Its first line must name the columns, separated by commas.")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{name} is not UTF-8 text.", _NOT_UTF8) from None
    if "\0" in text:
        raise DataError(f"{name} is not UTF-8 text (it holds zero bytes).", _NOT_UTF8)
    header = next(csv.reader([text]))
    for separator, words in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and separator in text:
            raise DataError(f"{name} has columns separated by {words}.", "Save it with commas.")
    return header


def broken_cell(name: str, stream: IO[bytes], schema: DatasetSchema, fallback: str) -> DataError:
    """Read a CSV cell by cell up to the first one that is wrong, and return the error that describes it.

    ``fallback`` is what the fast reader said; it is used when nothing wrong is found here. It may quote any cell, so a data set
    with private columns goes without it.
    """
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        said = "" if schema.private else f": {fallback[:200]}"
        what, remedy = _first_fault(csv.reader(text, strict=True), schema) or (f"cannot be read as CSV{said}.", _AGAIN)
    return DataError(f"{name}{what}" if what.startswith(",") else f"{name} {what}", remedy)


def _first_fault(rows: Any, schema: DatasetSchema) -> tuple[str, str] | None:
    row = 0
    try:
        header = next(rows)
        for row, cells in enumerate((cells for cells in rows if cells), start=1):
            where = f", row {row:,} (line {rows.line_num:,})"
            if len(cells) != len(header):
                what = f"{where}: {len(cells)} values where the header has {len(header)}."
                return what, "Complete or remove the row, or get the file again if it is cut off."
            for column, cell in zip(header, cells, strict=True):
                if cell and not _fits(cell, schema.columns[column]):
                    shown = "a value that is not shown" if column in schema.private else f"'{cell[:40]}'"
                    return f"{where}, column {column}: {shown} is not {_WORDS[schema.columns[column]]}.", "Correct it."
    except UnicodeDecodeError:
        return f"is not UTF-8 text (after row {row:,}).", _NOT_UTF8
    except csv.Error as error:
        return f", after row {row:,}: {error}.", "Correct it, or get the file again."
    return None if row else ("has a header but no rows.", _AGAIN)


def _fits(cell: str, kind: ColumnType) -> bool:
    if not _RULES[kind].fullmatch(cell):
        return False
    # 1e999 looks like a number and is not one that a double can hold; nor do all of nineteen digits fit into 64 bits.
    return math.isfinite(float(cell)) if kind == "float" else kind == "text" or -(2**63) <= int(cell) < 2**63
