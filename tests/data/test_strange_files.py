"""Files of both data sets that are legal in unusual ways are read to the last bit, and broken ones refused for the true reason.

Each is read twice: whole, as a training does, and only what a model reads, as scoring does.
"""

from __future__ import annotations

import csv
import gzip
import io
import warnings
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.ingest import read_raw
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.simulated import simulate
from fusionguard.errors import DataError
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.fraud import FRAUD_FEATURES

Rows = list[list[str]]
SCHEMAS = {"fraud": FRAUD, "churn": CHURN}
NEEDED = {"fraud": FRAUD_FEATURES.model_columns, "churn": CHURN_FEATURES.model_columns}
WIDE = 9_000
"""So many more columns make a header longer than what is looked at to tell kinds of files apart."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    folder = tmp_path_factory.mktemp("clean")
    return {name: simulate(schema, 120, 11, folder / f"{name}.parquet").read() for name, schema in SCHEMAS.items()}


def _rows(table: pa.Table) -> Rows:
    return [table.column_names, *([repr(value) if isinstance(value, float) else str(value) for value in row.values()]
                                  for row in table.to_pylist())]  # fmt: skip


def _text(rows: Sequence[Sequence[str]], mark: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator=mark, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return written.getvalue()


def _changed(rows: Rows, change: Callable[[str], str], *columns: str) -> str:
    places = {rows[0].index(column) for column in columns}
    return _text([rows[0], *([change(cell) if place in places else cell for place, cell in enumerate(row)] for row in rows[1:])])


def _one(rows: Rows, row: int, column: str, cell: str) -> str:
    changed = [list(each) for each in rows]
    changed[row][rows[0].index(column)] = cell
    return _text(changed)


def _zip(*members: tuple[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members:
            with warnings.catch_warnings(action="ignore", category=UserWarning):  # of two with one name
                archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _encrypted(archive: bytes) -> bytes:
    content = bytearray(archive)
    for place in (6, content.rfind(b"PK\x01\x02") + 8):  # the flag in the member's header, and in the directory
        content[place] |= 1
    return bytes(content)


LEGAL: dict[str, tuple[str, Callable[[Rows], str | bytes]]] = {
    "every cell quoted": ("fraud churn", lambda rows: _text(rows, quoting=csv.QUOTE_ALL)),
    "lines that end in a return": ("fraud churn", lambda rows: _text(rows, "\r")),
    "line ends of two kinds": ("fraud churn", lambda rows: _text(rows[:5], "\r\n") + _text(rows[5:])),
    "a mark and returns": ("fraud churn", lambda rows: "\ufeff" + _text(rows, "\r\n")),
    "blank lines": ("fraud churn", lambda rows: _text(rows).replace("\n", "\n\n\n")),
    "no last line end": ("fraud churn", lambda rows: _text(rows).rstrip()),
    "columns in another order": ("fraud churn", lambda rows: _text([row[7:] + row[:7][::-1] for row in rows])),
    "packed in two pieces": (
        "fraud churn", lambda rows: gzip.compress(_text(rows)[:999].encode()) + gzip.compress(_text(rows)[999:].encode())),
    "scientific": ("fraud", lambda rows: _changed(rows, lambda cell: format(Decimal(cell), "E"), "V1", "V28", "Amount")),
    "every digit of a double": ("fraud", lambda rows: _changed(rows, lambda cell: f"{Decimal(float(cell)):f}", "V1", "V14")),
    "signs and blanks": ("fraud", lambda rows: _changed(rows, lambda cell: f"  {float(cell):+.17g}\t", "V3", "V4")),
    "no digit behind the point": ("fraud", lambda rows: _changed(rows, lambda cell: cell.removesuffix("0"), "Time")),
    "whole numbers with decimals": ("churn", lambda rows: _changed(rows, lambda cell: f"{cell}.00", "Age", "Tenure")),
    "a dot in a zip": ("churn", lambda rows: _zip((".", "x"), ("Churn_Modelling.csv", _text(rows)))),
    "a zip of Windows": ("churn", lambda rows: _zip(("data\\\\Churn_Modelling.csv", _text(rows)))),
}  # fmt: skip
BROKEN: dict[str, tuple[str, Callable[[Rows], str | bytes], str]] = {
    "a table twice": ("fraud", lambda rows: _text(rows + rows), "row 120 (line 122), column Time: 'Time' is not a number"),
    "a footer": ("churn", lambda rows: _text([*rows, ["Total", "120"]]), "row 120 (line 122): 2 values where the header has 14"),
    "a decimal comma": ("fraud", lambda rows: _one(rows, 9, "Amount", "81,4"), "row 8 (line 10), column Amount: '81,4' is not a"),
    "thousands": ("churn", lambda rows: _one(rows, 9, "Balance", "1,000.5"), "column Balance: '1,000.5' is not a number"),
    "a currency": ("fraud", lambda rows: _one(rows, 9, "Amount", "$81.4"), "(line 10), column Amount: '$81.4' is not a number"),
    "another minus": ("fraud", lambda rows: _one(rows, 9, "V2", "\u22121.5"), "column V2: '\u22121.5' is not a number"),
    "other digits": ("fraud", lambda rows: _one(rows, 9, "V2", "1.\u0663"), "column V2: '1.\u0663' is not a number"),
    "infinite": ("fraud", lambda rows: _one(rows, 9, "V2", "1e999"), "column V2: '1e999' is not a number"),
    "half a year": ("churn", lambda rows: _one(rows, 9, "Age", "41.5"), "row 8 (line 10), column Age: '41.5' is not an integer"),
    "too large": ("churn", lambda rows: _one(rows, 9, "Age", "9" * 20), f"'{'9' * 20}' is not an integer that 64 bits hold"),
    "yes": ("churn", lambda rows: _one(rows, 9, "HasCrCard", "Yes"), "column HasCrCard: 'Yes' is not an integer"),
    "a last quote": ("fraud", lambda rows: _text(rows) + '"', "row 120 (line 122), column Time: a quote that is never closed"),
    "two of a name in a zip": (
        "churn", lambda rows: _zip(("Churn_Modelling.csv", _text(rows)), ("Churn_Modelling.csv", _text(rows[:9]))),
        "holds 2 CSV files"),
    "a password": ("churn", lambda rows: _encrypted(_zip(("Churn_Modelling.csv", _text(rows)))), "is encrypted, password"),
}  # fmt: skip


def _cases(named: dict[str, tuple]) -> list[object]:  # type: ignore[type-arg]
    return [pytest.param(family, *case[1:], id=f"{family}, {what}") for what, case in named.items() for family in case[0].split()]


def _file(content: str | bytes, folder: Path) -> Path:
    packed = isinstance(content, bytes)
    file = folder / ("rows" if packed else "rows.csv")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(("family", "write"), _cases(LEGAL))
def test_unusual_and_legal(
    family: str, write: Callable[[Rows], str | bytes], tables: dict[str, pa.Table], tmp_path: Path
) -> None:
    file = _file(write(_rows(tables[family])), tmp_path)
    assert read_raw(file, SCHEMAS[family], tmp_path / "all.parquet").read().equals(tables[family])
    read = read_raw(file, SCHEMAS[family], tmp_path / "some.parquet", only=NEEDED[family]).read()
    assert read.equals(tables[family].select(read.column_names)) and set(read.column_names) == set(NEEDED[family])


@pytest.mark.parametrize(("family", "write", "reason"), _cases(BROKEN))
def test_broken(
    family: str, write: Callable[[Rows], str | bytes], reason: str, tables: dict[str, pa.Table], tmp_path: Path
) -> None:
    file = _file(write(_rows(tables[family])), tmp_path)
    for only in (None, NEEDED[family]):
        with pytest.raises(DataError) as caught:
            read_raw(file, SCHEMAS[family], tmp_path / "raw.parquet", only=only)
        assert reason in caught.value.what
        assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["extra", "\u00e9"])
def test_a_header_of_very_many_columns_is_read_whole(name: str, tables: dict[str, pa.Table], tmp_path: Path) -> None:
    """Those that are needed stand last, behind more than what is looked at first; a letter of two bytes may be cut there."""
    more = [f"{name}{number:06}" for number in range(WIDE)]
    first, *others = _rows(tables["fraud"])[:9]
    file = _file(_text([more + first, *(["1"] * WIDE + row for row in others)]), tmp_path)
    read = read_raw(file, FRAUD, tmp_path / "raw.parquet", only=NEEDED["fraud"]).read()
    assert read.equals(tables["fraud"].select(read.column_names).slice(0, 8))
    with pytest.raises(DataError, match=r"and 8995 more, which is not known"):
        read_raw(file, FRAUD, tmp_path / "raw.parquet")


def test_a_parquet_file_of_other_columns_is_not_told_about_a_first_line(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    pq.write_table(pa.table({"row": tables["fraud"].to_pylist()}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"and 26 more\. It has 'row'\. It must have Time"):
        read_raw(tmp_path / "rows.parquet", FRAUD, tmp_path / "raw.parquet")
