"""The rows of a declared data set mean to the service what they mean to the SQL, cell by cell and to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.declaration import Time
from fusionguard.datasets.described import read_described
from fusionguard.datasets.moment_sql import clock, event
from fusionguard.datasets.moments import clock_reader, instant_reader
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.scoring_rows import prepare_rows, scored_columns
from fusionguard.datasets.table_rows import open_rows, quoted
from fusionguard.errors import DataError
from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from fusionguard.features.maker import FeatureMaker
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.requests import RowReader
from fusionguard.serving.tables import ARROW, read_table, write_table
from tests.foreign import write_payments, write_telco


def family_on(declaration: Path) -> ModelFamily:
    """The family of a declaration, on its rows."""
    return model_family(described_rows(declaration).declaration.problem).on(described_rows(declaration))


def described_rows(declaration: Path) -> ResolvedDataset:
    folder = declaration.parent / "read"
    return read_described(find_dataset(str(declaration)), "auto", folder, rows=0, seed=1, earliest=1.0)[1]


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> ModelFamily:
    return family_on(write_payments(tmp_path_factory.mktemp("payments"), 400))


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> ModelFamily:
    return family_on(write_telco(tmp_path_factory.mktemp("telco"), 400, timed=True))


PAYMENT = {
    "payment id": "P1",
    "booked at": "31.03.2024 02:30",
    "betrag": 12.34,
    "currency": "EUR",
    "rate": 0.85,
    "distance km": 4.5,
    "attempts": 2,
    "mcc": "5411",
    "country": "FR",
    "chargeback": "Y",
}
ODD_PAYMENTS: list[dict[str, Any]] = [
    {},
    {"currency": "GBP", "rate": None},
    {"booked at": " 5.1.2024 9:05", "mcc": 6051, "country": None},
    {"betrag": "1e5", "attempts": "  3 ", "country": "  "},
    {"distance km": None, "mcc": "9999", "country": "ZZ", "rate": "1.25"},
    {"mcc": 6051.0, "country": "(other)", "attempts": "+.5", "betrag": "00012"},
    {"distance km": "", "currency": "USD", "rate": 3, "betrag": 0.1, "mcc": True},
    {"mcc": " 5411", "country": "fr", "attempts": 2**53 + 1},
]
TELCO = {
    "as of": "2024-02-29",
    "Months as customer": 7,
    "Contract": "one year",
    "Payment.Method": "card",
    "Region": "North",
    "Monthly Charges": 31.5,
    "Calls to support": 2,
}
ODD_TELCO: list[dict[str, Any]] = [
    {},
    {"Calls to support": -1, "Payment.Method": "n/a"},
    {"Calls to support": "-1.0", "Payment.Method": " n/a ", "as of": "2024-12-31T23:59:59.9999999+01:00"},
    {"Calls to support": None, "Payment.Method": None, "Region": "West", "as of": " 2024/1/5 24:00 "},
    {"Calls to support": "", "Contract": "", "as of": "1999-12-31 23:59:60"},
]


@pytest.mark.parametrize(("name", "base", "odd"), [("payments", PAYMENT, ODD_PAYMENTS), ("telco", TELCO, ODD_TELCO[:4])])
def test_a_row_is_prepared_as_the_sql_prepares_it(
    name: str, base: dict[str, Any], odd: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    family: ModelFamily = request.getfixturevalue(name)
    assert family.declared is not None
    rows = [base | each for each in odd]
    reader, maker = RowReader(family.request_fields), FeatureMaker(family.features)
    ones = [reader.read_one(json.dumps(row).encode()).values for row in rows]
    columns = scored_columns(family.declared, base)
    for number, row in enumerate(rows):  # each in a table of its own, with the types of its cells
        table = pa.table({column: [row[column]] for column in columns})
        prepared = prepare_rows(family.declared, table)
        assert prepared.select(family.features.model_columns).to_pylist() == [
            dict(zip(family.features.model_columns, ones[number], strict=True))
        ]
        assert family.make_features(table).select(family.features.model_features).to_pylist() == [
            dict(zip(family.features.model_features, maker.one(ones[number]), strict=True))
        ]
    texts = pa.table({column: [_text(row[column]) for row in rows] for column in columns})  # and as a CSV has them
    expected = family.make_features(texts)
    for made in (reader.read_many(json.dumps({"rows": rows}).encode(), 99), _by_column(reader, rows)):
        assert maker.many(made.columns).equals(expected.select(family.features.model_features))
    sent = read_table(write_table(texts, ARROW), ARROW, family, 99, "id")
    assert maker.many(sent.columns).equals(expected.select(family.features.model_features))


def _by_column(reader: RowReader, rows: list[dict[str, Any]]) -> Any:
    names = [name for name in rows[0] if name not in ("payment id", "chargeback")]
    return reader.read_many(json.dumps({"columns": {name: [row[name] for row in rows] for name in reversed(names)}}).encode(), 99)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(int(value) if isinstance(value, float) and value.is_integer() else value)


def test_values_that_were_prepared_by_hand(payments: ModelFamily) -> None:
    row = RowReader(payments.request_fields).one(PAYMENT | {"booked at": "31.03.2024 02:30"}).values
    assert row == [1711852200.0, 4.5, 2.0, 12.34 * 0.85, "5411", "FR"]
    row = RowReader(payments.request_fields).one(PAYMENT | {"country": "ZZ", "mcc": "1", "currency": "GBP", "rate": 1}).values
    assert row[3:] == [12.34, "(other)", "(other)"]


FAULTS = [
    ({"distance km": 20_001}, "distance km: expected a finite number from 0 to 20000, or null, found a number out of range."),
    ({"distance km": "far"}, "distance km: expected a finite number from 0 to 20000, or null, found a text that is no number."),
    ({"attempts": None}, "attempts: expected a finite number, found null."),
    ({"attempts": [1]}, "attempts: expected a finite number, found an array."),
    ({"mcc": ""}, "mcc: expected a category: a text, a whole number or a boolean, found nothing."),
    ({"mcc": {}}, "mcc: expected a category: a text, a whole number or a boolean, found an object."),
    ({"rate": 9, "currency": "GBP"}, "rate: expected a finite number, or null, found another rate than 1 beside GBP."),
    ({"rate": None}, "rate: expected a finite number, or null, found nothing beside another currency than GBP."),
    ({"currency": "eur"}, "currency: expected a currency's three letters, such as 'EUR', found another string."),
    (
        {"booked at": "2024-03-31 02:30"},
        "booked at: expected a time written as %d.%m.%Y %H:%M, such as '15.01.2026 12:30', found a text that is no such time.",
    ),
    ({"distance": 1}, "distance: expected no such field (did you mean 'distance km'?), found a field that no model reads."),
]


@pytest.mark.parametrize(("wrong", "told"), FAULTS)
def test_what_is_wrong_is_told_in_the_clients_own_words(payments: ModelFamily, wrong: dict[str, Any], told: str) -> None:
    reader = RowReader(payments.request_fields)
    with pytest.raises(ProblemError) as refused:
        reader.read_one(json.dumps(PAYMENT | wrong).encode())
    assert (refused.value.status, refused.value.detail) == (422, told)
    with pytest.raises(ProblemError) as refused:
        reader.read_many(json.dumps({"rows": [PAYMENT, PAYMENT | wrong]}).encode(), 9)
    assert refused.value.detail == f"rows[1].{told}"
    if "distance" not in wrong:
        name = next(iter(wrong))
        columns = {key: [value, wrong.get(key, value)] for key, value in PAYMENT.items()}
        with pytest.raises(ProblemError) as refused:
            reader.read_many(json.dumps({"columns": columns}).encode(), 9)
        assert refused.value.detail == f"columns.{name}[1]{told.removeprefix(name)}"
        table = pd.DataFrame([PAYMENT, PAYMENT | wrong])
        with pytest.raises(DataError, match=rf"Column '{name}' (has 1 cell that is .* \(rows 1\)|.*)|in column {name}"):
            payments.make_features(table)


def test_columns_that_may_be_missing_may_be_absent_and_those_of_the_table_are_not_looked_at(payments: ModelFamily) -> None:
    reader = RowReader(payments.request_fields)
    short = {name: PAYMENT[name] for name in ("mcc", "attempts", "currency", "betrag", "booked at", "rate")}
    body = json.dumps(short | {"card token": {"any": ["thing", 'with "quotes"']}, "age group": None, "id": "x"}).encode()
    row = reader.read_one(body)
    assert row.id == "x" and row.values == reader.one(PAYMENT | {"distance km": None, "country": None}).values
    with pytest.raises(ProblemError, match="more than one") as twice:
        reader.read_one(json.dumps(short).encode()[:-1] + b', "mcc": "5411"}')
    assert twice.value.faults[0].path == "mcc"


TIMES = [
    (
        "Europe/London",
        None,
        None,
        ["2024-03-31 00:59:59", "2024-03-31T01:00:00Z", "2024-03-31 01:30", "2024-10-27T00:30:00+00:00"],
    ),
    ("America/New_York", None, None, ["2024-07-05 10:00:00.1234567-0330", "2024-7-5", "1970/1/1 0:0", "2024-01-05T10:00+14"]),
    (None, None, None, ["2024-01-05  10:00:00.", "2024-02-30", "0044-01-01", "2024-01-05 10:60", "x", "", "2024-1-5 10:00+02"]),
    (
        "Asia/Kolkata",
        "%d.%m.%Y %H:%M:%S.%f",
        None,
        ["1.2.2024 3:04:05.5", "31.02.2024 00:00:00.0", "01.02.24 00:00:00.0", "1.2.2024 24:0:0.0"],
    ),
    (None, "%d%m%y %H:%M", None, ["010269 9:5", "1 1124 00:00", "311268  00:00", "11124 00:00", "010224 00:60"]),
    (None, "%d%m%Y", None, ["01022024", "1112024", "0102 2024", "32012024"]),
    ("Europe/Berlin", "%I:%M %p %d/%b/%y", None, ["1:05 pm 05/JAN/24", "12:00 am 1/feb/69", "0:05 am 1/feb/69"]),
    ("Europe/Berlin", None, "seconds", ["1711846800.1234567", "1e9", "-1.5", "1e13", "x", "0.0000005"]),
    (None, None, "milliseconds", ["1711846800123", " 5. ", "-0"]),
    (None, None, "microseconds", ["1711846800123457", "-7"]),
    ("Europe/Berlin", None, "nanoseconds", ["1711846800123456789", "7e3"]),
    ("America/New_York", None, "days", ["19000.0001", "1e8"]),
]


@pytest.mark.parametrize(("zone", "written", "unit", "texts"), TIMES)
def test_a_moment_is_read_as_the_sql_reads_it(zone: str | None, written: str | None, unit: Any, texts: list[str]) -> None:
    from fusionguard.datasets.scoring_rows import _no_moment

    time = Time(column="at", zone=zone, format=written, unit=unit)
    for reader, sql in ((clock_reader, clock), (instant_reader, event)):
        read = reader(time)
        with open_rows(pa.table({"at": texts}), {}) as rows:
            right = f"CASE WHEN NOT {_no_moment(rows, time)} THEN {sql(rows, time)} END"
            expected = rows.fetch(f"SELECT {quoted('at')}, {right} FROM given ORDER BY _row")
        assert [(text, read(text)) for text in texts] == expected
        if unit is None:
            stamps = pd.to_datetime(["2024-03-31 00:30:00.123456", "1969-12-31 23:59:59.5"])
            for column in (pa.array(stamps), pa.array(stamps.tz_localize("UTC")), pa.array(stamps).cast(pa.date32(), safe=False)):
                with open_rows(pa.table({"at": column}), {}) as rows:
                    found = rows.fetch(f"SELECT {sql(rows, time)} FROM given ORDER BY _row")
                assert [read(value) for value in column.to_pylist()] == [seconds for (seconds,) in found]


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_an_instant_is_found_where_clocks_are_put_forward_and_back(zone: str) -> None:
    days = ["2024-03-31", "2024-10-27", "2024-03-10", "2024-11-03", "2024-04-07", "2024-10-06"]
    texts = [f"{day} {hour:02}:{minute:02}" for day in days for hour in range(5) for minute in (0, 15, 30, 59)]
    time = Time(column="at", zone=zone)
    with open_rows(pa.table({"at": texts}), {}) as rows:
        expected = rows.fetch(f"SELECT {event(rows, time)} FROM given ORDER BY _row")
    assert [(instant_reader(time)(text),) for text in texts] == expected


def test_the_example_is_a_row_of_the_clients_table(payments: ModelFamily, telco: ModelFamily) -> None:
    assert list(payments.example_row) == ["booked at", "distance km", "attempts", "betrag", "mcc", "country", "currency", "rate"]
    assert payments.example_row["booked at"] == "15.01.2026 12:30"
    for family in (payments, telco):
        values = RowReader(family.request_fields).one(family.example_row).values
        features = family.make_features(pa.Table.from_pylist([family.example]))
        assert (
            FeatureMaker(family.features).one(values)
            == list(features.to_pylist()[0].values())[-len(family.features.model_features) :]
        )
        one = family.request_fields.columns(family.example)
        assert {name: value.tolist() for name, value in one.items()} == {
            name: [value] for name, value in zip(family.features.model_columns, values, strict=True)
        }
        assert all(isinstance(value, np.ndarray) for value in one.values())
