"""Reading raw files: every good form gives the same table, every bad one a message that names file, column and row."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.ingest import read_raw
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.errors import DataError, StorageError, UsageError

NAMES = list(FRAUD.columns)
ROWS = 40


def _values() -> np.ndarray:
    rng = np.random.default_rng(3)
    values = rng.standard_normal((ROWS, 31)) * np.logspace(-8, 8, 31)
    values[:, 0] = np.arange(ROWS)
    values[:, -1] = np.arange(ROWS) % 2
    return values


def _lines(label: str = "{}") -> list[str]:
    rows = [",".join([*(repr(float(value)) for value in row[:-1]), label.format(int(row[-1]))]) for row in _values()]
    return [",".join(NAMES), *rows]


def _text(**changes: str) -> bytes:
    return ("\n".join(_lines(**changes)) + "\n").encode()


def _zip(file: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda folder: _write(folder / "a.csv", _text()), id="plain"),
        pytest.param(lambda folder: _write(folder / "a.csv", _text(label='"{}"')), id="quoted labels, as Kaggle sends"),
        pytest.param(lambda folder: _write(folder / "a.csv", _text().replace(b"\n", b"\r\n")), id="CRLF"),
        pytest.param(lambda folder: _write(folder / "a.csv", b"\xef\xbb\xbf" + _text()), id="BOM"),
        pytest.param(lambda folder: _write(folder / "a.csv", _text().rstrip(b"\n")), id="no newline at the end"),
        pytest.param(lambda folder: _write(folder / "a.csv.gz", gzip.compress(_text())), id="gzip"),
        pytest.param(lambda folder: _write(folder / "a.csv", gzip.compress(_text())), id="gzip under another name"),
        pytest.param(lambda folder: _write_zip(folder / "a.zip", {"x.bin": b"1", "d/creditcard.csv": _text()}), id="zip"),
        pytest.param(lambda folder: _write(folder / "a.csv", _reversed_columns()), id="another order of columns"),
    ],
)
def test_good_forms_give_the_same_exact_table(write: Callable[[Path], Path], tmp_path: Path) -> None:
    table = read_raw(write(tmp_path), FRAUD, tmp_path / "raw.parquet")
    read = table.read()
    assert table.columns == NAMES
    assert np.array_equal(np.column_stack([column.to_numpy() for column in read.columns]), _values())
    assert {str(field.type) for field in read.schema} == {"double", "int64"}


def _write(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def _write_zip(file: Path, members: dict[str, bytes]) -> Path:
    _zip(file, members)
    return file


def _reversed_columns() -> bytes:
    return "\n".join(",".join(reversed(line.split(","))) for line in _lines()).encode()


def _changed(row: int, column: str, cell: str) -> bytes:
    """The text with one cell changed; rows count from 0."""
    lines = _lines()
    cells = lines[row + 1].split(",")
    cells[NAMES.index(column)] = cell
    lines[row + 1] = ",".join(cells)
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"bad.csv is empty \(0 bytes\)"),
        (b"  \n", "does not start with a header"),
        (_text().splitlines()[0], "has a header but no rows"),
        (_text().replace(b"V7,", b"", 1), "lacks the column 'V7'"),
        (_text().replace(b"V7,", b"V8,", 1), "has the column 'V8' more than once"),
        (
            b"\n".join(line + b",1" for line in _text().splitlines()).replace(b"Class,1", b"Class,Extra", 1),
            "'Extra', which is not known",
        ),
        (_text().replace(b",", b";"), "separated by semicolons"),
        (_text().replace(b",", b"\t"), "separated by tabs"),
        (_text().decode().encode("utf-16"), "is not UTF-8 text"),
        (_changed(4, "V3", "1,5").replace(b"1,5", b'"1,5"'), r"bad.csv, row 4 \(line 6\), column V3: '1,5' is not a number"),
        (_changed(16, "Amount", "abc"), r"row 16 \(line 18\), column Amount: 'abc' is not a number"),
        (_changed(16, "Amount", "nan"), r"row 16 \(line 18\), column Amount: 'nan' is not a number"),
        (_changed(8, "V28", "inf"), r"row 8 \(line 10\), column V28: 'inf' is not a number"),
        (_changed(8, "V28", "1e999"), r"row 8 \(line 10\), column V28: '1e999' is not a number"),
        (_changed(39, "Class", "0.5"), r"row 39 \(line 41\), column Class: '0.5' is not an integer"),
        (_changed(7, "V2", "1.0,2.0"), r"row 7 \(line 9\): 32 values where the header has 31"),
        (_text()[:-300], r"row 39 \(line 41\): \d+ values where the header has 31"),
        (_changed(2, "V2", "X").replace(b"X", b"\xe9"), r"bad.csv, row 2 \(line 4\), column V2: not UTF-8 text"),
        (b"PK\x03\x04 and no more", "cut off or damaged"),
        (gzip.compress(_text(), mtime=0)[:-200], "cut off or damaged"),
        (gzip.compress(_text(), mtime=0)[:5], "cut off or damaged"),
        (b"PAR1 and no more", "not a whole parquet file"),
    ],
)
def test_bad_files_say_what_is_wrong(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_raw(file, FRAUD, tmp_path / "raw.parquet")
    assert caught.value.remedy
    assert str(tmp_path) not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_an_empty_cell_is_a_null_for_the_contracts_to_judge(tmp_path: Path) -> None:
    table = read_raw(_write(tmp_path / "a.csv", _changed(1, "V5", "")), FRAUD, tmp_path / "raw.parquet")
    assert table.read(["V5"])["V5"].is_null().to_pylist() == [row == 1 for row in range(ROWS)]


@pytest.mark.parametrize("suffix", [".gz", ".zip", ".parquet"])
def test_a_name_that_promises_something_else(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="but its content is not"):
        read_raw(_write(tmp_path / f"a{suffix}", _text()), FRAUD, tmp_path / "raw.parquet")


def test_zip_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 2 CSV files"):
        read_raw(_write_zip(tmp_path / "a.zip", {"x.csv": b"1", "y.csv": b"2"}), FRAUD, tmp_path / "raw.parquet")


def test_cut_off_zip(tmp_path: Path) -> None:
    file = _write_zip(tmp_path / "a.zip", {"creditcard.csv": _text()})
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(DataError, match="cut off or damaged"):
        read_raw(file, FRAUD, tmp_path / "raw.parquet")


def test_file_that_is_absent_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read_raw(tmp_path / "none.csv", FRAUD, tmp_path / "raw.parquet")
    with pytest.raises(UsageError, match="is a folder"):
        read_raw(tmp_path, FRAUD, tmp_path / "raw.parquet")


def test_destination_that_cannot_be_written(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.csv", _text())
    with pytest.raises(StorageError, match="parent of it is a file"):
        read_raw(file, FRAUD, file / "raw.parquet")


def test_columns_that_are_not_asked_for_may_be_absent_or_hold_anything(tmp_path: Path) -> None:
    unlabelled = "\n".join(line.rsplit(",", 1)[0] for line in _lines()).encode()
    file = _write(tmp_path / "a.csv", unlabelled)
    wanted = [name for name in NAMES if name != "Class"]
    with pytest.raises(DataError, match="lacks the column 'Class'"):
        read_raw(file, FRAUD, tmp_path / "raw.parquet")
    expected = read_raw(file, FRAUD, tmp_path / "raw.parquet", only=wanted).read()
    assert expected.column_names == wanted
    assert np.array_equal(expected["V28"].to_numpy(), _values()[:, 28])
    for text in (_text(), _text(label="NA"), _text().replace(b"Class", b"Class,Class,label ").replace(b"\n", b",x,\n")):
        lines = text.splitlines()
        width = lines[0].count(b",")
        same_width = b"\n".join(line + b"," * (width - line.count(b",")) for line in lines)
        read = read_raw(_write(tmp_path / "b.csv", same_width), FRAUD, tmp_path / "again.parquet", only=wanted).read()
        assert read.equals(expected)
    strange = _arrow(Class=pa.array([[1, 2]] * ROWS)).append_column("when", pa.array([None] * ROWS))
    pq.write_table(strange, tmp_path / "c.parquet")
    assert read_raw(tmp_path / "c.parquet", FRAUD, tmp_path / "again.parquet", only=wanted).read().equals(expected)


def _arrow(**replaced: pa.Array) -> pa.Table:
    table = pa.table({name: _values()[:, index] for index, name in enumerate(NAMES)})
    for name, column in replaced.items():
        table = table.set_column(NAMES.index(name), name, column)
    return table


def test_parquet(tmp_path: Path) -> None:
    pq.write_table(_arrow(V1=pa.array([None, float("nan"), *range(2, ROWS)], pa.float64())), tmp_path / "a.parquet")
    read = read_raw(tmp_path / "a.parquet", FRAUD, tmp_path / "raw.parquet").read()
    assert str(read.schema.field("Class").type) == "int64"
    assert read["V1"].null_count == 2
    assert np.array_equal(read["V28"].to_numpy(), _values()[:, 28])


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("V4", ["1"] * ROWS, "has string in column V4"),
        ("V4", [float("inf")] * ROWS, "infinite number in column V4"),
        ("Class", [0.5] * ROWS, "column Class that is not int64"),
    ],
)
def test_bad_parquet(column: str, values: list[object], message: str, tmp_path: Path) -> None:
    pq.write_table(_arrow(**{column: pa.array(values)}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        read_raw(tmp_path / "a.parquet", FRAUD, tmp_path / "raw.parquet")


def test_real_files_read_exactly(real_data: Path, tmp_path: Path) -> None:
    file = real_data / "creditcard_fraud" / "creditcard.csv"
    read = read_raw(file, FRAUD, tmp_path / "raw.parquet").read()
    with file.open() as stream:
        next(stream)
        first = [float(cell.strip('"')) for cell in next(stream).split(",")]
    assert read.num_rows == 14_271
    assert [column[0].as_py() for column in read.columns] == first
    churn = read_raw(real_data / "bank_churn" / "Churn_Modelling.csv", CHURN, tmp_path / "churn.parquet")
    assert churn.rows == 8_000
    assert str(churn.schema.field("Surname").type) == "string"
