"""Tables that are not what their declaration says: both sides are told, with the line, the column and the row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.cli.datasets import problems
from fusionguard.data.table import Table
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.faults import ContradictionError, Fault
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import inspect_table
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.reading import DeclaredDataset, parse_declaration
from fusionguard.datasets.resolved import ResolvedCategories, ResolvedColumn, ResolvedDataset, ResolvedLabel
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.shown_cells import cell_shown, column_looks_personal
from fusionguard.errors import DataError

from .invented import Invented, card_transactions, people, telco

TEXT = """\
version: 1
name: payments
problem: fraud
id: payment
time: booked_at
amount: {column: amount, currency_column: ccy, rate_column: fx, currency: GBP}
label: {column: fraud, positive: [Y], missing: leave_out, known: {column: known_at}}
entities: {card: card_token}
numeric:
  km: {range: [0, 500], missing: allow}
  age:
categorical:
  country: {values: [NO, SE, 7], unseen: refuse}
  trade: {missing: allow}
private: [card_token]
ignored: [holder_name]
optional: [holder_name]
types: {age: integer}
"""

COLUMNS: dict[str, list[Any]] = {
    "payment": ["p1", "p2", "p3", "p4", "p5", "p6"],
    "booked_at": [f"2026-03-0{day} 08:00:00" for day in range(1, 7)],
    "amount": [10.0, 20.5, 3.0, 4.0, 7.25, 1.0],
    "ccy": ["GBP", "EUR", "GBP", "EUR", "GBP", "GBP"],
    "fx": [1.0, 0.85, 1.0, 0.86, 1.0, 1.0],
    "fraud": ["N", "Y", "N", None, "Y", "N"],
    "known_at": [f"2026-03-1{day} 08:00:00" for day in range(1, 7)],
    "card_token": ["c1", "c1", "c2", "c3", "c3", "c1"],
    "km": [1.5, None, 480.0, 2.0, 3.0, 4.0],
    "age": [30, 41, 52, 63, 29, 33],
    "country": ["NO", "SE", "NO", "7", "NO", "SE"],
    "trade": ["food", "food", "fuel", None, "rare", "food"],
    "holder_name": ["Ann", "Bob", "Cid", "Dee", "Eve", "Fay"],
}


@pytest.fixture
def declared() -> DeclaredDataset:
    return parse_declaration(TEXT, "bank.yaml")


def _table(**changed: Any) -> pa.Table:
    """Return the right table with some columns replaced or, where None is given, left out."""
    return pa.table({name: values for name, values in {**COLUMNS, **changed}.items() if values is not None})


def _at(column: str, row: int, value: Any) -> dict[str, list[Any]]:
    return {column: [*COLUMNS[column][:row], value, *COLUMNS[column][row + 1 :]]}


def _faults(table: pa.Table | Table, text: str = TEXT) -> list[Fault]:
    with pytest.raises(ContradictionError) as caught:
        resolve(parse_declaration(text, "bank.yaml"), table)
    assert str(caught.value) == "\n".join(f"bank.yaml, line {fault.line}: {fault.what}" for fault in caught.value.faults)
    return list(caught.value.faults)


def test_what_the_rows_say_is_written_down(declared: DeclaredDataset) -> None:
    resolved = resolve(declared, _table(), range(0, 4))
    assert resolved.columns["km"] == ResolvedColumn(type="float", missing_rows=1, range=(1.5, 480.0))
    assert resolved.columns["age"] == ResolvedColumn(type="integer", missing_rows=0, range=(30.0, 63.0))
    assert resolved.columns["trade"] == ResolvedColumn(type="text", missing_rows=1)
    assert resolved.categories["trade"] == ResolvedCategories(values=("food", "fuel"), rows=(2, 1), distinct=2)
    assert resolved.categories["country"] == ResolvedCategories(values=("NO", "SE", "7"), rows=(2, 1, 1), distinct=3)
    assert resolved.label == ResolvedLabel(positive=("Y",), negative=("N",), positive_rows=2, negative_rows=3, unlabelled_rows=1)
    assert (resolved.currency, resolved.cut, resolved.rows, resolved.absent) == ("GBP", "chronological slices", 6, ())
    assert not {"Ann", "c1", "p1"} & set(resolved.to_json().split('"'))


def test_a_bundle_can_hold_it(declared: DeclaredDataset) -> None:
    resolved = resolve(declared, _table(holder_name=None))
    assert resolved.absent == ("holder_name",)
    text = resolved.to_json()
    back = ResolvedDataset.from_json(text)
    assert back == resolved and back.to_json() == text
    with pytest.raises(DataError, match=r"it has format 2; this FusionGuard reads 1\. Install a newer FusionGuard\.$"):
        ResolvedDataset.from_json(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(DataError, match=r"made by a newer version: 3; this one reads 1"):
        ResolvedDataset.from_json(text.replace('"version": 1', '"version": 3'))
    with pytest.raises(DataError, match=r"^The resolved data set cannot be read: rows is not as it was written\."):
        ResolvedDataset.from_json(text.replace('"rows": 6', '"rows": "many"'))
    for damaged in ("", "[]", "{}", text[:-40]):
        with pytest.raises(DataError, match=r"^The resolved data set cannot be read: "):
            ResolvedDataset.from_json(damaged)


def test_rows_of_texts_are_the_same_rows(declared: DeclaredDataset, tmp_path: Path) -> None:
    texts = {name: [None if value is None else str(value) for value in values] for name, values in COLUMNS.items()}
    pq.write_table(pa.table(texts), tmp_path / "rows.parquet")
    assert resolve(declared, Table(tmp_path / "rows.parquet")) == resolve(declared, _table())


def test_a_csv_is_read_as_it_is_declared(declared: DeclaredDataset, tmp_path: Path) -> None:
    from pyarrow import csv

    csv.write_csv(_table(), tmp_path / "rows.csv")
    layout = raw_layout(declared.declaration)
    assert (layout.columns["fx"], layout.columns["age"], layout.columns["payment"]) == ("float", "integer", "text")
    assert layout.private == {"card_token", "holder_name"}
    table = read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")
    assert resolve(declared, table).columns["amount"].range == (1.0, 17.425)
    assert resolve(declared, table).model_dump(exclude={"columns"}) == resolve(declared, _table()).model_dump(exclude={"columns"})


def test_a_cell_of_a_csv_is_held_against_its_role(declared: DeclaredDataset, tmp_path: Path) -> None:
    from pyarrow import csv

    csv.write_csv(_table(km=["1", "2", "n/a", " ", "5", "6"]), tmp_path / "rows.csv")
    with pytest.raises(ContradictionError) as caught:
        read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")
    remedy = "One cell holds 'n/a'; if nothing is known there, write"
    what = f'numeric.km holds text in row 2 ("n/a"). {remedy} `missing_values: ["n/a"]`.'
    assert caught.value.faults == (Fault(10, what, column="km", row=2),)
    assert list(tmp_path.iterdir()) == [tmp_path / "rows.csv"]
    csv.write_csv(_table(amount=["1", "2", "n/a", "4", "5", "6"]), tmp_path / "rows.csv")
    with pytest.raises(ContradictionError) as caught:
        read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")
    what = f'amount holds text in row 2 ("n/a"). {remedy} `missing: allow, missing_values: ["n/a"]`.'
    assert caught.value.faults == (Fault(6, what, column="amount", row=2),)
    csv.write_csv(_table(age=["1", "2", "3", "4.5", "5", "6"]), tmp_path / "rows.csv")
    with pytest.raises(ContradictionError, match=r"^bank\.yaml, line 18: types\.age is integer, and row 3 holds a fraction"):
        read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")
    csv.write_csv(_table(age=None), tmp_path / "rows.csv")
    with pytest.raises(DataError, match=r"^bank\.yaml, line 11: numeric\.age needs the column 'age', which the table lacks; if"):
        read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")


def test_what_means_that_nothing_is_known_becomes_empty(tmp_path: Path) -> None:
    from pyarrow import csv

    text = (
        TEXT.replace(
            "  km: {range: [0, 500], missing: allow}", "  km: {range: [0, 500], missing: allow, missing_values: [n/a, -9]}"
        )
        .replace("  age:", "  age: {missing: allow, missing_values: [-999]}")
        .replace("trade: {missing: allow}", 'trade: {missing: allow, missing_values: ["?"]}')
    )
    declared = parse_declaration(text)
    changed = {
        "km": ["1.5", "n/a", "-9.0", " ", "", "4"],
        "age": [30, -999, 52, 63, 29, 33],
        "trade": ["?", *["a", "b"] * 2, "a"],
    }
    csv.write_csv(_table(**changed), tmp_path / "rows.csv")
    table = read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")
    assert table.read(["km", "age", "trade"]).to_pydict() == {
        "km": [1.5, None, None, None, None, 4.0],
        "age": [30, None, 52, 63, 29, 33],
        "trade": [None, "a", "b", "a", "b", "a"],
    }
    assert table.schema.field("age").type == pa.int64()
    resolved = resolve(declared, table)
    assert resolved.columns["km"] == ResolvedColumn(type="float", missing_rows=4, range=(1.5, 4.0))
    assert resolved.categories["trade"].values == ("a", "b")
    assert resolve(declared, _table(**changed)).categories == resolved.categories
    assert resolve(declared, _table(**changed)).columns["km"] == resolved.columns["km"]
    (fault,) = _faults(_table(**changed), text.replace("age: {missing: allow, ", "age: {"))
    assert fault.what == "numeric.age.missing is refuse, and row 1 is empty; write `missing: allow`, or complete the rows"


@pytest.mark.parametrize("make", [card_transactions, people, telco], ids=lambda make: make.__name__)
def test_a_draft_holds_for_the_table_that_it_was_made_from(make: Callable[[], Invented], tmp_path: Path) -> None:
    source = make().write(tmp_path)
    declared = parse_declaration(draft_declaration(inspect_table([source], problems())))
    resolved = resolve(declared, read_declared(declared, source, tmp_path / "rows.parquet"))
    assert resolved.rows == len(next(iter(make().columns.values())))
    assert 0 < resolved.label.positive_rows < resolved.label.negative_rows


def test_tables_that_cannot_be_read_at_all(declared: DeclaredDataset) -> None:
    half = _table(km=pa.array([1.0] * 6, pa.float16()))
    with pytest.raises(DataError, match=r"^The table has halffloat in column km, which is not read\."):
        resolve(declared, half)
    with pytest.raises(DataError, match=r"^The table has the columns 'km' and 'KM'\."):
        resolve(declared, _table(KM=[1] * 6))
    (fault,) = _faults(_table().slice(0, 0))
    assert fault == Fault(1, "it describes rows, and the table has none")
    (fault,) = _faults(_table(km=[None] * 6))
    assert fault.what == "numeric.km is empty in every row; there is nothing to learn from it, so add it to ignored"


CASES: dict[str, tuple[dict[str, Any], tuple[int, str, str | None, int | None]]] = {
    "text in a number": (
        {"km": ["1", "2", "n/a", "x", "5", "6"]},
        (
            10,
            'numeric.km holds text in row 2 ("n/a"); 2 such rows. '
            """One cell holds 'n/a'; if nothing is known there, write `missing_values: ["n/a"]`.""",
            "km",
            2,
        ),
    ),
    "a decimal comma": (
        {"km": ["1", "2", "3", "4", "5,5", "6"]},
        (
            10,
            'numeric.km holds text in row 4 ("5,5"). '
            'If commas begin the decimals, write `csv: {decimal: ","}` into the declaration.',
            "km",
            4,
        ),
    ),
    "somebody in a number": ({"km": ["1", "Hargrave", "3", "4", "5", "6"]}, (10, "numeric.km holds text in row 1", "km", 1)),
    "an address in a number": ({"km": ["1", "a@b.example", "3", "4", "5", "6"]}, (10, "numeric.km holds text in row 1", "km", 1)),
    "an infinite number": (
        _at("km", 3, float("inf")),
        (10, "numeric.km holds an infinite number in row 3 (inf)", "km", 3),
    ),
    "a time in a number": (
        {"km": [dt.datetime(2026, 1, 1)] * 6},
        (10, "numeric.km holds times; it must hold numbers", "km", None),
    ),
    "a list in a category": (
        {"trade": [[1]] * 6},
        (14, "categorical.trade holds lists or the like; it must hold texts or whole numbers", "trade", None),
    ),
    "an empty number": (
        _at("age", 5, None),
        (11, "numeric.age.missing is refuse, and row 5 is empty; write `missing: allow`, or complete the rows", "age", 5),
    ),
    "outside the range": (
        {"km": [1.0, 2.0, 500.5, 4.0, -1.0, 3.0]},
        (10, "numeric.km.range is [0, 500], and row 2 lies outside (500.5); 2 such rows", "km", 2),
    ),
    "a fraction of a whole": (
        {"age": [1.0, 2.0, 3.5, 4.0, 5.0, 6.0]},
        (18, "types.age is integer, and row 2 holds a fraction (3.5)", "age", 2),
    ),
    "an unseen value": (
        _at("country", 4, "DK"),
        (13, 'categorical.country.unseen is refuse, and row 4 holds a value ("DK") that values does not name', "country", 4),
    ),
    "a value misspelt": (
        _at("country", 1, "se"),
        (
            13,
            'categorical.country.unseen is refuse, and row 1 holds a value ("se") that values does not name. '
            "Did you mean 'SE'?",
            "country",
            1,
        ),
    ),
    "a fraction as category": (
        {"trade": [1.0, 2.0, 2.5, 4.0, 5.0, None]},
        (14, "categorical.trade holds a fraction in row 2 (2.5); declare a number that is measured as numeric", "trade", 2),
    ),
    "no positive row": (
        {"fraud": ["N", "yes", "N", None, "N", "N"]},
        (7, 'label.positive is Y, and no row is positive; the column holds 4 x ("N"), 1 x ("yes")', "fraud", None),
    ),
    "no negative row": (
        {"fraud": ["Y"] * 6},
        (7, "label.column is 'fraud', and no row is negative; the column holds 6 x (\"Y\")", "fraud", None),
    ),
    "no time": (_at("booked_at", 2, None), (5, "time.column is 'booked_at', and row 2 has no time", "booked_at", 2)),
    "a time that is none": (
        _at("booked_at", 2, "2026-02-30"),
        (5, "time.column is 'booked_at', and row 2 holds no such time (\"2026-02-30\")", "booked_at", 2),
    ),
    "numbers as times": (
        {"booked_at": [1, 2, 3, 4, 5, 6]},
        (
            5,
            "time.column is 'booked_at', which holds numbers; say their unit, or a format such as %Y%m%d",
            "booked_at",
            None,
        ),
    ),
    "known before it happened": (
        _at("known_at", 3, "2026-03-03 23:00:00"),
        (7, "label.known.column is 'known_at', and row 3 knows its label before it happened", "known_at", 3),
    ),
    "a rate of nothing": (_at("fx", 3, 0.0), (6, "amount.rate_column is 'fx', and row 3 holds no rate above 0 (0.0)", "fx", 3)),
    "a rate of the currency itself": (
        _at("fx", 2, 1.1),
        (6, "amount.rate_column is 'fx', and row 2, which is in GBP, has another rate than 1 (1.1)", "fx", 2),
    ),
    "a currency in words": (
        _at("ccy", 2, "pounds"),
        (6, "amount.currency_column is 'ccy', and row 2 holds no currency's three letters (\"pounds\")", "ccy", 2),
    ),
    "no currency": (_at("ccy", 1, None), (6, "amount.currency_column is 'ccy', and row 1 has no currency", "ccy", 1)),
    "an id twice": (_at("payment", 4, "p2"), (4, "id is 'payment', and rows 1 and 4 hold the same value", "payment", 4)),
    "a row without an id": (_at("payment", 4, None), (4, "id is 'payment', and row 4 has none", "payment", 4)),
    "a column that is absent": (
        {"age": None, "Age": COLUMNS["age"], "holder_name": None},
        (
            11,
            "numeric.age needs the column 'age', which the table lacks; "
            "if tables may lack it, add it to optional, with `missing: allow`. Did you mean 'Age'?",
            "age",
            None,
        ),
    ),
    "a column that nobody declared": (
        {"colour": ["red"] * 6},
        (
            16,
            "ignored names no role of the column 'colour', which the table has; declare it, or add it to ignored",
            "colour",
            None,
        ),
    ),
    "a private column that is absent": (
        {"card_token": None},
        (8, "entities.card needs the column 'card_token', which the table lacks", "card_token", None),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_contradiction_says_both_sides(case: str) -> None:
    changed, expected = CASES[case]
    assert Fault(*expected) in _faults(_table(**changed))


def test_all_contradictions_are_told_at_once() -> None:
    table = _table(**_at("age", 5, None), **_at("fx", 3, -1.0), **_at("payment", 4, "p2"), km=["x"] * 6)
    assert [(fault.line, fault.column, fault.row) for fault in _faults(table)] == [
        (4, "payment", 4),
        (6, "fx", 3),
        (10, "km", 0),
        (11, "age", 5),
    ]


def test_all_contradictions_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    from pyarrow import csv

    changed = {
        **_at("fraud", 1, "?"),
        **_at("country", 2, "DK"),
        **_at("payment", 3, "p1"),
        "age": ["30", "41", "", "4.5", "29", "old"],
        "km": ["1", "far", "3", "4", "501", ""],
        "trade": None,
        "trades": COLUMNS["trade"],
    }
    csv.write_csv(_table(**changed), tmp_path / "rows.csv")
    declared = parse_declaration(TEXT.replace("positive: [Y]", "positive: [Y], negative: [N]"), "bank.yaml")
    with pytest.raises(ContradictionError) as caught:
        read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")
    assert [(fault.line, fault.column, fault.row) for fault in caught.value.faults] == [
        (4, "payment", 3),
        (7, "fraud", 1),
        (10, "km", 1),
        (10, "km", 4),
        (11, "age", 5),
        (11, "age", 2),
        (13, "country", 2),
        (14, "trade", None),
        (18, "age", 3),
    ]
    told = [fault.what for fault in caught.value.faults]
    assert told[5] == "numeric.age.missing is refuse, and row 2 is empty; write `missing: allow`, or complete the rows"
    assert told[7] == (
        "categorical.trade needs the column 'trade', which the table lacks; if tables may lack it, add it to optional. "
        "Did you mean 'trades'?"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "rows.csv"]


def test_a_cell_that_only_the_reader_refuses_is_told_beside_the_others(tmp_path: Path) -> None:
    from pyarrow import csv

    text = TEXT + "bands: {tenure: {column: years, edges: [2, 5]}}\nprotected: [years]\n"
    csv.write_csv(_table(years=["1", "2", "many", "4", "5", "6"], **_at("age", 4, None)), tmp_path / "rows.csv")
    with pytest.raises(ContradictionError) as caught:
        read_declared(parse_declaration(text, "bank.yaml"), tmp_path / "rows.csv", tmp_path / "rows.parquet")
    assert [(fault.line, fault.column, fault.row) for fault in caught.value.faults] == [(11, "age", 4), (20, "years", 2)]
    assert caught.value.faults[1].what.startswith("protected against rows.csv, row 2 (line 4), column years: 'many' is not a")


def test_what_bands_say_is_missing_is_and_other_words_in_their_column_are_refused(tmp_path: Path) -> None:
    from pyarrow import csv

    tenure = 'tenure: {column: years, edges: [2, 5], missing_values: ["?"]}'
    bands = f"bands: {{{tenure}, long: {{column: years, edges: [9], missing_values: [-1]}}}}"
    declared = parse_declaration(TEXT + f"{bands}\nprotected: [years]\n", "bank.yaml")
    csv.write_csv(_table(years=["1", "?", "3", "-1", "5", "6.5"]), tmp_path / "rows.csv")
    read = read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet").read()
    assert read["years"].to_pylist() == [1.0, None, 3.0, None, 5.0, 6.5]
    csv.write_csv(_table(years=["1", "?", "3", "many", "5", "6.5"]), tmp_path / "rows.csv")
    with pytest.raises(ContradictionError) as caught:
        read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet")
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.row, fault.what) == (19, "years", 3, 'bands.tenure holds text in row 3 ("many")')


def test_a_misspelt_column_is_one_fault_at_its_own_line_and_strangers_are_told_apart(tmp_path: Path) -> None:
    from pyarrow import csv

    table = _table(age=None, agee=COLUMNS["age"], colour=["red"] * 6)
    csv.write_csv(table, tmp_path / "rows.csv")
    declared = parse_declaration(TEXT.replace("positive: [Y]", "positive: [Y], negative: [N]"), "bank.yaml")
    for fails in (
        lambda: resolve(declared, table),
        lambda: read_declared(declared, tmp_path / "rows.csv", tmp_path / "r.parquet"),
    ):
        with pytest.raises(ContradictionError) as caught:
            fails()
        assert [(fault.line, fault.column) for fault in caught.value.faults] == [(11, "age"), (16, "colour")]
        assert caught.value.faults[0].what.endswith(" Did you mean 'agee'?")
        assert "agee" not in caught.value.faults[1].what


def test_a_stranger_is_told_of_a_list_of_ignored_columns_only_where_there_is_one() -> None:
    text = TEXT.replace("ignored: [holder_name]\n", "").replace("optional: [holder_name]\n", "")
    with pytest.raises(ContradictionError) as caught:
        resolve(parse_declaration(text, "bank.yaml"), _table(colour=["red"] * 6, holder_name=None))
    (fault,) = caught.value.faults
    assert fault.what == "it names no role of the column 'colour', which the table has; declare it, or add it to ignored"


def test_a_list_that_names_no_column_is_told_at_its_own_line(tmp_path: Path) -> None:
    from pyarrow import csv

    listed = "protected:\n  - region\n  - cuontry\nunique: [paymnt]\n"
    text = TEXT.replace("private: [card_token]", "private: [card_token, tokn]").replace("ignored: [holder_name]", "ignored: [a1]")
    text = text.replace("optional: [holder_name]\n", "")
    csv.write_csv(_table(holder_name=None), tmp_path / "rows.csv")
    declared = parse_declaration(text + listed, "bank.yaml")
    for fails in (
        lambda: resolve(declared, _table(holder_name=None)),
        lambda: read_declared(declared, tmp_path / "rows.csv", tmp_path / "rows.parquet"),
    ):
        with pytest.raises(ContradictionError) as caught:
            fails()
        remedy = "which the table lacks; if tables may lack it, add it to optional"
        assert [(fault.line, fault.what) for fault in caught.value.faults] == [
            (15, f"private needs the column 'tokn', {remedy}"),
            (16, f"ignored needs the column 'a1', {remedy}"),
            (19, f"protected needs the column 'region', {remedy}"),
            (20, f"protected needs the column 'cuontry', {remedy}. Did you mean 'country'?"),
            (21, f"unique needs the column 'paymnt', {remedy}. Did you mean 'payment'?"),
        ]


def test_a_file_without_a_header_shows_none_of_its_cells(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("p1,Hargrave\np2,Okafor\n", encoding="utf-8")
    with pytest.raises(ContradictionError, match="Its first line must name the columns") as caught:
        read_declared(parse_declaration(TEXT, "bank.yaml"), tmp_path / "rows.csv", tmp_path / "rows.parquet")
    assert "Hargrave" not in str(caught.value)


def test_several_currencies_without_rates_are_refused() -> None:
    text = TEXT.replace(", rate_column: fx, currency: GBP", "").replace("ignored: [", "ignored: [fx, ")
    (fault,) = _faults(_table(), text)
    assert (fault.line, fault.column, fault.row) == (6, "ccy", 1)
    assert fault.what == (
        "amount.currency_column is 'ccy', which holds another currency than GBP in row 1 (\"EUR\"); 2 such rows; "
        "declare a rate_column and the currency into which it converts, or keep one currency"
    )
    (several,) = _faults(_table(ccy=["GBP", "EUR", "USD", "GBP", "EUR", "GBP"]), text)
    assert 'than GBP in row 1 ("EUR"); 3 such rows; ' in several.what
    one = resolve(parse_declaration(text), _table(ccy=["SEK"] * 6))
    assert one.currency == "SEK"


def test_labels_of_zero_and_one_need_no_words() -> None:
    text = TEXT.replace("positive: [Y], ", "")
    for values in (
        [0, 1, 0, None, 1, 0],
        [False, True, False, None, True, False],
        ["0.0", "1.0", "0.0", None, "1.0", "0.0"],
        ["False", "True", "False", None, "True", "False"],
    ):
        label = resolve(parse_declaration(text), _table(fraud=values)).label
        assert (label.positive_rows, label.negative_rows, label.unlabelled_rows) == (2, 3, 1)
    (fault,) = _faults(_table(), text)
    assert fault.what == ('label.positive is missing, and \'fraud\' holds 3 x ("N"), 2 x ("Y"); say which of them mean yes')
    third = TEXT.replace("positive: [Y]", "positive: [Y], negative: [N]")
    (fault,) = _faults(_table(**_at("fraud", 0, "?")), third)
    assert fault == Fault(
        7, 'label.negative leaves out a value that row 0 holds ("?"); it is neither positive nor negative', "fraud", 0
    )
    (fault,) = _faults(_table(), TEXT.replace("missing: leave_out, ", ""))
    assert (fault.what, fault.row) == (
        "label.missing is refuse, and row 3 has no label; write `missing: leave_out`, or complete it",
        3,
    )


def test_the_share_is_weighted_to_the_real_prior() -> None:
    text = TEXT.replace("known:", "share: [0.3, 0.5], known:") + "sampling: {negatives_kept: 0.1}\n"
    (fault,) = _faults(_table(), text)
    assert fault.what == "label.share is [0.3, 0.5], and 0.0625 of the rows are positive (each negative row stands for 10)"
    assert resolve(parse_declaration(text.replace("0.1}", "1}")), _table()).label.positive_rows == 2


def test_values_that_only_later_rows_hold_are_unseen(declared: DeclaredDataset) -> None:
    text = TEXT.replace("trade: {missing: allow}", "trade: {missing: allow, unseen: refuse}")
    with pytest.raises(ContradictionError) as caught:
        resolve(parse_declaration(text), _table(), range(0, 4))
    (fault,) = caught.value.faults
    assert fault.what == (
        'categorical.trade.unseen is refuse, and row 4 holds a value ("rare") that no row that is learned from holds'
    )
    assert resolve(declared, _table(), range(0, 4)).categories["trade"].values == ("food", "fuel")


def test_times_of_a_bank_are_read_as_it_writes_them() -> None:
    text = (
        TEXT.replace("time: booked_at", 'time: {column: booked_at, format: "%d.%m.%Y", ordered: true}')
        .replace(", known: {column: known_at}", "")
        .replace("ignored: [", "ignored: [known_at, ")
    )
    days = ["01.03.2026", "02.03.2026", "02.03.2026", "12.03.2026", "11.03.2026", "13.03.2026"]
    (fault,) = _faults(_table(booked_at=days), text)
    assert (fault.what, fault.row) == ("time.ordered is true, and row 4 is earlier than the row before", 4)
    (fault,) = _faults(_table(booked_at=[*days[:3], "03/13/2026", *days[5:], "14.03.2026"]), text)
    assert fault.what == 'time.format is "%d.%m.%Y", and row 3 holds no such time ("03/13/2026")'
    moments = [dt.datetime(2026, 3, day) for day in (1, 2, 3, 5, 4, 6)]
    assert _faults(_table(booked_at=moments), text)[0].row == 4


def test_not_a_number_is_missing(declared: DeclaredDataset) -> None:
    nan = float("nan")
    resolved = resolve(declared, _table(km=[1.0, nan, 3.0, nan, 5.0, 6.0]))
    assert resolved.columns["km"] == ResolvedColumn(type="float", missing_rows=2, range=(1.0, 6.0))


def test_no_cell_of_a_private_column_is_shown(declared: DeclaredDataset) -> None:
    hidden = ("card_token", "payment", "holder_name")
    assert [cell_shown(declared.declaration, column, "x1", "category") for column in (*hidden, "trade")] == [
        "",
        "",
        "",
        ' ("x1")',
    ]
    text = TEXT.replace("entities:", "unique: [card_token]\nentities:")
    (fault,) = _faults(_table(), text)
    assert fault.what == "unique is 'card_token', and rows 0 and 1 hold the same value"
    personal = TEXT.replace("  km:", "  phone_number:")
    (fault,) = _faults(_table(km=None, phone_number=["1", "x 7", "3", "4", "5", "6"]), personal)
    assert fault.what == "numeric.phone_number holds text in row 1"


@pytest.mark.parametrize(
    ("column", "personal"),
    [
        *(
            (name, True)
            for name in ("Surname", "firstName", "e-mail", "customer_email", "IBAN", "Card Number", "dateOfBirth", "PAN")
        ),
        *((name, False) for name in ("amount", "company", "span", "description", "tip", "expanded", "country", "V1")),
    ],
)
def test_names_of_columns_that_say_who_somebody_is(column: str, personal: bool) -> None:
    assert column_looks_personal(column) is personal
