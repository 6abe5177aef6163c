"""The event of a request's row is the one that the history's SQL finds in the same row of a table."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from fusionguard.datasets.history_sql import events_query
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.table_rows import open_rows
from fusionguard.families.past_fields import PastFields
from fusionguard.features.online.state import Event

DECLARED = """
version: 1
name: payments
problem: fraud
id: payment id
time: {column: booked at, zone: Europe/London}
amount: {column: betrag, currency: GBP, rate_column: rate, currency_column: currency, missing: allow}
label: {column: chargeback, positive: [1], negative: [0], known: {after: 14d}}
entities: {card: card token, trade: mcc, both: [card token, mcc]}
numeric:
  distance: {missing: allow, missing_values: [-1]}
categorical:
  mcc: {missing: allow, missing_values: [none, 0]}
windows:
  card: {spans: [1d], of: [sum, maximum(distance), new(trade)]}
  both: {spans: [1d], of: [count]}
"""
TIMES = ["2024-03-31 01:30", "2024-10-27 01:30", "2024-10-27T01:30:00.999Z", "1969-12-31 23:59:59.5", "2024-07-01"]
AMOUNTS = [0.005, 1.005, -0.005, 1e300, -1e300, 12.345, None, 0.29, 1e10, 1.115]
"""As doubles have them: 1.005 is a little less than that, and 0.29 times 100 is too."""

CARDS: dict[str, list[Any]] = {
    "texts": ["A", " A", "007", "", "  ", "-1", "none", None, "caf\u00e9", "a\0b"],
    "whole": [17, 0, -5, None, 2**53 + 1, 10**18],
    "doubles": [17.0, 17.5, None, float("nan"), 1e15, 1e14, 0.1, -0.0, 1e22],
    "truths": [True, False, None],
}


def events_of(past: PastFields, rows: pa.Table) -> list[Event]:
    """Return the events that SQL finds."""
    with open_rows(rows, past.declaration.missing_values) as given:
        query = events_query(past.declaration, given, "CAST(1 AS BIGINT)")
        found = given.database.sql(
            f"SELECT second, known, e_card, e_trade, e_both, n0, n1 FROM ({query}) ORDER BY _row"
        ).fetchall()
    return [
        Event("", second, {"card": card, "trade": trade, "both": both}, {"betrag": amount, "distance": distance}, known)
        for second, known, card, trade, both, amount, distance in found
    ]


@pytest.fixture(scope="module")
def past() -> PastFields:
    """Payments whose cards have a past."""
    return PastFields.of(parse_declaration(DECLARED).declaration, ["distance", "betrag", "mcc"])


@pytest.mark.parametrize("kind", CARDS)
def test_an_event_is_what_sql_makes_of_the_row(past: PastFields, kind: str) -> None:
    cards = CARDS[kind]
    rows = [
        {
            "booked at": TIMES[place % len(TIMES)],
            "betrag": AMOUNTS[place % len(AMOUNTS)],
            "currency": "GBP",
            "rate": None,
            "distance": [-1.0, 2.5, None][place % 3],
            "mcc": ["none", "5411", 0, "0", "", None][place % 6] if kind == "texts" else 5411,
            "card token": card,
        }
        for place, card in enumerate(cards * 4)
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if kind == "texts":
        columns["mcc"] = [None if each is None else str(each) for each in columns["mcc"]]
    table = pa.table(columns | {"rate": pa.nulls(len(rows), pa.float64())})
    values = [[None if row["distance"] == -1 else row["distance"], row["betrag"], row["mcc"]] for row in rows]
    made = [past.event(row, prepared) for row, prepared in zip(rows, values, strict=True)]
    assert made == events_of(past, table)
    assert len({event.second for event in made}) == min(4, len(rows)) and len({event.numbers["betrag"] for event in made}) > 2
    assert made[0].known == made[0].second + 14 * 86_400


def test_a_row_without_the_declared_id_has_none(past: PastFields) -> None:
    row = {"booked at": "2024-07-01", "card token": "A", "mcc": "5411"}
    assert past.event(row, [1.0, 2.0, "5411"]).id == past.event(row | {"payment id": " "}, [1.0, 2.0, "5411"]).id == ""
    assert past.event(row | {"payment id": 17}, [1.0, 2.0, "5411"]).id == "id 17"


def test_two_cells_that_read_alike_together_are_told_apart(past: PastFields) -> None:
    rows = [
        {"booked at": "2024-07-01", "card token": card, "mcc": trade}
        for card, trade in (("A1", "11"), ("A11", "1"), ("A11", None))
    ]
    assert [past.event(row, [1.0, 2.0, row["mcc"]]).keys["both"] for row in rows] == ["2:A111", "3:A111", None]
