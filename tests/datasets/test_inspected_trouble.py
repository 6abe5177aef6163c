"""Times that are none, what is there twice, false alarms that are kept quiet, protected columns, and folders of several kinds."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionguard import cli
from fusionguard.cli.datasets import problems
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import Inspection, inspect_table
from fusionguard.datasets.inspection.relation import alone_auc
from fusionguard.datasets.inspection.text import WIDTH, inspection_text
from fusionguard.datasets.reading import parse_declaration
from fusionguard.errors import DataError, UsageError

ROWS = 600


def write(file: Path, columns: dict[str, list[Any]]) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return file


def found_in(folder: Path, columns: dict[str, list[Any]], label: str = "is_fraud") -> Inspection:
    random = np.random.default_rng(51)
    rows = len(next(iter(columns.values())))
    table = {**columns, "size": np.round(random.normal(50, 9, rows), 3).tolist()}
    table[label] = (random.random(rows) < 0.3).astype(int).tolist()
    return inspect_table([write(folder / "t.csv", table)], problems())


def told(found: Inspection, kind: str) -> list[tuple[str, str]]:
    return [(finding.weight, finding.what) for finding in found.findings if finding.kind == kind]


def drawn(low: int, high: int, seed: int = 52) -> list[int]:
    return [int(each) for each in np.random.default_rng(seed).integers(low, high, ROWS)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([202_301 + each // 50 for each in range(ROWS)], "202301 to 202312 are months, YYYYMM, and no seconds."),
        ([44_927 + each // 2 for each in range(ROWS)], "44927 to 45226 may be days as Excel counts them, and no seconds."),
        ([each * 7 for each in range(ROWS)], "All rows lie within 1.2 hours by 'tx_time'."),
    ],
)
def test_numbers_that_are_no_seconds_stop(tmp_path: Path, values: list[int], said: str) -> None:
    ((weight, what),) = told(found_in(tmp_path, {"tx_time": values}), "short_time")
    assert weight == "stop" and what.endswith(said)


def test_a_date_that_stands_for_none_and_a_time_that_is_not_read_are_told(tmp_path: Path) -> None:
    days = [date(2023, 1, 1) + timedelta(days=each // 4) for each in range(ROWS)]
    both = [f"{day:%d/%m/%Y}" if at % 2 else f"{day:%Y-%m-%d}" for at, day in enumerate(days)]
    found = found_in(tmp_path, {"tx_date": ["9999-12-31", "9999-12-31", *map(str, days[2:])], "start_date": both})
    assert told(found, "placeholder_date") == [("stop", "'tx_date' has the date 9999-12-31, which stands for no date.")]
    words = "is called a time, and is not read as one: its cells are written in several ways, or in an unusual one."
    assert told(found, "unread_time") == [("look", f"'start_date' {words}")]
    assert told(found, "time_gap") == []


def test_gaps_are_told_where_chance_has_none(tmp_path: Path) -> None:
    start, places = date(2016, 1, 1), sorted(drawn(0, 900))
    chance = [str(start + timedelta(days=each)) for each in places]
    assert told(found_in(tmp_path, {"event_date": chance}), "time_gap") == []
    lost = [str(start + timedelta(days=each + (60 if each > 400 else 0))) for each in places]
    ((weight, what),) = told(found_in(tmp_path, {"event_date": lost}), "time_gap")
    assert (weight, what) == ("look", "'event_date' has a stretch without rows, the longest 2017-01-31 to 2017-04-06.")


def test_rows_alike_but_for_the_id_are_weighed_against_chance(tmp_path: Path) -> None:
    few = {"tx_id": list(range(ROWS)), "fee": drawn(0, 30), "kind": drawn(0, 3, 53), "is_fraud": drawn(0, 2, 54)}
    found = inspect_table([write(tmp_path / "t.csv", few)], problems())
    ((weight, what),) = told(found, "duplicate_but_id")
    assert weight == "look" and "chance alone gives about" in what
    many = {"tx_id": list(range(ROWS)), "fee": drawn(0, 10**6), "is_fraud": drawn(0, 2, 54)}
    for values in (many["fee"], many["is_fraud"]):
        values[-7:] = values[:7]
    found = inspect_table([write(tmp_path / "t.csv", many)], problems())
    assert told(found, "duplicate_but_id") == [("stop", "7 rows are the same as an earlier one but for 'tx_id'.")]


def test_repeated_customers_stop_in_a_table_of_customers_alone(tmp_path: Path) -> None:
    who = {"customer_id": [f"K{each}" for each in drawn(0, 250)]}
    count = len(set(who["customer_id"]))
    assert told(found_in(tmp_path, who, "churned"), "repeated_customers") == [
        ("stop", f"'customer_id' has {count} values in 600 rows: customers are there several times.")
    ]
    assert told(found_in(tmp_path, who, "is_fraud"), "repeated_customers") == []


def test_spellings_of_one_category_are_told(tmp_path: Path) -> None:
    land = [("Spain", "france", "France", "FRANCE ")[each % 4] for each in range(ROWS)]
    plan = [("basic", "plus")[each % 2] for each in range(ROWS)]
    assert told(found_in(tmp_path, {"land": land, "plan": plan}), "spellings") == [
        ("look", "'land' spells 2 values in 4 ways: with other cases or blanks.")
    ]


def test_ages_get_bands_and_protected_columns_are_no_features(tmp_path: Path) -> None:
    found = found_in(tmp_path, {"Customer_Age": drawn(34, 71), "gender": [("f", "m")[each % 2] for each in range(ROWS)]})
    assert told(found, "protected") == [
        ("look", "By 'Customer_Age', 'gender' fairness is reported, and the draft has them as no feature.")
    ]
    draft = draft_declaration(found)
    assert "  customer_age_band: {column: Customer_Age, edges: [40, 50, 60]}" in draft.splitlines()
    assert "  - customer_age_band  " in draft.partition("protected:")[2]


def test_ages_with_words_for_missing_get_the_same_bands_and_a_file_of_them_is_read_by_the_draft(tmp_path: Path) -> None:
    ages: list[Any] = drawn(34, 71)
    ages[3] = ages[7] = "n/a"
    found = found_in(tmp_path, {"age": ages})
    remedies = [finding.remedy for finding in found.findings if finding.kind == "missing_words"]
    assert remedies == ["The draft takes them for missing (missing_values)."]
    draft = draft_declaration(found)
    assert '  age_band: {column: age, edges: [40, 50, 60], missing_values: ["n/a"]}' in draft.splitlines()
    read = read_declared(parse_declaration(draft), tmp_path / "t.csv", tmp_path / "rows.parquet").read()["age"]
    assert str(read.type) == "int64"
    assert read.to_pylist() == [None if age == "n/a" else age for age in ages]


def test_words_in_ages_that_get_no_bands_are_left_to_their_owner(tmp_path: Path) -> None:
    found = found_in(tmp_path, {"age": ["n/a", *drawn(34, 71)[1:]], "age_band": [("a", "b")[each % 2] for each in range(ROWS)]})
    remedies = [finding.remedy for finding in found.findings if finding.kind == "missing_words"]
    assert remedies == ["Leave such cells empty where the file is made."]
    assert "bands:" not in draft_declaration(found)


def test_a_folder_of_several_kinds_and_a_part_without_a_column_are_named(tmp_path: Path) -> None:
    write(tmp_path / "b.csv", {"x": [1, 2], "y": [3, 4]})
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match=r"holds parquet and CSV files, such as 'a\.parquet' and 'b\.csv'"):
        inspect_table([tmp_path], problems())
    (tmp_path / "a.parquet").unlink()
    write(tmp_path / "c.csv", {"x": [1, 2], "y": [3, 4], "region": [5, 6]})
    with pytest.raises(DataError, match=r"c\.csv has the column 'region', which b\.csv lacks"):
        inspect_table([tmp_path], problems())


def test_equal_columns_and_equal_findings_are_one_line(tmp_path: Path) -> None:
    random = np.random.default_rng(55)
    columns = {f"n{place}": np.round(random.normal(size=ROWS), 3).tolist() for place in range(40)}
    columns |= {f"same{place}": [7] * ROWS for place in range(3)}
    found = found_in(tmp_path, columns)
    lines = inspection_text(found).splitlines()
    assert "n0 to n39: 40 columns, number, numeric, numbers" in lines
    assert sum("each is the same in all 600 rows" in " ".join(lines[at : at + 2]) for at in range(len(lines))) <= 2
    assert len([finding for finding in found.findings if finding.kind == "constant"]) == 3
    assert max(map(len, [*lines, *draft_declaration(found).splitlines()])) <= WIDTH


def test_an_ambiguous_date_does_not_contradict_itself(tmp_path: Path) -> None:
    days = [f"{1 + each % 12:02}/{1 + each // 50:02}/2023" for each in range(ROWS)]
    found = found_in(tmp_path, {"event_date": days})
    assert told(found, "date_as_text") == [("look", "'event_date' holds dates as 31/01/2024 (%d/%m/%Y).")]
    assert next(f.remedy for f in found.findings if f.kind == "date_as_text") == "The draft names this format."


def test_json_goes_into_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    table = write(tmp_path / "t.csv", {"x": drawn(0, 99), "churn": drawn(0, 2)})
    monkeypatch.setattr(sys, "argv", ["fusionguard", "inspect", str(table), "--json", "-o", str(tmp_path / "t.json")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code or 0, capsys.readouterr().out) == (0, "")
    assert json.loads((tmp_path / "t.json").read_text())["rows"] == ROWS


def refunded(kind: str) -> list[Any]:
    """Amounts that are only paid back after a fraud, which every fifth row is."""
    paid = [round(3.25 + each * 0.75, 2) for each in drawn(0, 500, seed=7)]
    return [amount if at % 5 == 0 else {"empty": "", "zero": 0}[kind] for at, amount in enumerate(paid)]


@pytest.mark.parametrize("kind", ["empty", "zero"])
@pytest.mark.parametrize("beside", [{}, {"total_amount_of_order": [each / 4 for each in drawn(40, 4_000, seed=8)]}])
def test_what_is_filled_after_the_event_is_not_the_amount(tmp_path: Path, kind: str, beside: dict[str, list[Any]]) -> None:
    fraud = [int(at % 5 == 0) for at in range(ROWS)]
    size = [each / 8 for each in drawn(0, 400, seed=9)]
    table = {"size": size, "amount_refunded": refunded(kind), **beside, "is_fraud": fraud}
    found = inspect_table([write(tmp_path / "t.csv", table)], problems())
    told_of = {name for finding in found.findings if finding.kind in ("filled_after", "leak_alone") for name in finding.columns}
    assert told_of == {"amount_refunded"}
    assert [name for name, role in found.roles.items() if role.name == "amount"] == list(beside)
    assert found.roles["amount_refunded"].name == {"empty": "ignored", "zero": "numeric"}[kind]
    if kind == "zero":
        assert "amount_refunded:" in draft_declaration(found) and "STOP: 'amount_refunded' alone tells" in " ".join(
            draft_declaration(found).replace("#", "").split()
        )


def test_a_leak_is_seen_wherever_the_positive_rows_stand() -> None:
    outcomes = np.arange(600) % 2 == 0  # each positive row is followed by a negative one
    noise = np.random.default_rng(5).normal(size=600)
    leaked = alone_auc(noise + 4 * outcomes, outcomes, ordered=True)
    unrelated = alone_auc(noise, outcomes, ordered=True)
    assert leaked is not None and leaked > 0.98
    assert unrelated is not None and abs(unrelated - 0.5) < 0.1
