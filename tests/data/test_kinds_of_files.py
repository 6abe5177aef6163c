"""Files that are not what they seem are named for what they are; parts of a table are read in order."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from fusionguard.data.csv_table import CsvTable
from fusionguard.data.ingest import read_raw
from fusionguard.data.local import LocalSource
from fusionguard.data.part_files import part_files
from fusionguard.data.schema import DatasetSchema
from fusionguard.datasets.resolve_source import resolve_source
from fusionguard.errors import DataError, UsageError
from fusionguard.files import sha256_file
from fusionguard.home import Home

VISITS = DatasetSchema("visits", {"City": "text", "Visits": "integer", "Spent": "float"}, "Visits", "x/visits", "visits.csv")
HEADER = b"City,Visits,Spent\n"
TEXT = HEADER + b"Lyon,3,1.25\nPau,12,7.5\n"


def _zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        about = tarfile.TarInfo("visits.csv")
        about.size = len(TEXT)
        archive.addfile(about, io.BytesIO(TEXT))
    return packed.getvalue()


def _parquet(table: pa.Table) -> bytes:
    packed = io.BytesIO()
    pq.write_table(table, packed)
    return packed.getvalue()


def _feather() -> bytes:
    packed = io.BytesIO()
    feather.write_feather(pa.table({"City": ["Lyon"]}), packed)
    return packed.getvalue()


_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 150828752\n"
_WORKBOOK = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}


@pytest.mark.parametrize(
    ("name", "content", "what", "remedy"),
    [
        ("a.csv", _POINTER, "a Git LFS pointer", "git lfs pull"),
        ("a.csv", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "an HTML page", "Download it again"),
        ("a.csv", b"\n  <HTML lang=en>", "an HTML page", "Download it again"),
        ("a.csv", b'<?xml version="1.0"?><rows/>', "XML", "Save it as CSV"),
        ("a.csv", json.dumps({"City": "Lyon"}).encode(), "JSON", "as CSV or parquet"),
        ("a.csv", b'\xef\xbb\xbf[\n{"City": "Lyon"}]', "JSON", "as CSV or parquet"),
        ("a.xlsx", _zipped(_WORKBOOK), "an Excel workbook", "Save it as CSV"),
        ("a.zip", _zipped(_WORKBOOK), "an Excel workbook", "Save it as CSV"),
        ("a.ods", _zipped({"mimetype": b"x", "content.xml": b"<x/>"}), "an OpenDocument workbook", "Save it as CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old Excel workbook (.xls)", "Save it as CSV"),
        ("a.csv", b"sep=,\n" + TEXT, "begins with a 'sep=' line", "Remove that line"),
        ("a.csv", b"\xef\xbb\xbfsep=;\r\n" + TEXT.replace(b",", b";"), "begins with a 'sep=' line", "by commas"),
        ("a.csv", TEXT.replace(b",", b";"), "separated by semicolons", "with commas"),
        ("a.csv", TEXT.replace(b",", b"\t"), "separated by tabs", "with commas"),
        ("a.csv", TEXT.replace(b",", b" "), "separated by blanks", "with commas"),
        (
            "a.csv",
            b"# made by hand\n" + TEXT,
            "lacks the column 'City', 'Visits', 'Spent'. Its first line must name",
            "must have",
        ),
        ("a.csv", b"City,'Visits',Spent\n", "where 'Visits' is expected: it holds an apostrophe", "Rename it"),
        ("a.csv", TEXT.decode().encode("utf-16"), "UTF-16", "as UTF-8"),
        ("a.csv", TEXT.decode().encode("utf-16-be"), "is UTF-16 text", "as UTF-8"),
        ("a.csv", TEXT.replace(b"Pau", "€".encode()).decode().encode("utf-16-le"), "is UTF-16 text", "as UTF-8"),
        ("a.csv", TEXT.decode().encode("utf-32-be"), "is UTF-32 text", "as UTF-8"),
        ("a.csv", bytes(5_000), "begins with 5,000 zero bytes and no text", "Get it again"),
        ("a.csv.gz", gzip.compress(bytes(70_000)), "begins with 70,000 zero bytes and no text", "Get it again"),
        ("a.csv", TEXT.replace(b"Visits", b"Vis\0its"), "a zero byte in its header", "Get it again"),
        ("a.csv", TEXT + bytes(4_096), "row 2 (line 4): zero bytes, which no text has", "Get it again"),
        ("a.csv", TEXT[:30] + bytes(50) + TEXT[35:], "row 1 (line 3): zero bytes, which no text has", "Get it again"),
        ("a.csv", b"City,Visits,Spent\nLyon,\x1b[2J3,1\n", r"'\x1b[2J3' is not an integer", "Correct it"),
        ("a.csv", lzma.compress(TEXT)[7:], "is binary, of a kind that is not known", "as CSV or parquet"),
        ("a.csv", _parquet(pa.table({"City": ["Lyon"]}))[7:], "is binary, of a kind that is not known", "as CSV or parquet"),
        ("a.csv", pickle.dumps({"City": "Lyon"}, 0), "a pickled Python object, which is never read", "as CSV or parquet"),
        ("a.csv", pickle.dumps({"City": "Lyon"}, 5), "a pickled Python object, which is never read", "as CSV or parquet"),
        ("a.csv", b"ORC\x08\x03", "an ORC file", "as CSV or parquet"),
        ("a.csv", bytes(8) + b"DUCK" + bytes(90), "a DuckDB database", "as CSV or parquet"),
        ("a.dta", b"<stata_dta><header>", "a Stata file", "as CSV or parquet"),
        ("a.csv", b"-----BEGIN PGP MESSAGE-----\n\nhQ", "encrypted or signed with PGP", "Decrypt it"),
        ("a.csv.gpg", b"\x85\x02\x0c" + b"\x99" * 90, "encrypted or signed with PGP", "Decrypt it"),
        ("a.docx", _zipped({"[Content_Types].xml": b"", "word/document.xml": b""}), "a Word document", "Save it as CSV"),
        ("a.zip", _zipped({"inner.zip": _zipped({"visits.csv": TEXT})}), "holds 0 CSV files. It holds 'inner.zip'", "unpack it"),
        ("a.csv", b"\xef\xbb\xbf", "does not start with a header", "must name the columns"),
        ("a.csv", HEADER, "has a header but no rows", "Get it again"),
        ("a.csv", TEXT.decode().encode("utf-32"), "UTF-32", "as UTF-8"),
        ("a.csv", b"\xef\xbb\xbf\xef\xbb\xbf" + TEXT, "two byte order marks", "Remove one"),
        ("a.csv.bz2", bz2.compress(TEXT), "packed with bzip2", "Unpack it"),
        ("a.csv.lzma", lzma.compress(TEXT, format=lzma.FORMAT_ALONE), "packed with lzma", "Unpack it"),
        ("a.csv.xz", lzma.compress(TEXT), "packed with xz", "Unpack it"),
        ("a.csv.zst", bytes(pa.compress(TEXT, codec="zstd", asbytes=True)), "packed with zstd", "Unpack it"),
        ("a.csv.lz4", b"\x04\x22\x4d\x18" + b"\0" * 20, "packed with lz4", "Unpack it"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive", "Unpack it"),
        ("a.tar", _tar(), "a tar archive", "Unpack it"),
        ("a.tar.gz", gzip.compress(_tar()), "a tar archive", "Unpack it"),
        ("a.csv.gz", gzip.compress(gzip.compress(TEXT)), "packed with gzip once more", "Unpack it once"),
        ("a.csv", _feather(), "an Arrow (Feather) file", "as CSV or parquet"),
        ("a.parquet", TEXT, "named as parquet but its content is not: it is plain text", "rename it"),
        ("a.csv.gz", TEXT, "named as gzip but its content is not: it is plain text", "rename it"),
        ("a.csv", b"", "is empty (0 bytes)", "Get it again"),
        ("a.csv.gz", gzip.compress(b""), "does not start with a header", "must name the columns"),
        ("a.zip", _zipped({"readme.txt": b"x"}), "holds 0 CSV files. It holds 'readme.txt'", "visits.csv"),
        ("a.csv", b"City ,Visits,Spent\n", "'City ' where 'City' is expected: it holds a blank", "Rename it to City"),
        (
            "a.csv",
            "City,\u00a0Visits,Spent\n".encode(),
            r"'\xa0Visits' where 'Visits' is expected: it holds a no-break space",
            "",
        ),
        ("a.csv", "City,Visits,Spent\u200b\n".encode(), r"'Spent\u200b' where 'Spent' is expected: it holds a zero width", ""),
        ("a.csv", b"City,VISITS,Spent\n", "'VISITS' where 'Visits' is expected: upper and lower case differ", "Rename it"),
        ("a.csv", b"City,Visits,Spent,Spent \n", "'Spent ' beside 'Spent'", "Keep one"),
        ("a.csv", b"City,Visits,Spent,Spent\n", "'Spent' more than once", "Keep one"),
        ("a.csv", "\u0421ity,Visits,Spent\n".encode(), r"lacks the column 'City'. It has '\u0421ity' instead", "must have City"),
        ("a.csv", "City,Geb\u00fchr,Spent\n".encode(), "It has 'Geb\u00fchr' instead", "must have City"),
        ("a.csv", "City,Gebu\u0308hr,Spent\n".encode(), r"It has 'Gebu\u0308hr' instead", "must have City"),
        (
            "a.csv",
            "City,\u0434\u0430\u0442\u0430,Spent\n".encode(),
            "It has '\u0434\u0430\u0442\u0430' instead",
            "must have City",
        ),
        ("a.csv", b'"City,Visits,Spent\nLyon,3,1\n', "a quote in its header that is not closed", "close it"),
        (
            "a.csv",
            b'City,Visits",Spent\nLyon,3,1\n',
            "'Visits\"' where 'Visits' is expected: it holds a quotation mark",
            "Rename it",
        ),
        ("a.parquet.gz", gzip.compress(b"PAR1" + b"\0" * 90), "holds another file inside: parquet", "Unpack it once"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",  # packed bytes hold the time, and ids must not
)
def test_what_it_is_and_what_to_do(name: str, content: bytes, what: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_raw(tmp_path / name, VISITS, tmp_path / "raw.parquet")
    assert what in caught.value.what
    assert remedy in caught.value.remedy
    assert caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("member", ["visits.csv", "VISITS.CSV", "data/Visits.Csv"])
def test_a_zip_made_on_any_machine(member: str, tmp_path: Path) -> None:
    extras = {"__MACOSX/._visits.csv": b"\0\5\x16\7", "data/.DS_Store": b"x", "._visits.csv": b"\0", "other/notes.csv": b"a\n1\n"}
    (tmp_path / "a.zip").write_bytes(_zipped(extras | {member: TEXT}))
    assert read_raw(tmp_path / "a.zip", VISITS, tmp_path / "raw.parquet").read()["Visits"].to_pylist() == [3, 12]


@pytest.mark.parametrize(
    ("written", "value"),
    [("1.0", 1), ("1e+05", 100_000), ("7e2", 700), ("-3", -3), ("+4", 4), ("12.50e1", 125), (" 9 ", 9), ("007", 7), (".5e1", 5)],
)
def test_whole_numbers_as_programs_write_them(written: str, value: int, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + f"Lyon,{written},1\nPau,9223372036854775807,1\nBrest,,2\n".encode())
    read = read_raw(tmp_path / "a.csv", VISITS, tmp_path / "raw.parquet").read()
    assert read["Visits"].to_pylist() == [value, 2**63 - 1, None]


@pytest.mark.parametrize(
    "written", ["1.5", "1e-1", "0x1F", "9223372036854775808", "1e19", "1e9999", "١", "1_000", "True", "nan", "1,0"]
)
def test_what_is_no_whole_number(written: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + f'Lyon,2,1\nPau,"{written}",1\n'.encode())
    with pytest.raises(DataError) as caught:
        read_raw(tmp_path / "a.csv", VISITS, tmp_path / "raw.parquet")
    assert f"a.csv, row 1 (line 3), column Visits: '{written}' is not an integer" in str(caught.value)


def _parts(folder: Path, parts: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    return folder


def _rows(*numbers: int) -> bytes:
    return HEADER + b"".join(f"Lyon,{number},0.5\n".encode() for number in numbers)


_SPARK_CSV = {
    "_SUCCESS": b"",
    "._SUCCESS.crc": b"crc",
    ".part-00000-ab-c000.csv.crc": b"crc",
    "_started_7": b"{}",
    "part-00000-ab-c000.csv": _rows(8, 3),
    "part-00001-ab-c000.csv": b"",
    "part-00002-ab-c000.csv": HEADER,
    "part-00010-ab-c000.csv": _rows(5),
}


def _table(*numbers: int) -> bytes:
    return _parquet(pa.table({"City": ["Lyon"] * len(numbers), "Visits": list(numbers), "Spent": [0.5] * len(numbers)}))


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(_SPARK_CSV, id="CSV"),
        pytest.param(
            {"part-00000-a.c000.csv.gz": gzip.compress(_rows(8, 3)), "part-00001-a.c000.csv.gz": gzip.compress(_rows(5))},
            id="gzip",
        ),
        pytest.param(
            {"part-00000-a.snappy.parquet": _table(8, 3), "part-00001-a.snappy.parquet": _table(5), "_SUCCESS": b""}, id="parquet"
        ),
        pytest.param({"part.2.parquet": _table(8, 3), "part.10.parquet": _table(5), "_metadata": b"x"}, id="Dask"),
    ],
)
def test_a_folder_of_parts_is_one_table_in_order(parts: dict[str, bytes], home: Home, tmp_path: Path) -> None:
    folder = _parts(tmp_path / "visits.parquet", parts)
    assert read_raw(folder, VISITS, tmp_path / "raw.parquet").read()["Visits"].to_pylist() == [8, 3, 5]
    source = resolve_source(str(folder), VISITS, home, seed=1, rows=10)
    fetched = source.fetch(tmp_path / "run")
    assert fetched.table.read()["Visits"].to_pylist() == [8, 3, 5]
    assert fetched.provenance.rows == 3
    first, *_, last = part_files(folder)
    assert read_raw(last, VISITS, tmp_path / "raw.parquet").read()["Visits"].to_pylist() == [5]
    before = source.fingerprint
    first.write_bytes(last.read_bytes())
    assert LocalSource(folder, VISITS).fingerprint != before


def test_a_folder_of_parts_has_a_declaration(home: Home, tmp_path: Path) -> None:
    folder = _parts(tmp_path / "visits", {"part-00000.csv": _rows(8), "source.yaml": b"negative_sampling_rate: 0.25\n"})
    assert resolve_source(str(folder), VISITS, home, seed=1, rows=10).fetch(tmp_path).provenance.negative_sampling_rate == 0.25
    (tmp_path / "visits.source.yaml").write_text("negative_sampling_rate: 0.75\n")
    assert LocalSource(folder, VISITS).declaration.negative_sampling_rate == 0.75


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"part-00000.csv": _rows(1), "notes.txt": b"x"}, "holds 'notes.txt' beside its part files"),
        ({"part-00000.csv": _rows(1), "_temporary": b""}, "the job that wrote it has not ended"),
        ({"part-00000.csv": b""}, "holds empty part files only"),
        ({"part-00000.csv": b"Lyon,3,1\n"}, r"part-00000.csv lacks the column 'City', 'Visits', 'Spent'. Its first line must"),
        (
            {"part-00000.csv": _rows(1), "part-00001.csv": _rows(2) + b"Pau,x,1\n"},
            r"part-00001.csv, row 1 \(line 3\), column Visits",
        ),
    ],
)
def test_parts_that_are_no_table(parts: dict[str, bytes], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_raw(_parts(tmp_path / "visits", parts), VISITS, tmp_path / "raw.parquet")


@pytest.mark.parametrize(("log", "kind"), [("_delta_log", "Delta Lake"), (".hoodie", "Hudi")])
def test_files_of_a_tables_past_are_not_read(log: str, kind: str, home: Home, tmp_path: Path) -> None:
    folder = _parts(tmp_path / "visits", {"part-00000-a.parquet": _table(8), "part-00001-b.parquet": _table(3)})
    (folder / log).mkdir()
    with pytest.raises(DataError, match=f"visits is a {kind} table, whose log says which of the files"):
        resolve_source(str(folder), VISITS, home, seed=1, rows=10)


def test_what_goes_wrong_while_a_plain_file_is_read_is_not_taken_for_a_packed_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT))
    with pytest.raises(EOFError), CsvTable(tmp_path / "a.csv", "csv", VISITS).open():
        raise EOFError
    with pytest.raises(DataError, match="does not unpack"), CsvTable(tmp_path / "a.csv.gz", "gzip", VISITS).open():
        raise EOFError


def test_a_folder_that_is_none_of_it(home: Home, tmp_path: Path) -> None:
    _parts(tmp_path / "visits", {"a.csv": _rows(1), "b.csv": _rows(2)})
    with pytest.raises(UsageError, match="folder without part files"):
        read_raw(tmp_path / "visits", VISITS, tmp_path / "raw.parquet")
    (tmp_path / "visits" / "Visits=3").mkdir()
    with pytest.raises(DataError, match="is partitioned: its parts lie in folders such as 'Visits=3'"):
        read_raw(tmp_path / "visits", VISITS, tmp_path / "raw.parquet")


def test_one_files_fingerprint_stays_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_bytes(TEXT)
    assert LocalSource(tmp_path / "visits.csv", VISITS).fingerprint == sha256_file(tmp_path / "visits.csv")


_ALIKE = ("lag_1_12", "lag_11_2", "growth +", "growth -", "fee (£)", "fee ($)", "a b", "a_b")


def test_columns_that_look_alike_are_kept_apart(tmp_path: Path) -> None:
    schema = DatasetSchema("alike", dict.fromkeys(_ALIKE, "float"), "lag_1_12", "", "alike.csv")
    (tmp_path / "a.csv").write_text(",".join(_ALIKE) + "\n" + ",".join(str(at + 0.5) for at in range(len(_ALIKE))) + "\n")
    read = read_raw(tmp_path / "a.csv", schema, tmp_path / "raw.parquet").read()
    assert read.to_pylist() == [{name: at + 0.5 for at, name in enumerate(_ALIKE)}]


@pytest.mark.parametrize(("there", "more"), [(_ALIKE[at], _ALIKE[1 - at % 2 + at - at % 2]) for at in range(6)])
def test_a_column_of_other_numbers_or_signs_is_not_taken_for_one_that_is_there(there: str, more: str, tmp_path: Path) -> None:
    schema = DatasetSchema("alike", {there: "float", "y": "float"}, "y", "", "alike.csv")
    (tmp_path / "a.csv").write_text(f"{there},{more},y\n1,2,3\n")
    with pytest.raises(DataError, match="which is not known"):
        read_raw(tmp_path / "a.csv", schema, tmp_path / "raw.parquet")
    read = read_raw(tmp_path / "a.csv", schema, tmp_path / "raw.parquet", only=["y", there]).read()
    assert read.to_pylist() == [{there: 1.0, "y": 3.0}]
