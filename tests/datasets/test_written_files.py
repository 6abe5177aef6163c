"""Files as banks write them: separators, decimal commas, signs, types of parquet, and many files; none loses a row."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.cli.datasets import problems
from fusionguard.data import transcoded
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import inspect_table
from fusionguard.datasets.reading import DeclaredDataset, parse_declaration
from fusionguard.errors import DataError, FusionGuardError, UsageError

from .invented import german

HEAD = "version: 1\nname: t\nproblem: churn\n"
TEXT = HEAD + "label: y\nnumeric: {x: null, z: {missing: allow, missing_values: [k.A.]}}\ncategorical: {c: null}\n"
PLAIN = 'x,z,c,y\n1234.5,2.25,"a;b",0\n-0.5,,c,1\n1e3,k.A.,"d\ne",0\n'


def _declared(text: str, folder: Path) -> DeclaredDataset:
    return parse_declaration(text, folder=folder)


def _read(text: str, folder: Path, source: str = "auto") -> dict[str, list[Any]]:
    raw, _ = declared_source(_declared(text, folder), source).fetch(folder / "out")
    return {name: column for name, column in raw.table.read().to_pydict().items() if name != "group_number"}


def _rows(columns: Mapping[str, list[Any]], names: Iterable[str]) -> list[str]:
    """The rows in an order of their own: without a time, prepared ones are shuffled."""
    return sorted(map(str, zip(*(columns[name] for name in names), strict=True)))


EXPECTED = {"x": [1234.5, -0.5, 1000.0], "z": [2.25, None, None], "c": ["a;b", "c", "d\ne"], "y": [0, 1, 0]}
WRITTEN = {
    "commas": ("", PLAIN),
    "semicolons": ("", PLAIN.replace(",", ";")),
    "tabs": ("", PLAIN.replace(",", "\t")),
    "bars": ("", PLAIN.replace(",", "|")),
    "semicolons and decimal commas": (
        'csv: {separator: ";", decimal: ","}\n',
        PLAIN.replace(",", ";").replace(".5", ",5").replace("2.2", "2,2"),
    ),
    "thousands": (
        'csv: {decimal: ",", thousands: "."}\n',
        'x;z;c;y\n1.234,5;2,25;"a;b";0\n-0,5;;c;1\n1.000;k.A.;"d\ne";0\n',
    ),
    "signs": (
        'csv: {thousands: ",", signs: [£, EUR, "%"]}\n',
        'x,z,c,y\n"£1,234.5",2.25%,"a;b",0\n-£0.5,,c,1\n"1,000 EUR",k.A.,"d\ne",0\n',
    ),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_however_a_file_is_written_its_rows_are_the_same(case: str, tmp_path: Path) -> None:
    csv, written = WRITTEN[case]
    (tmp_path / "rows.csv").write_text(written, encoding="utf-8")
    made = _read(f"{TEXT}{csv}rows: rows.csv\n", tmp_path)
    assert _rows(made, EXPECTED) == _rows(EXPECTED, EXPECTED)


REFUSED = {
    "a pound sign": ("", PLAIN.replace("1234.5", "£1234.5"), 'write `csv: {signs: ["£"]}` into the declaration'),
    "a sign where a number may be missing": ("", PLAIN.replace("2.25", "2.25 EUR"), 'write `csv: {signs: ["EUR"]}`'),
    "a decimal comma": (
        "",
        PLAIN.replace(",", ";").replace("1234.5", "1234,5"),
        'write `csv: {decimal: ","}` into the declaration',
    ),
    "thousands": ("", PLAIN.replace("1234.5", '"1,234.5"'), "write `csv: {thousands: ...}`"),
    "per cent": ("", PLAIN.replace("1234.5", "12%"), 'write `csv: {signs: ["%"]}`'),
    "a point that is no decimal one": (
        'csv: {decimal: ","}\n',
        PLAIN.replace(",", ";"),
        "row 0 (line 2), column x: '1234.5' is not a number. The declaration says `csv: {decimal: \",\"}`, and a point begins",
    ),
    "a point in spite of a comma, behind a declared sign, where a number may be missing": (
        'csv: {decimal: ",", thousands: ".", signs: ["€"]}\n',
        PLAIN.replace("1234.5", '"1234,5"').replace("-0.5", '"-0,5"').replace("2.25", "29.95 €"),
        'numeric.z holds text in row 0 ("29.95 €"). The declaration says `csv: {decimal: ","}`, and a point begins',
    ),
    "another sign than the declared one": (
        "csv: {signs: [€]}\n",
        PLAIN.replace("2.25", "29.95 £"),
        'If signs belong to the numbers, write `csv: {signs: ["£"]}`',
    ),
    "thousands beside a declared comma": (
        'csv: {decimal: ",", signs: [€]}\n',
        PLAIN.replace("1234.5", '"1.234,5 €"').replace("-0.5", '"-0,5"').replace("2.25", '"2,25"'),
        "write `csv: {thousands: ...}` with what stands",
    ),
    "wrong thousands": (
        'csv: {thousands: ","}\n',
        PLAIN.replace("1234.5", '"1,23.5"'),
        'numeric.x holds text in row 0 ("1,23.5")',
    ),
    "another separator": (
        'csv: {separator: ";"}\n',
        PLAIN.replace("a;b", "a"),
        "has columns separated by commas. Save it with semicolons",
    ),
    "two separators": ("", "x;y,c\n1;2,3\n4;5,6\n", "may be separated by"),
    "a row too long": ("", PLAIN.replace(",", ";") + "1;2;3;0;5\n", "row 3 (line 6): 5 values where the header has 4"),
    "a quote that is not closed": ("", PLAIN.replace(",", ";") + '1;2;"c;0\n5;6;c;1\n', "a quote that is never closed"),
    "nothing": ("", "", "is empty (0 bytes)"),
    "no rows": ("", "x;z;c;y\n", "has a header but no rows"),
    "no label": ("", "x,z,c\n1,2,a\n", "line 4: label.column needs the column 'y', which the table lacks"),
    "one class": ("", "x,z,c,y\n1,2,a,0\n3,4,b,0\n", "no row is positive"),
    "a sign declared in vain": ('csv: {signs: ["5"]}\n', PLAIN, "it must be a sign, such as £ or EUR"),
    "one sign for two things": (
        'csv: {decimal: ",", thousands: ","}\n',
        PLAIN,
        "line 7: csv: its decimal and thousands are the same sign",
    ),
    "an unknown separator": ('csv: {separator: ":"}\n', PLAIN, 'line 7: csv.separator is ":"; it must be one of'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_read_wrong_is_refused_with_what_to_do(case: str, tmp_path: Path) -> None:
    csv, written, message = REFUSED[case]
    (tmp_path / "rows.csv").write_text(written, encoding="utf-8")
    with pytest.raises(FusionGuardError) as caught:
        _read(f"{TEXT}{csv}rows: rows.csv\n", tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "drafted"),
    [
        ("utf-8", 'csv: {separator: ";", decimal: ",", thousands: ".", signs: ["€"]}'),
        ("cp1252", '  separator: ";"\n  encoding: windows-1252\n  decimal: ","\n  thousands: "."\n  signs: ["€"]\n'),
    ],
)
def test_a_german_file_is_read_by_its_own_draft(encoding: str, drafted: str, tmp_path: Path) -> None:
    table = german(600)
    names = list(table.columns)
    lines = [";".join(names), *(";".join(str(cell) for cell in row) for row in zip(*table.columns.values(), strict=True))]
    (tmp_path / "kunden.csv").write_text("\n".join(lines) + "\n", encoding=encoding)
    draft = draft_declaration(inspect_table([tmp_path / "kunden.csv"], problems()))
    assert drafted in draft
    made = _read(draft, tmp_path)
    plain = str.maketrans({".": "", ",": ".", " ": "", "€": ""})
    numbers = ("Kontostand", "Bonität", "Gebühr")
    expected: dict[str, list[Any]] = {
        name: [float(str(cell).translate(plain)) for cell in table.columns[name]] for name in numbers
    }
    expected["Filiale"] = table.columns["Filiale"]
    assert _rows(made, ["Kontostand", "Bonitat", "Gebuhr", "Filiale"]) == _rows(expected, [*numbers, "Filiale"])


NAMES = HEAD + "label: y\ncategorical: {Straße: null}\nrows: rows.csv\n"
WINDOWS = NAMES + "csv: {encoding: windows-1252}\n"


def _named(names: Iterable[str]) -> str:
    return "Straße,y\n" + "".join(f"{name},{place % 2}\n" for place, name in enumerate(names))


@pytest.mark.parametrize("packed", ["rows.csv", "rows.csv.gz"])
def test_windows_text_is_read_as_it_is_declared(packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcoded, "_BLOCK_BYTES", 7)  # letters and lines are cut anywhere
    names = ["Müller", "Œuvre – 5 €", '"a, “b”"', "plain"] * 30
    content = _named(names).encode("cp1252")
    (tmp_path / packed).write_bytes(gzip.compress(content) if packed.endswith("gz") else content)
    made = _read(WINDOWS.replace("rows.csv", packed), tmp_path)
    assert _rows(made, ["Strasse"]) == sorted(map(str, ((each.strip('"'),) for each in names)))


@pytest.mark.parametrize(
    ("declared", "content", "message"),
    [
        (
            NAMES,
            _named(["Müller", "b"]).encode("cp1252"),
            "is not UTF-8 text. Save it as UTF-8 or, where it is of Windows, write",
        ),
        (
            NAMES.replace("Straße", "x"),
            _named(["Müller", "b"]).replace("Straße", "x").encode("cp1252"),
            "row 0 (line 2), column x: not UTF-8 text. Save it as UTF-8 or, where it is of Windows, write"
            " `csv: {encoding: windows-1252}` into the declaration.",
        ),
        (
            WINDOWS,
            _named(["Müller", "b"]).encode(),
            "rows.csv is UTF-8 text, and the declaration says windows-1252. Leave csv.encoding out of the declaration",
        ),
        (
            WINDOWS.replace("Straße", "x"),
            b"\xef\xbb\xbf" + _named(["a", "b"]).replace("Straße", "x").encode(),
            "rows.csv is UTF-8 text, and the declaration says windows-1252.",
        ),
        (
            WINDOWS,
            _named(["Müller", "b"]).encode("cp1252") + b"caf\x81,1\n",
            "rows.csv is no text of windows-1252, as it is declared: it has a byte 0x81. Correct csv.encoding",
        ),
        (WINDOWS.replace("windows-1252", "latin-9"), b"", "encoding"),
    ],
)
def test_text_of_another_encoding_than_declared_is_refused(declared: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(FusionGuardError) as caught:
        _read(declared, tmp_path)
    assert message in str(caught.value)


def test_files_of_two_encodings_are_no_table_that_a_draft_could_declare(tmp_path: Path) -> None:
    for place, encoding in enumerate(("utf-8", "cp1252", "ascii")):
        name = "Müller" if encoding != "ascii" else "Mueller"
        (tmp_path / f"part-{place}.csv").write_bytes(f"name,y\n{name},1\nb,0\n".encode(encoding))
    found = inspect_table([tmp_path], problems())
    assert "encoding:" not in draft_declaration(found)
    assert [each.what for each in found.findings if each.kind == "layout"] == [
        "The file is not as training reads it: some of its files are Windows-1252 text, others UTF-8."
    ]


def test_a_typed_file_keeps_its_types(tmp_path: Path) -> None:
    moments = [datetime(2024, 6, 30, 12, 0, 0, 5), datetime(2024, 1, 31), datetime(2024, 3, 1, 1, 2, 3)]
    columns: dict[str, Any] = {
        "at": pa.array(moments, pa.timestamp("ns")),
        "known": pa.array([each.replace(tzinfo=UTC) for each in moments], pa.timestamp("ms", "Europe/London")),
        "day": pa.array([date(2024, 6, 30)] * 3),
        "mcc": pa.array([5411, 6011, None], pa.int32()),
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "vip": pa.array([True, False, True]),
        "x": pa.array([True, False, None]),
        "y": pa.array([False, True, True]),
    }
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    text = (
        f"{HEAD}rows: rows.parquet\ntime: at\nlabel: {{column: y, known: {{column: known}}}}\n"
        "numeric: {x: {missing: allow}}\n"
        "categorical: {mcc: {missing: allow}, kind: null, vip: null}\nignored: [day]\ncalendar: [month]\n"
    )
    with pytest.raises(DataError, match="row 0 knows its label before it happened"):  # the microseconds are gone
        _read(text, tmp_path)
    made = _read(text.replace(", known: {column: known}", "").replace("[day]", "[day, known]"), tmp_path)
    order = [1, 2, 0]
    assert made["event_seconds"] == [(moments[row].replace(tzinfo=UTC)).timestamp() for row in order]
    assert made["mcc"] == ["6011", None, "5411"] and made["kind"] == ["b", "a", "a"] and made["vip"] == ["false", "true", "true"]
    assert made["x"] == [0.0, None, 1.0] and made["y"] == [1, 1, 0]


def test_a_pattern_names_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "months"
    folder.mkdir()
    for name, first in (("2024-02", 3), ("2024-01", 1)):
        pq.write_table(pa.table({"x": [first, first + 1], "y": [0, 1]}), folder / f"{name}.parquet")
    text = f"{HEAD}rows: months/*.parquet\nlabel: y\nnumeric: {{x: null}}\n"
    source = declared_source(_declared(text, tmp_path), "auto")
    made = read_declared(source.declared, source.matches, tmp_path / "read.parquet").read()
    assert made["x"].to_pylist() == [1.0, 2.0, 3.0, 4.0] and source.description.startswith("local file *.parquet")
    again = declared_source(_declared(text, tmp_path), str(source.file.resolve()))
    assert again.fingerprint == source.fingerprint and len(again.matches) == 2
    pq.write_table(pa.table({"x": [9, 9], "y": [0, 1]}), folder / "2024-03.parquet")
    assert declared_source(_declared(text, tmp_path), "auto").fingerprint != source.fingerprint
    with pytest.raises(UsageError, match=r"names 'years/.*', which is not beside it"):
        declared_source(_declared(text.replace("months", "years"), tmp_path), "auto")


def test_another_declaration_of_the_same_rows_is_another_source(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(PLAIN, encoding="utf-8")
    texts = (
        TEXT,
        TEXT.replace("x: null", "x: {range: [-1, 5000]}"),
        TEXT.replace("label: y", "label: {column: y, positive: [0]}"),
    )
    sources = [declared_source(_declared(f"{text}rows: rows.csv\n", tmp_path), "auto") for text in texts]
    assert len({source.fingerprint for source in sources}) == 3 and len({source.sha256 for source in sources}) == 1
