"""CSV of any separator as parquet of texts: what inspects a table reads more than training does, and says what is odd."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb

from fusionguard.data.csv_faults import broken_cell, quote_error
from fusionguard.data.csv_form import find_separator
from fusionguard.data.csv_scan import LARGEST_ROW_BYTES, CsvScan
from fusionguard.data.csv_table import BLOCK_BYTES, CsvTable
from fusionguard.data.file_kinds import START_BYTES, FileKind, refuse_other_kinds
from fusionguard.data.headers import read_header
from fusionguard.data.schema import DatasetSchema
from fusionguard.errors import DataError

_ANY = DatasetSchema(name="", columns={}, label="", kaggle="", file_name="the table as CSV")

_UTF8, _WINDOWS = "utf-8", "windows-1252"


@dataclass(frozen=True)
class TextTable:
    """A CSV file that was written as parquet of texts.

    Parameters
    ----------
    header
        The names of its columns.
    encoding
        Of its text: ``utf-8`` or ``windows-1252``; empty where all is ASCII, which is both.
    separator
        What separates its columns.
    """

    file: Path
    header: list[str]
    encoding: str
    separator: str


def write_texts(connection: duckdb.DuckDBPyConnection, part: Path, kind: FileKind, target: Path) -> TextTable:
    """Write a CSV file, plain or packed, as the parquet file ``target``, every cell a text and empty ones null.

    Raises
    ------
    DataError
        It is no CSV text, or a row has another number of cells than the header, or its quotes are wrong. No value is shown.
    """
    table = CsvTable(part, kind, _ANY)
    with table.open() as stream:
        start = _beginning(stream)
    if kind != "csv":
        refuse_other_kinds(part.name, start)
    encoding = _UTF8 if _is_utf8(start) else _WINDOWS
    separator = find_separator(part.name, start.decode(encoding, errors="ignore"))
    header = _header(part.name, start, encoding, separator)
    plain = target.with_suffix(".csv")
    try:
        is_ascii = _unpack(table, plain, encoding, header, separator)
    except UnicodeDecodeError:
        if encoding != _UTF8:
            raise DataError(f"{part.name} is neither UTF-8 nor Windows-1252 text.", "Save it as UTF-8.") from None
        encoding = _WINDOWS  # the first accent comes late
        try:
            is_ascii = _unpack(table, plain, encoding, header, separator)
        except UnicodeDecodeError:
            raise DataError(f"{part.name} is neither UTF-8 nor Windows-1252 text.", "Save it as UTF-8.") from None
    try:
        _copy(connection, plain, target, len(header), separator)
    except duckdb.Error:  # its words quote rows
        with plain.open("rb") as stream:
            raise broken_cell(part.name, stream, _ANY, (), None, separator=separator) from None
    plain.unlink()
    return TextTable(target, header, "" if is_ascii else encoding, separator)


def _beginning(stream: IO[bytes]) -> bytes:
    start = stream.read(START_BYTES)
    while b"\n" not in start and b"\r" not in start and len(start) < LARGEST_ROW_BYTES and (more := stream.read(len(start))):
        start += more  # a header of very many columns
    return start


def _is_utf8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # a letter may be cut at the end
    except UnicodeDecodeError:
        return False
    return True


def _header(name: str, start: bytes, encoding: str, separator: str) -> list[str]:
    if encoding == _UTF8:
        return read_header(name, start, separator)
    lines = start.decode(encoding, errors="ignore").removeprefix("\ufeff").splitlines()
    return next(csv.reader(lines[:1], delimiter=separator), [])


def _unpack(table: CsvTable, target: Path, encoding: str, header: list[str], separator: str) -> bool:
    """Write the text as UTF-8, its quotes checked, and tell whether all is ASCII; UnicodeDecodeError of another encoding."""
    scan = CsvScan(len(header), separator)
    decoder, is_ascii = codecs.getincrementaldecoder(encoding)(), True
    with table.open() as stream, target.open("wb") as output:
        for block in _blocks(stream):
            text = decoder.decode(block, final=not block)
            is_ascii = is_ascii and text.isascii()
            output.write(block if encoding == _UTF8 else text.encode())
            if scan.fault is None:
                scan.feed(block)
    scan.close()
    if scan.fault is not None:
        raise quote_error(table.file.name, scan.fault, header)
    return is_ascii


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the text in blocks, the last of them empty."""
    while block := stream.read(BLOCK_BYTES):
        yield block
    yield b""


def _copy(connection: duckdb.DuckDBPyConnection, source: Path, target: Path, columns: int, separator: str) -> None:
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(columns))
    options = (
        f"columns = {{{names}}}, auto_detect = false, header = true, delim = '{separator}', quote = '\"', escape = '\"', "
        f"strict_mode = true, max_line_size = {LARGEST_ROW_BYTES}, nullstr = ''"
    )
    connection.execute(f"COPY (SELECT * FROM read_csv({quoted(source)}, {options})) TO {quoted(target)} (FORMAT parquet)")


def quoted(value: object) -> str:
    """Return a value as an SQL text."""
    return "'" + str(value).replace("'", "''") + "'"
