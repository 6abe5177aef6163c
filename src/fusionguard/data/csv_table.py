"""CSV text as typed batches: parsed by Arrow, its quotes and number of rows checked by a scan that knows nothing of it."""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from fusionguard.data.csv_faults import broken_cell
from fusionguard.data.csv_form import find_separator
from fusionguard.data.csv_scan import LARGEST_ROW_BYTES, CsvScan
from fusionguard.data.file_kinds import AGAIN, START_BYTES, FileKind, refuse_other_kinds
from fusionguard.data.headers import listed, read_header
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.table import CARRIED_NAME
from fusionguard.data.transcoded import as_utf8
from fusionguard.data.whole_numbers import whole_numbers
from fusionguard.errors import DataError

_LINE_END = re.compile(rb"[\r\n]")

BLOCK_BYTES = 8 << 20
"""Read at a time."""


@dataclass(frozen=True)
class CsvTable:
    """CSV text in a file, plain or packed.

    Parameters
    ----------
    file, kind
        Where it lies, and how it is packed: ``csv``, ``gzip`` or ``zip``.
    schema
        Its data set; in a zip of several files that of the schema's name is meant.
    """

    file: Path
    kind: FileKind
    schema: DatasetSchema

    def header(self) -> list[str]:
        """Return the column names; :class:`DataError` where it is no CSV text at all."""
        if self.kind != "csv":
            refuse_other_kinds(self.file.name, self._start)
        return read_header(self.file.name, self._start, self.separator, self.schema.form.utf8_remedy)

    @cached_property
    def separator(self) -> str:
        """What separates the columns: as the schema says, else as the file shows."""
        text = self._start.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="ignore")
        return self.schema.form.separator or find_separator(self.file.name, text, self.schema.columns)

    @cached_property
    def _start(self) -> bytes:
        with self.open() as stream:
            start = stream.read(START_BYTES)
            while not _LINE_END.search(start) and len(start) < LARGEST_ROW_BYTES and (more := stream.read(len(start))):
                start += more  # a header of very many columns
        return start

    def batches(self, header: list[str], columns: pa.Schema, carried: pa.Field | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some columns in order, numbers as their exact doubles and integers, empty cells as nulls.

        The column that ``carried`` names in its metadata comes after them, as it is written.

        Raises
        ------
        DataError
            A cell is not what its column holds, or its quotes are not as RFC 4180 has them (row and column are named, the value
            of a private column is not shown), or Arrow and the scan count different numbers of rows.
        """
        scan, rows = CsvScan(len(header), self.separator), -1  # the header is a row of text, and none of the table
        for text in self._whole_rows(scan):
            try:
                batch = _parsed(text, header, columns, carried, self.schema, self.separator, begins=rows < 0)
            except (pa.ArrowInvalid, ValueError):
                raise self._fault(header, columns) from None
            rows += batch.num_rows + (rows < 0)
            if rows != scan.rows - 1:
                raise DataError(
                    f"{self.file.name}: {rows:,} rows were read, but there are {scan.rows - 1:,} by an independent count.",
                    "Save it anew as plain CSV (RFC 4180); if it stays so, this is a fault of FusionGuard.",
                )
            yield batch
        if scan.fault is not None:
            raise self._fault(header, columns)

    def _whole_rows(self, scan: CsvScan) -> Iterator[bytes]:
        """Yield the text in blocks of whole rows, so that no cell that spans lines is cut, up to the first wrong quote."""
        with self.open() as stream:
            while scan.fault is None and (block := stream.read(BLOCK_BYTES)):
                if text := scan.feed(block):
                    yield text
            if text := scan.close():
                yield text

    def _fault(self, header: list[str], columns: pa.Schema) -> DataError:
        scan = CsvScan(len(header), self.separator)
        for _ in self._whole_rows(scan):
            pass
        with self.open() as stream:
            return broken_cell(self.file.name, stream, self.schema, columns.names, scan.fault, separator=self.separator)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Yield the text unpacked, as UTF-8 where the schema says that it is of another encoding."""
        with self._unpacked() as stream:
            encoding = self.schema.form.encoding
            yield stream if encoding == "utf-8" else as_utf8(stream, self.file.name, encoding)

    @contextmanager
    def _unpacked(self) -> Iterator[IO[bytes]]:
        if self.kind == "csv":
            with self.file.open("rb") as stream:
                yield stream
            return
        with _decompression_faults(self.file):
            if self.kind == "zip":
                with zipfile.ZipFile(self.file) as archive, archive.open(self._member(archive.namelist())) as member:
                    yield member
            else:
                with gzip.open(self.file) as unpacked:
                    yield cast(IO[bytes], unpacked)

    def _member(self, names: list[str]) -> str:
        paths = [(name, PurePosixPath(name)) for name in names if not name.endswith("/")]
        kept = [(name, path) for name, path in paths if path.parts[:1] != ("__MACOSX",) and not path.name.startswith(".")]
        tables = [(name, path) for name, path in kept if path.suffix.lower() == ".csv"]
        chosen = [each for each in tables if each[1].name.lower() == self.schema.file_name.lower()] or tables
        if len(chosen) != 1:
            held = f" It holds {listed([path.name for _, path in kept])}." if kept and not tables else ""
            raise DataError(
                f"{self.file.name} holds {len(tables)} CSV files.{held}",
                f"It must hold {self.schema.file_name}; or unpack it, and name the file itself.",
            )
        return chosen[0][0]


def _parsed(
    text: bytes,
    header: list[str],
    columns: pa.Schema,
    carried: pa.Field | None,
    schema: DatasetSchema,
    separator: str,
    *,
    begins: bool,
) -> pa.RecordBatch:
    """Parse whole rows; the first of them is the header where they begin the file."""
    # Only what is read has its own name for Arrow, so that others may be called anything, twice too. Whole numbers are read as
    # they are written, for Arrow's parser takes 0x1F for one and does not take 1.0.
    written = carried.metadata[CARRIED_NAME].decode() if carried is not None else None
    wanted = [*columns.names, *([written] if written is not None and written not in columns.names else [])]
    names = [name if name in wanted else f"\0{place}" for place, name in enumerate(header)]
    doubles = {field.name for field in columns if pa.types.is_floating(field.type)} if schema.form.is_plain else set()
    types = {name: pa.float64() if name in doubles and name != written else pa.string() for name in wanted}
    table = pacsv.read_csv(
        pa.py_buffer(text),
        read_options=pacsv.ReadOptions(block_size=len(text) + 1, column_names=names, skip_rows_after_names=int(begins)),
        parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            include_columns=wanted,
            null_values=[""],
            quoted_strings_can_be_null=True,
            strings_can_be_null=True,
        ),
    ).combine_chunks()
    chunks = {name: table[name].chunk(0) if table.num_rows else pa.array([], table[name].type) for name in wanted}
    arrays = [_typed(chunks[field.name], field, schema) for field in columns]
    if carried is None:
        return pa.record_batch(arrays, schema=columns)
    return pa.record_batch([*arrays, chunks[written]], schema=columns.append(carried))


def _typed(column: pa.Array, field: pa.Field, schema: DatasetSchema) -> pa.Array:
    kind, form = field.type, schema.form
    if not form.is_plain and (not pa.types.is_string(kind) or field.name in schema.numbers):
        if not pa.types.is_string(kind) and not form.all_numbers(column):
            raise ValueError("a number that is written in another form")
        column = form.plain_numbers(column)
    if pa.types.is_integer(kind):
        return whole_numbers(column)
    numbers = column if column.type == kind else pc.ascii_trim_whitespace(column).cast(kind)
    if pa.types.is_floating(kind) and pc.all(pc.is_finite(numbers)).as_py() is False:
        raise ValueError("a number that is not finite")
    return numbers


@contextmanager
def _decompression_faults(file: Path) -> Iterator[None]:
    try:
        yield
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{file.name} is packed in a way that cannot be read ({error}).", "Unpack it, or pack it as an ordinary zip or gzip."
        ) from error
    except (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{file.name} is cut off or damaged: it does not unpack.", AGAIN) from error
