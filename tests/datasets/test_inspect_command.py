"""The command `fusionguard inspect` as people use it: what it prints where, what it writes, and how it refuses."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionguard import cli
from fusionguard.datasets.reading import read_declaration

from .invented import people, telco

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; return its exit status, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fusionguard", "inspect", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        streams = capsys.readouterr()
        return int(ended.value.code or 0), streams.out, streams.err

    return call


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return telco(800).write(tmp_path_factory.mktemp("table"))


def test_the_draft_goes_to_stdout_and_the_reading_to_stderr(run: Run, table: Path, tmp_path: Path) -> None:
    status, out, err = run(table)
    assert status == 0
    assert "Contract               text         categorical       -       3  3 values" in err.splitlines()
    (tmp_path / "draft.yaml").write_text(out)
    declared = read_declaration(tmp_path / "draft.yaml", ["fraud", "churn"]).declaration
    assert (declared.label.column, declared.label.positive, declared.rows) == ("Churn", ("Yes",), table.name)


def test_a_draft_is_written_whole_and_an_edited_one_is_kept(run: Run, table: Path, tmp_path: Path) -> None:
    draft = tmp_path / "telco.yaml"
    status, out, err = run(table, "--output", draft)
    assert (status, out) == (0, "")
    assert err.splitlines()[-1] == f"Wrote {draft}: read the reasons in it, and correct what is wrong."
    written = draft.read_text()
    draft.write_text("edited: true\n")
    status, out, err = run(table, "--output", draft)
    assert (status, out) == (2, "")
    assert err == f"fusionguard: '{draft}' exists, and may have been edited. Name another file, or add --force.\n"
    assert draft.read_text() == "edited: true\n"
    assert run(table, "--output", draft, "--force")[0] == 0
    assert draft.read_text() == written
    assert list(tmp_path.iterdir()) == [draft]


def test_json_holds_what_was_measured(run: Run, table: Path) -> None:
    status, out, err = run(table, "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    columns = {column["name"]: column for column in told["columns"]}
    assert (told["rows"], told["problem"], told["label"]["column"]) == (800, "churn", "Churn")
    assert (columns["tenure"]["smallest"], columns["tenure"]["largest"], columns["tenure"]["role"]) == (0.0, 72.0, "numeric")
    assert columns["Contract"]["distinct"] == 3
    assert columns["TotalCharges"]["missing"] == telco(800).columns["TotalCharges"].count(" ")


def test_a_person_overrules_the_guesses(run: Run, table: Path) -> None:
    status, out, _ = run(table, "--label", "Partner", "--problem", "fraud")
    assert status == 0
    assert "  column: Partner             # you named it; 'Yes' means yes" in out.splitlines()
    assert "problem: fraud                # the family of models" in out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--label", "Chrun"], "Unknown column 'Chrun'. Did you mean 'Churn'?"),
        (["--label", "tenure"], "'tenure' has 73 values, and so cannot be a label. A label says yes or no."),
        (["--problem", "frud"], "Unknown problem 'frud'. Did you mean 'fraud'? Valid choices: churn, fraud."),
    ],
)
def test_what_cannot_be_is_refused(run: Run, table: Path, arguments: list[str], said: str) -> None:
    status, out, err = run(table, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"fusionguard: {said}")


def test_without_a_plausible_label_the_draft_is_to_be_filled_in(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("width,height\n" + "".join(f"{each},{each * 7 % 13}\n" for each in range(90)))
    status, out, err = run(tmp_path / "a.csv")
    assert status == 0
    assert "label:                        # FILL IN: no two-valued column has a label's name" in out.splitlines()
    assert err.splitlines()[-2:] == [
        "No column is a plausible label: fill in `label:` in the draft, or run it",
        "again with --label COLUMN.",
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv is empty (0 bytes)."),
        ("a.csv", b"one,two\n", "a.csv has a header but no rows."),
        ("a.csv", b"\n\n", "a.csv does not start with a header."),
        ("a.csv", b"one\n1\n2\n", "a.csv has one column only"),
        ("a.csv", b"one,two,one\n1,2,3\n", "a.csv has the column 'one' more than once."),
        ("a.csv", b",one,two\n0,1,2\n", "a.csv has a column without a name, which may be an index that pandas wrote."),
        ("a.csv", b"one,two\n1,2\n3,4,5\n", "a.csv, row 1 (line 3): 3 values where the header has 2."),
        ("a.csv", b"one;two\n1;2\n3;4;5\n", "a.csv, row 1 (line 3): 3 values where the header has 2."),
        ("a.csv", b'one,two\n1,"x"y\n3,4\n', "a.csv, row 0 (line 2), column two: text after the quote that closes the cell."),
        ("a.csv", b"one,two\n1,caf\x81\n", "a.csv is neither UTF-8 nor Windows-1252 text."),
        ("a.csv", "one,two\n1,2\n".encode("utf-16"), "a.csv is UTF-16 text; it is not UTF-8 text."),
        ("a.csv", b"%PDF-1.7 ...", "a.csv is a PDF document."),
        ("a.csv", b'{"one": 1}', "a.csv is JSON, not CSV."),
        ("a.parquet", b"PAR1 and no more", "a.parquet is not a whole parquet file."),
        ("a.csv.gz", gzip.compress(b"one,two\n1,2\n" * 999, mtime=0)[:40], "a.csv.gz is cut off or damaged: it does not unpack."),
        ("a.csv", b"15634602,Hargrave,619\n15647311,Hill,608\n", "a.csv has numbers, dates or addresses in its first line."),
        ("a.csv", ",".join(f"c{n}" for n in range(2001)).encode() + b"\n", "a.csv has 2,001 columns."),
    ],
)
def test_what_is_no_table_is_named(run: Run, tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    status, out, err = run(tmp_path / name)
    assert (status, out) == (1, "")
    assert err.startswith(f"fusionguard: {said}")
    assert len(err.splitlines()) == 1
    assert "Hargrave" not in err and "15634602" not in err


def test_a_name_that_no_declaration_can_hold_is_told(run: Run, tmp_path: Path) -> None:
    lines = "".join(f"{each % 97},{each % 3 // 2}\n" for each in range(600))
    (tmp_path / "a.csv").write_text(f"size ,churn\n{lines}")
    status, out, err = run(tmp_path / "a.csv")
    assert status == 0
    line = next(place for place, text in enumerate(out.splitlines(), 1) if text.startswith('  "size ": '))
    assert "STOP  The name 'size ' has blanks around it" in err
    assert err.splitlines()[-1].startswith(f"The draft is no valid declaration yet, line {line}: ")


def test_absent_and_unreadable_files_are_named(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path / "none.csv")[0::2] == (
        2,
        f"fusionguard: '{tmp_path / 'none.csv'}' does not exist. Name a CSV or parquet file, or a folder of part files.\n",
    )
    status, _, err = run(tmp_path)
    assert (status, err) == (
        2,
        f"fusionguard: '{tmp_path}' is a folder without CSV or parquet files. Name a file, or a folder of part files.\n",
    )


def test_no_private_value_is_printed_by_any_way_out(run: Run, tmp_path: Path) -> None:
    truth = people(400)
    table = truth.write(tmp_path)
    broken = tmp_path / "broken.csv"
    broken.write_text(table.read_text().rstrip("\n") + ",one more\n")
    said = [run(table), run(table, "--json"), run(table, "-o", tmp_path / "d.yaml"), run(table, "--label", "col7"), run(broken)]
    shown = "\n".join([*(text for each in said for text in each[1:]), (tmp_path / "d.yaml").read_text()])
    assert [each[0] for each in said] == [0, 0, 0, 2, 1]
    assert [secret for secret in truth.private if secret in shown] == []


def test_nothing_unpacked_is_left_behind(run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    assert run(table)[0] == 0
    assert list((tmp_path / "scratch").iterdir()) == []
