"""Quotes in CSV text: what is legal is read as Python's csv reads it, what is not is refused, no row is swallowed."""

from __future__ import annotations

import csv
import gzip
import io
import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fusionguard.data import csv_scan
from fusionguard.data.csv_scan import CsvScan
from fusionguard.data.ingest import read_raw
from fusionguard.data.schema import DatasetSchema
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.errors import DataError

NOTES = DatasetSchema("notes", {"a": "text", "b": "text", "c": "text"}, "c", "x/y", "notes.csv")
_TEXTS = st.text(st.sampled_from("ab ,\"\n\r'é;\t"), max_size=6)
_TABLES = st.lists(st.tuples(_TEXTS, _TEXTS, st.sampled_from(["0", "1"])), min_size=1, max_size=8)
_DIALECTS = st.fixed_dictionaries(
    {"quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), "lineterminator": st.sampled_from(["\n", "\r\n", "\r"])}
)


def _scanned(text: bytes, columns: int, block: int) -> CsvScan:
    scan = CsvScan(columns)
    for start in range(0, len(text), block):
        scan.feed(text[start : start + block])
    scan.close()
    return scan


def _strictly(text: str) -> list[list[str]] | None:
    """What Python's own reader makes of it, blank lines left out; None where it refuses."""
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return None


def _written(rows: list[tuple[str, ...]], dialect: dict[str, object]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, **dialect).writerows([("a", "b", "c"), *rows])  # type: ignore[arg-type]
    return stream.getvalue()


@settings(max_examples=150, deadline=None)
@given(_TABLES, _DIALECTS)
def test_what_pythons_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], dialect: dict[str, object]
) -> None:
    file = tmp_path_factory.getbasetemp() / "written.csv"
    text = _written(rows, dialect)
    assume(_strictly(text) == [["a", "b", "c"], *map(list, rows)])  # Python 3.11 leaves a lone return without quotes
    file.write_bytes(text.encode())
    read = read_raw(file, NOTES, file.with_suffix(".parquet")).read().to_pydict()
    assert list(zip(*read.values(), strict=True)) == [tuple(cell or None for cell in row) for row in rows]


@pytest.mark.full
@settings(max_examples=300, deadline=None)
@given(_TABLES, _DIALECTS, st.data())
def test_damaged_quotes_are_refused_or_read_as_pythons_strict_reader_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], dialect: dict[str, object], data: st.DataObject
) -> None:
    text = _written(rows, dialect)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(6, len(text)))
        text = text[:place] + '"' * data.draw(st.integers(0, 1)) + text[place + data.draw(st.integers(0, 1)) :]
    file = tmp_path_factory.getbasetemp() / "damaged.csv"
    file.write_bytes(text.encode())
    expected = _strictly(text)
    try:
        read = read_raw(file, NOTES, file.with_suffix(".parquet")).read().to_pydict()
    except DataError:
        return
    assert expected is not None
    assert list(zip(*read.values(), strict=True)) == [tuple(cell or None for cell in row) for row in expected[1:]]


@settings(max_examples=300, deadline=None)
@given(_TABLES, _DIALECTS, st.integers(1, 9), st.booleans(), st.booleans())
def test_the_count_of_rows_is_pythons_wherever_pieces_end(
    rows: list[tuple[str, str, str]], dialect: dict[str, object], piece: int, mark: bool, cut: bool
) -> None:
    text = _written(rows, dialect)
    text = text.rstrip("\r\n") if cut else text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_scan, "_PIECE_BYTES", piece)
        scan = _scanned(b"\xef\xbb\xbf" * mark + text.encode(), 3, 1_000)
    assert scan.fault is None
    assert scan.rows == len(_strictly(text) or [])


@pytest.mark.parametrize(
    ("text", "row", "column", "line"),
    [
        ('a,b,c\n1,x,0\n2,x"y,0\n', 1, 1, 3),
        ('a,b,c\r\n1,x,0\r\n2,"x"y,0\r\n', 1, 1, 3),
        ('a,b,c\n1,"p\nq",0\n\n2,"x",0"\n', 1, 2, 5),
        ('a,b,c\n1,"p,""q""",0\n2,x,"0\n3,y,1\n', 1, 2, 3),
        ('a,b,c\n"1,x,0\n2,y,1\n3,z,0\n', 0, 0, 2),
        ('a,b,c\n1,""x,0\n', 0, 1, 2),
        ('a,b"c,d\n1,x,0\n', -1, 1, 1),
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 1_000])
def test_the_cell_with_the_wrong_quote_is_found(
    text: str, row: int, column: int, line: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "_PIECE_BYTES", piece)
    fault = _scanned(text.encode(), 3, 5).fault
    assert fault is not None
    assert (fault.row, fault.column, fault.line) == (row, column, line)


def _customers(**changed: str) -> list[str]:
    """Twelve customers as lines; ``row5='"Moss'`` replaces a surname."""
    names = {f"row{number}": f"Name{number}" for number in range(1, 13)} | changed
    return [
        ",".join(CHURN.columns),
        *(
            f"{number},{15_000_000 + number},{names[f'row{number}']},{600 + number},France,Male,{30 + number},3,0,1,1,0,1000.5,0"
            for number in range(1, 13)
        ),
    ]


@pytest.mark.parametrize(
    ("changed", "row"),
    [
        ({"row5": '"Moss', "row9": '"Hale'}, 5),  # the close quote has text behind it
        ({"row5": '"Moss', "row9": 'Hale"'}, 5),  # legal by the letter: four rows would be one cell
        ({"row5": '"Moss', "row6": 'Hale"'}, 5),
        ({"row12": '"Moss'}, 12),
        ({"row1": 'O"Neil'}, 1),
        ({"row7": '"Moss" '}, 7),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_stray_quotes_swallow_no_row(changed: dict[str, str], row: int, ending: str, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(ending.join(_customers(**changed)) + ending, newline="")
    for only in (None, ["CreditScore", "Age"]):
        with pytest.raises(DataError) as caught:
            read_raw(tmp_path / "customers.csv", CHURN, tmp_path / "raw.parquet", only=only)
        assert f"customers.csv, row {row - 1} (line {row + 1}), column Surname: " in str(caught.value)
        assert not any(name in str(caught.value) for name in ("Moss", "Hale", "Neil"))
        assert not (tmp_path / "raw.parquet").exists()


def test_an_earlier_fault_of_another_kind_is_the_one_that_is_named(tmp_path: Path) -> None:
    lines = _customers(row9='"Moss')
    lines[4] = lines[4].replace(",34,", ",?,")
    (tmp_path / "customers.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"row 3 \(line 5\), column Age: '\?' is not an integer"):
        read_raw(tmp_path / "customers.csv", CHURN, tmp_path / "raw.parquet")


@pytest.mark.parametrize("packed", ["csv", "gz", "zip"])
@pytest.mark.parametrize("shift", [0, 9, 17])
def test_a_cell_that_spans_lines_is_read_wherever_a_block_ends(
    packed: str, shift: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same lines at another place in the block: the break of the name falls on its end, before it and after it."""
    monkeypatch.setattr("fusionguard.data.csv_table.BLOCK_BYTES", 1_000)
    lines = _customers(row1="x" * (shift + 1), **{f"row{number}": '"van\r\nder ""Moss"", A."' for number in (3, 7, 11)})
    text = "\r\n".join([lines[0], *lines[1:] * 20]).encode()
    file = tmp_path / f"customers.{packed}"
    if packed == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("Churn_Modelling.CSV", text)
    else:
        file.write_bytes(gzip.compress(text) if packed == "gz" else text)
    read = read_raw(file, CHURN, tmp_path / "raw.parquet").read(["RowNumber", "Surname", "CreditScore"]).to_pydict()
    assert read["RowNumber"] == list(range(1, 13)) * 20
    assert read["Surname"][2] == 'van\r\nder "Moss", A.'
    assert read["CreditScore"] == [600 + number for number in range(1, 13)] * 20


def test_rows_that_two_counts_do_not_agree_on_are_not_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "customers.csv").write_text("\n".join(_customers()))
    monkeypatch.setattr("fusionguard.data.csv_scan._filled", lambda text, outside: len(outside) + 1)
    with pytest.raises(DataError, match="11 rows were read, but there are 12 by an independent count"):
        read_raw(tmp_path / "customers.csv", CHURN, tmp_path / "raw.parquet")
    assert not (tmp_path / "raw.parquet").exists()


def test_random_damage_of_a_wide_table_never_shifts_a_row(tmp_path: Path) -> None:
    draw = random.Random(5)
    good = _customers()
    whole = "\n".join(good)
    expected = dict(zip(range(1, 13), range(601, 613), strict=True))
    for _ in range(60):
        text = whole
        for _ in range(2):
            place = draw.randrange(len(good[0]) + 1, len(text))
            text = text[:place] + '"' + text[place:]
        (tmp_path / "a.csv").write_text(text)
        try:
            read = read_raw(tmp_path / "a.csv", CHURN, tmp_path / "raw.parquet").read().to_pydict()
        except DataError:
            continue
        assert dict(zip(read["RowNumber"], read["CreditScore"], strict=True)) == expected


def test_the_scan_keeps_no_more_than_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"1,2,0\n" * 700_000
    tracemalloc.start()
    scan = _scanned(text, len(FRAUD.columns), len(text))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scan.rows == 700_000
    assert most < 24 << 20
