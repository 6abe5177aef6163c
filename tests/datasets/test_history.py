"""What windows remember: the SQL against the slow way, to the last digit, in any order of the rows."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import MOST_TILES, Span, memories, window_features
from fusionguard.datasets.history_sql import events_query
from fusionguard.datasets.remembering import EVENTS, past_query
from fusionguard.datasets.table_rows import open_rows
from tests.datasets.slow_history import Event, remembered

SPANS = ["31s", "5m", "2h"]
OF = ["count", "sum", "mean", "ratio", "maximum", "change", "peak", "since_last", "label_count", "label_rate"]
OF += ["label_since_positive", "label_since_negative", "label_run"]


def declare(**changed: Any) -> Declaration:
    """Return a declaration of payments with windows over cards and shops."""
    declared: dict[str, Any] = {
        "version": 1,
        "name": "payments",
        "problem": "fraud",
        "id": "payment",
        "time": {"column": "at", "unit": "seconds"},
        "amount": {"column": "amount", "currency": "GBP", "missing": "allow"},
        "label": {"column": "fraud", "known": {"column": "told_at"}, "missing": "leave_out"},
        "entities": {"card": "card number", "shop": "shop"},
        "numeric": {"km far": {"missing": "refuse"}},
        "windows": {
            "card": {"spans": SPANS, "of": [*OF, "new(shop)", "distinct(shop)", "mean(km far)"]},
            "shop": {"spans": ["5m"], "of": ["count", "label_rate", "distinct(card)"]},
        },
    }
    return Declaration.model_validate(declared | changed)


def draw(seed: int, rows: int = 300) -> list[Event]:
    """Draw rows of few entities: many in one second, some of nobody, some without numbers, outcomes that are late or never."""
    generator = np.random.default_rng(seed)
    events = []
    for _ in range(rows):
        second = int(generator.integers(-200, 3_000)) // int(generator.choice([1, 60]))
        outcome = int(generator.random() < 0.3) if generator.random() < 0.8 else None
        events.append(
            Event(
                second=second,
                of={
                    "card": None if generator.random() < 0.05 else f"C{generator.integers(4)}",
                    "shop": None if generator.random() < 0.05 else f"S{generator.integers(6)}",
                },
                numbers={
                    "amount": None if generator.random() < 0.1 else int(generator.integers(-2_000, 90_000)),
                    "km far": int(generator.integers(0, 500)),
                },
                positive=outcome,
                known=None if outcome is None else second + int(generator.integers(0, 900)),
            )
        )
    return events


def table_of(events: list[Event]) -> pa.Table:
    """Return the rows as a raw table has them; when they arrived is there where one of them says so."""
    seen = [None if each.observed is None else each.observed + 0.5 for each in events]
    return pa.table(
        ({"seen_at": pa.array(seen, pa.float64())} if any(each.observed is not None for each in events) else {})
        | {
            "payment": [f"P{place}" for place in range(len(events))],
            "at": [float(each.second) + 0.25 for each in events],
            "amount": [None if each.numbers["amount"] is None else each.numbers["amount"] / 100 for each in events],
            "km far": [each.numbers["km far"] / 100 for each in events],
            "card number": [each.of["card"] for each in events],
            "shop": [each.of["shop"] for each in events],
            "fraud": pa.array([each.positive for each in events], pa.int64()),
            "told_at": [None if each.known is None else float(each.known) for each in events],
        }
    )


def computed(declaration: Declaration, events: list[Event], text: str = "frames") -> dict[str, list[int | None]]:
    """Return what one of the texts of SQL finds, by memory, in the order of the rows."""
    query = past_query(declaration, portable=text == "tiles")
    with open_rows(table_of(events), {}) as rows:
        rows.database.execute(f"CREATE TEMP TABLE {EVENTS} AS {events_query(declaration, rows, 'fraud')}")
        found = rows.database.sql(f"SELECT * FROM ({query}) ORDER BY _row").to_arrow_table()
    assert found["_row"].to_pylist() == list(range(len(events)))
    return {name: found[name].to_pylist() for name in found.column_names[1:]}


TEXTS = ("frames", "tiles")
"""The two texts of SQL: DuckDB's own, and the one that every engine runs."""


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("seed", "known"), [(3, {"column": "told_at"}), (11, {"column": "told_at"}), (5, {"after": "70s"})])
def test_the_sql_finds_what_looking_through_all_rows_finds(seed: int, known: dict[str, str], text: str) -> None:
    declaration, events = declare(label={"column": "fraud", "known": known}), draw(seed)
    if "after" in known:
        events = [replace(each, positive=each.positive or 0, known=each.second + 70) for each in events]
    found = computed(declaration, events, text)
    assert set(found) == {each.name for each in memories(declaration)}
    for memory in memories(declaration):
        slow = [remembered(memory, events, row) for row in range(len(events))]
        assert found[memory.name] == slow, memory
        assert len(set(slow)) > 1, memory


@pytest.mark.parametrize("text", TEXTS)
def test_an_entity_of_two_columns_is_what_both_say(text: str) -> None:
    windows = {"both": {"spans": ["5m", "2h"], "of": ["count", "sum", "since_last", "label_rate"]}}
    windows |= {"card": {"spans": ["2h"], "of": ["distinct(both)"]}}
    declaration = declare(entities={"card": "card number", "both": ["card number", "shop"]}, windows=windows)
    events = draw(17)
    events = [
        replace(each, of=each.of | {"both": None if None in each.of.values() else "{card} at {shop}".format(**each.of)})
        for each in events
    ]
    found = computed(declaration, events, text)
    for memory in memories(declaration):
        slow = [remembered(memory, events, row) for row in range(len(events))]
        assert found[memory.name] == slow, memory
        assert len(set(slow)) > 1, memory


@pytest.mark.parametrize("text", TEXTS)
def test_the_order_of_the_rows_changes_nothing(text: str) -> None:
    declaration, events = declare(), draw(5)
    order = np.random.default_rng(8).permutation(len(events))
    found, shuffled = computed(declaration, events, text), computed(declaration, [events[place] for place in order], text)
    for name, values in found.items():
        assert shuffled[name] == [values[place] for place in order], name


LATE: dict[str, Any] = {"time": {"column": "at", "unit": "seconds", "observed": "seen_at"}}
"""What a declaration says besides where rows arrive late."""


def late(events: list[Event], seed: int) -> list[Event]:
    """Return the same rows, every third of them late: by seconds, by tiles, by more than any span; in the order of arrival."""
    generator = np.random.default_rng(seed)
    drawn = []
    for each in events:
        delay = int(generator.choice([0, 0, 0, 0, 7, 300, 9_000]) * generator.random())
        drawn.append(replace(each, observed=None if delay == 0 else each.second + delay))
    return sorted(drawn, key=lambda each: (each.arrived, each.second))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("seed", "after"), [(13, None), (14, 70)])
def test_rows_that_arrive_late_are_seen_from_then_on(seed: int, after: int | None, text: str) -> None:
    known = {"column": "told_at"} if after is None else {"after": f"{after}s"}
    declaration = declare(**LATE, label={"column": "fraud", "known": known})
    events = late(draw(seed, rows=180), seed)
    if after is not None:
        events = [replace(each, positive=each.positive or 0, known=each.second + after) for each in events]
    found, punctual = computed(declaration, events, text), [replace(each, observed=None) for each in events]
    for memory in memories(declaration):
        slow = [remembered(memory, events, row) for row in range(len(events))]
        assert found[memory.name] == slow, memory
        if memory.kind != "run" and memory.span.text != "31s":
            assert slow != [remembered(memory, punctual, row) for row in range(len(events))], memory


@pytest.mark.parametrize("text", TEXTS)
def test_a_correction_is_a_row_that_is_seen_once_it_has_arrived(text: str) -> None:
    declaration = declare(**LATE, windows={"card": {"spans": ["5m"], "of": ["count", "sum", "since_last", "distinct(shop)"]}})
    of, other = {"card": "C", "shop": "S"}, {"card": "C", "shop": "T"}
    events = [
        Event(10, of, {"amount": 900, "km far": 0}),
        Event(10, other, {"amount": -400, "km far": 0}, observed=50),  # 4.00 of the 9.00 were refunded, and that was told at 50
        Event(30, of, {"amount": 70, "km far": 0}),
        Event(40, of, {"amount": 1, "km far": 0}, observed=60),
        Event(50, of, {"amount": 2, "km far": 0}),
    ]
    found = computed(declaration, events, text)
    assert found["past_card_rows_5m"] == [0, 0, 1, 3, 3]
    assert found["past_card_hundredths_amount_5m"] == [0, 0, 900, 570, 570]
    assert found["past_card_last_5m"] == [None, None, 20, 10, 20]
    assert found["past_card_others_shop_5m"] == [0, 0, 1, 2, 2]


@pytest.mark.parametrize("text", TEXTS)
def test_a_window_sees_from_the_tile_that_lies_a_span_back_to_the_second_before(text: str) -> None:
    declaration = declare(windows={"card": {"spans": ["5m"], "of": ["count"]}})
    seconds = [99, 100, 400, 409, 409, 410, 700, 710]  # tiles of 10 s, 30 of them
    events = [Event(second, {"card": "C", "shop": None}, {"amount": 1, "km far": 0}) for second in seconds]
    assert computed(declaration, events, text)["past_card_rows_5m"] == [0, 1, 1, 2, 2, 3, 4, 2]


@pytest.mark.parametrize("text", TEXTS)
def test_outcomes_count_once_the_tile_is_over_in_which_they_became_known(text: str) -> None:
    declaration = declare(windows={"shop": {"spans": ["5m"], "of": ["label_count", "label_rate"]}})
    told = [(0, 1, 49), (10, 0, 50), (20, 1, 345), (49, None, None), (50, None, None), (60, None, None), (350, None, None)]
    of = {"card": None, "shop": "S"}
    events = [Event(second, of, {"amount": 1, "km far": 0}, positive, known) for second, positive, known in told]
    found = computed(declaration, events, text)
    assert found["past_shop_known_5m"] == [0, 0, 0, 0, 1, 2, 2]
    assert found["past_shop_positive_5m"] == [0, 0, 0, 0, 1, 1, 1]


def test_an_outcome_that_is_known_after_a_delay_counts_from_then_on() -> None:
    windows = {"shop": {"spans": ["5m"], "of": ["label_count", "label_rate"]}}
    declaration = declare(windows=windows, label={"column": "fraud", "known": {"after": "40s"}})
    of = {"card": None, "shop": "S"}
    told = {39: 0, 49: None}  # what nobody has told by then counts as negative, as a service has it
    events = [Event(second, of, {"amount": 1, "km far": 0}, told.get(second, 1)) for second in (0, 39, 49, 50, 79, 80, 99)]
    found = computed(declaration, events)
    assert found["past_shop_known_5m"] == [0, 0, 0, 1, 1, 2, 3]
    assert found["past_shop_positive_5m"] == [0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("known", "rate"),
    [({"column": "told_at"}, 2 / 5), ({"after": "10s"}, 2 / 4)],
    ids=["of the rows in the span", "of the rows whose outcome is known"],
)
def test_a_rate_is_of_rows_where_outcomes_are_dated_and_else_of_known_outcomes(known: dict[str, str], rate: float) -> None:
    declaration = declare(windows={"shop": {"spans": ["5m"], "of": ["label_rate"]}}, label={"column": "fraud", "known": known})
    of = {"card": None, "shop": "S"}
    told = [(0, 1, 20), (1, 1, 30), (2, 0, None), (3, 0, None), (55, None, None)]  # who is negative is rarely dated
    events = [
        Event(second, of, {"amount": None if second == 2 else 700, "km far": 0}, positive, at) for second, positive, at in told
    ]
    events.append(Event(60, of, {"amount": 900, "km far": 0}))
    found = computed(declaration, events)
    (feature,) = window_features(declaration)
    seen = pa.table({name: pa.array(values, pa.int64()) for name, values in found.items()})
    with open_rows(seen, {}) as rows:
        values = [value for (value,) in rows.fetch(f"SELECT {feature.sql} FROM given ORDER BY _row")]
    assert values[-1] == rate


@pytest.mark.parametrize(
    ("text", "tile", "tiles"), [("30s", 1, 30), ("7s", 1, 7), ("31s", 2, 16), ("1h", 120, 30), ("30d", 86_400, 30)]
)
def test_a_span_is_cut_into_at_most_30_tiles_of_whole_seconds(text: str, tile: int, tiles: int) -> None:
    span = Span.of(text)
    assert (span.tile_seconds, span.tiles) == (tile, tiles)
    assert span.tiles <= MOST_TILES
    assert span.start(-1) == -tile * (tiles + 1)


def test_features_have_the_names_of_what_they_are_and_no_two_are_called_alike() -> None:
    features = window_features(declare())
    names = [each.name for each in features]
    assert names[:4] == ["card_count_31s", "card_count_5m", "card_count_2h", "card_sum_31s"]
    assert {"card_since_last", "card_new_shop_5m", "card_distinct_shop_2h", "card_mean_km_far_31s"} < set(names)
    assert all(left != right for left, right in itertools.combinations(names, 2))
    told = {each.name: (each.entity, each.aggregate, each.of, each.span.text) for each in features}
    assert told["card_new_shop_5m"] == ("card", "new", "shop", "5m")
    assert told["card_mean_km_far_31s"] == ("card", "mean", "km far", "31s")
    assert told["card_since_last"] == ("card", "since_last", "", "2h")
    assert told["card_sum_31s"] == ("card", "sum", "amount", "31s")
