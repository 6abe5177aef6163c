"""Each rule by which raw rows become prepared ones, with values that tell its sides apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import CARRIED, Table
from fusionguard.datasets.faults import ContradictionError, DeclarationError
from fusionguard.datasets.moments import clock_reader, instant_reader
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve

HEAD = "version: 1\nname: t\nproblem: fraud\n"
NOON = datetime(2024, 6, 30, 12, tzinfo=UTC).timestamp()
SUMMER, WINTER = 1_719_748_800.0, 1_706_702_400.0  # noon in UTC on 30 June and 31 January 2024


def _prepared(text: str, columns: dict[str, Any], folder: Path, **settings: Any) -> dict[str, list[Any]]:
    """The prepared rows, in the order of the raw ones' numbers in column ``n``."""
    rows = len(next(iter(columns.values())))
    raw = pa.table({"n": list(range(rows)), "y": [0, 1] * (rows // 2) + [1] * (rows % 2), **columns})
    pq.write_table(raw, folder / "given.parquet")
    table = Table(folder / "given.parquet")
    label = "" if "label:" in text else "label: y\n"
    declared = parse_declaration(f"{HEAD}{label}{text}" if "numeric:" in text else f"{HEAD}{label}{text}numeric: {{n: null}}\n")
    described = resolve(declared, table, **settings)
    made = prepare_training(described, table, folder / "made.parquet").read()
    order = sorted(range(made.num_rows), key=lambda row: made["n"][row].as_py())
    return {name: made[name].take(order).to_pylist() for name in made.column_names}


TIMES: dict[str, tuple[str, list[Any], list[float], list[float]]] = {
    "seconds": ("unit: seconds", [SUMMER, WINTER + 0.25], [SUMMER, WINTER + 0.25], [SUMMER, WINTER + 0.25]),
    "milliseconds": ("unit: milliseconds", [1_709_251_199_003, 7], [1_709_251_199.003, 0.007], [1_709_251_199.003, 0.007]),
    "microseconds": (
        "unit: microseconds",
        [1_709_251_199_003_007, 7],
        [1_709_251_199.003007, 7e-6],
        [1_709_251_199.003007, 7e-6],
    ),
    "nanoseconds": (
        "unit: nanoseconds",
        [1_709_251_199_003_007_009, 7000],
        [1_709_251_199.003007, 7e-6],
        [1_709_251_199.003007, 7e-6],
    ),
    "whole numbers of a format": ('format: "%Y%m%d%H"', [2024063012, 2024013112], [SUMMER, WINTER], [SUMMER, WINTER]),
    "days": ("unit: days", [1.5, -2], [129_600.0, -172_800.0], [129_600.0, -172_800.0]),
    "since a start": ("unit: seconds, since: start", [90_061, 5], [90_061.0, 5.0], [90_061.0, 5.0]),
    "seconds in a zone": ("unit: seconds, zone: Europe/London", [SUMMER, WINTER], [SUMMER, WINTER], [SUMMER + 3600, WINTER]),
    "a format in a zone": (
        'format: "%d.%m.%Y %H:%M", zone: Europe/London',
        ["30.06.2024 13:00", "31.01.2024 12:00"],
        [SUMMER, WINTER],
        [SUMMER + 3600, WINTER],
    ),
    "a format with an offset": (
        'format: "%d/%m/%Y %H:%M %z", zone: America/New_York',
        ["30/06/2024 14:00 +0200", "31/01/2024 12:00 +0000"],
        [SUMMER, WINTER],
        [SUMMER - 4 * 3600, WINTER - 5 * 3600],
    ),
    "no zone": ("", ["2024-06-30 12:00:00", "2024-01-31T12:00:00,5"], [SUMMER, WINTER + 0.5], [SUMMER, WINTER + 0.5]),
    "dates": (
        "zone: Europe/Berlin",
        ["2024-06-30", "2024-01-31"],
        [SUMMER - 14 * 3600, WINTER - 13 * 3600],
        [NOON - 43_200, WINTER - 43_200],
    ),
    "Z and an offset": (
        "zone: Europe/Berlin",
        ["2024-06-30T12:00:00Z", "2024-01-31 17:30:00+05:30"],
        [SUMMER, WINTER],
        [SUMMER + 7200, WINTER + 3600],
    ),
    "other offsets": (
        "zone: Europe/Berlin",
        ["2024-06-30T05:00:00.5-0700", "2024-01-31 14:00 +02", "2024-06-30 12:00:00 utc", "2024-06-30t12:00z"],
        [SUMMER + 0.5, WINTER, SUMMER, SUMMER],
        [SUMMER + 7200.5, WINTER + 3600, SUMMER + 7200, SUMMER + 7200],
    ),
    "the hour that is there twice": (
        "zone: Europe/London",
        ["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"],
        [1_729_989_000.0, 1_729_992_600.0],
        [1_729_992_600.0, 1_729_992_600.0],
    ),
}


@pytest.mark.parametrize("case", TIMES)
def test_a_time_is_an_instant_and_what_a_clock_showed(case: str, tmp_path: Path) -> None:
    settings, cells, events, clocks = TIMES[case]
    time = ", ".join(["column: at", *([settings] if settings else [])])
    declared = f"time: {{{time}}}\ncalendar: [hour_of_day]\n"
    made = _prepared(declared, {"at": cells}, tmp_path)
    assert made["event_seconds"] == events
    assert made["clock_seconds"] == clocks
    moment = parse_declaration(f"{HEAD}label: y\n{declared}").declaration.time
    assert moment is not None
    assert [clock_reader(moment)(cell) for cell in cells] == clocks
    assert [instant_reader(moment)(cell) for cell in cells] == events


@pytest.mark.parametrize(
    ("cells", "events", "clocks"),
    [
        ([datetime(2024, 6, 30, 13), datetime(2024, 1, 31, 12)], [SUMMER, WINTER], [SUMMER + 3600, WINTER]),
        (
            [datetime(2024, 6, 30, 14, tzinfo=timezone(timedelta(hours=2))), datetime(2024, 1, 31, 12, tzinfo=UTC)],
            [SUMMER, WINTER],
            [SUMMER + 3600, WINTER],
        ),
        (
            [date(2024, 6, 30), date(2024, 1, 31)],
            [SUMMER - 13 * 3600, WINTER - 12 * 3600],
            [SUMMER - 12 * 3600, WINTER - 12 * 3600],
        ),
    ],
)
def test_times_of_a_typed_file(cells: list[Any], events: list[float], clocks: list[float], tmp_path: Path) -> None:
    made = _prepared("time: {column: at, zone: Europe/London}\ncalendar: [month]\n", {"at": cells}, tmp_path)
    assert (made["event_seconds"], made["clock_seconds"]) == (events, clocks)


def test_rows_are_in_the_order_of_their_instants_and_the_earliest_share_is_counted_by_them(tmp_path: Path) -> None:
    cells = ["2024-06-30T10:00:00+08:00", "2024-06-30T05:00:00Z", "2024-06-30T03:00:00-04:00", "2024-06-30T04:00:00"]
    raw = pa.table({"at": cells, "x": [5.0, 7.0, 11.0, 13.0], "c": ["a", "b", "c", "d"], "y": [0, 1, 0, 1]})
    pq.write_table(raw, tmp_path / "given.parquet")
    text = f"{HEAD}label: y\ntime: at\nnumeric: {{x: null}}\ncategorical: {{c: null}}\n"
    described = resolve(parse_declaration(text), Table(tmp_path / "given.parquet"), earliest=0.5)
    assert described.columns["x"].range == (5.0, 13.0) and described.categories["c"].values == ("a", "d")
    made = prepare_training(described, Table(tmp_path / "given.parquet"), tmp_path / "made.parquet").read()
    assert made["x"].to_pylist() == [5.0, 13.0, 7.0, 11.0]
    assert made["c"].to_pylist() == ["a", "d", OTHER, OTHER]


def test_a_label_that_was_known_before_its_row_is_told_by_instants(tmp_path: Path) -> None:
    cells = {"at": ["2024-06-30T10:00:00+02:00"] * 2, "known": ["2024-06-30T09:00:00Z", "2024-06-30T09:00:00+02:00"]}
    with pytest.raises(ContradictionError, match="row 1 knows its label before it happened") as caught:
        _prepared("label: {column: y, known: {column: known}}\ntime: at\n", cells, tmp_path)
    assert "row 0" not in str(caught.value)


def test_a_label_is_known_from_a_moment_on(tmp_path: Path) -> None:
    cells = {"at": ["2024-06-30 12:00:00", "2024-01-31 12:00:00"], "known": ["2024-07-01 12:00:00", None]}
    by_column = _prepared("label: {column: y, known: {column: known}}\ntime: at\n", cells, tmp_path)
    assert by_column["known_seconds"] == [SUMMER + 86_400, WINTER + 86_400]
    assert by_column["outcome_told_seconds"] == [SUMMER + 86_400, None]
    after = _prepared("label: {column: y, known: {after: 36h}}\ntime: at\nignored: [known]\n", cells, tmp_path)
    assert after["known_seconds"] == [None, WINTER + 129_600] and "outcome_told_seconds" not in after


@pytest.mark.parametrize(
    ("at", "time", "known", "form", "days"),
    [
        ([20240630120000, 20240131120000], 'format: "%Y%m%d%H%M%S"', ["2024-07-02T12:00:00Z", None], "iso", 2.0),
        ([SUMMER, WINTER], "unit: seconds", ["02.07.2024", None], '"%d.%m.%Y"', 1.5),
        (["2024-06-30 12:00:00", "2024-01-31 12:00:00"], "zone: UTC", ["02.07.2024 06:00", ""], '"%d.%m.%Y %H:%M"', 1.75),
    ],
)
def test_what_dates_outcomes_may_be_written_in_another_way(
    at: list[Any], time: str, known: list[Any], form: str, days: float, tmp_path: Path
) -> None:
    text = f"label: {{column: y, known: {{column: known, format: {form}}}}}\ntime: {{column: at, {time}}}\n"
    made = _prepared(text, {"at": at, "known": known}, tmp_path)
    assert made["event_seconds"] == [SUMMER, WINTER]
    assert made["known_seconds"] == [SUMMER + days * 86_400, WINTER + days * 86_400]


def test_a_format_of_outcomes_that_is_none_is_refused_with_what_it_may_be(tmp_path: Path) -> None:
    text = "label: {column: y, known: {column: known, format: ISO8601}}\ntime: at\n"
    with pytest.raises(DeclarationError, match=r'label\.known\.format .*such as "%d\.%m\.%Y %H:%M:%S", or iso for ISO 8601'):
        _prepared(text, {"at": ["2024-06-30"], "known": ["2024-07-01"]}, tmp_path)


def test_outcomes_with_a_date_need_rows_with_one(tmp_path: Path) -> None:
    text = "label: {column: y, known: {column: known, format: iso}}\ntime: {column: at, unit: days, since: start}\n"
    with pytest.raises(DeclarationError, match="time counts from a start without a date"):
        _prepared(text, {"at": [3.0], "known": ["2024-07-01"]}, tmp_path)


def test_no_outcome_counts_before_those_of_its_time_and_of_either_class_are_there(tmp_path: Path) -> None:
    """Positive rows are known 1 to 4 days later and one in 150 after 40; a dated negative one at once, the others at no time."""
    days = np.arange(300)
    positive, delay = days % 2 == 1, np.where(days == 151, 40, 1 + days // 2 % 4)
    dated = positive | (days == 100)
    moments = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    known = (moments + pd.to_timedelta(np.where(positive, delay, 0), unit="D")).astype(str).to_numpy(object)
    cells = {"at": moments.astype(str).tolist(), "known": np.where(dated, known, None).tolist()}
    made = _prepared("label: {column: y, known: {column: known}}\ntime: at\n", cells, tmp_path)
    seconds = zip(made["event_seconds"], made["known_seconds"], strict=True)
    waited = [None if known is None else (known - event) / 86_400 for event, known in seconds]
    assert waited == [4.0] * 151 + [40.0] + [4.0] * 146 + [None] * 2, "the last outcome that is written is of day 301"


def test_a_column_that_dates_no_outcome_is_refused(tmp_path: Path) -> None:
    cells = {"at": ["2024-06-30 12:00:00", "2024-01-31 12:00:00"], "known": ["", ""]}
    with pytest.raises(ContradictionError, match=r"label\.known\.column is 'known', and no row has a time there; .*after: 14d"):
        _prepared("label: {column: y, known: {column: known}}\ntime: at\n", cells, tmp_path)


def test_money_is_in_one_currency(tmp_path: Path) -> None:
    cells = {"sum": [10.0, 20.0, 30.0], "ccy": ["GBP", "EUR", "USD"], "fx": [1.0, 0.85, 0.75]}
    text = "amount: {column: sum, currency: GBP, currency_column: ccy, rate_column: fx}\n"
    assert _prepared(text, cells, tmp_path)["sum"] == [10.0, 17.0, 22.5]


def test_what_stands_for_nothing_is_nothing(tmp_path: Path) -> None:
    cells = {
        "a": ["7", " ", "n/a", "-999", "-999.0", None],
        "b": [7.5, float("nan"), -1.0, 3.0, None, 2.0],
        "c": ["x", "?", "99", "", None, "z"],
        "d": [1, 99, 2, 3, 4, 5],
    }
    text = (
        "numeric: {n: null, a: {missing: allow, missing_values: [n/a, -999]}, b: {missing: allow, missing_values: [-1]}}\n"
        "categorical: {c: {missing: allow, missing_values: ['?', 99]}, d: {missing: allow, missing_values: [99]}}\n"
    )
    made = _prepared(text, cells, tmp_path)
    assert made["a"] == [7.0, None, None, None, None, None] and made["b"] == [7.5, None, None, 3.0, None, 2.0]
    assert made["c"] == ["x", None, None, None, None, "z"] and made["d"] == ["1", None, "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("label", "cells", "expected"),
    [
        ("{column: out, positive: [Y]}", ["Y", "N", "Y"], [1, 0, 1]),
        ("{column: out, positive: [N], negative: [Y]}", ["Y", "N", "Y"], [0, 1, 0]),
        ("out", ["true", "false", "false"], [1, 0, 0]),
        ("out", [True, False, False], [1, 0, 0]),
        ("{column: out, positive: [true]}", [False, True, False], [0, 1, 0]),
        ("out", [1.0, 0.0, 1.0], [1, 0, 1]),
        ("{column: out, positive: [1]}", ["1.0", "0.0", "1.0"], [1, 0, 1]),
        ("{column: out, positive: [2, 3], negative: [1]}", [1, 2, 3], [0, 1, 1]),
    ],
)
def test_labels_are_0_and_1(label: str, cells: list[Any], expected: list[int], tmp_path: Path) -> None:
    made = _prepared(f"label: {label}\nignored: [y]\n", {"out": cells}, tmp_path)
    assert made["out"] == expected


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    made = _prepared("label: {column: out, missing: leave_out}\nignored: [y]\n", {"out": ["1", None, " ", "0"]}, tmp_path)
    assert (made["n"], made["out"]) == ([0.0, 3.0], [1, 0])


def test_values_that_are_not_known(tmp_path: Path) -> None:
    cells = {name: ["a", "b", "c", None] for name in ("one", "two")}
    one, two = "{values: [a, b], unseen: other, missing: allow}", "{values: [b], unseen: missing, missing: allow}"
    text = f"categorical:\n  one: {one}\n  two: {two}\n"
    made = _prepared(text, cells, tmp_path)
    assert made["one"] == ["a", "b", OTHER, None] and made["two"] == [None, "b", None, None]
    refuse = "categorical: {one: {values: [a, b], unseen: refuse, missing: allow}}\nignored: [two]\n"
    with pytest.raises(ContradictionError, match=r"line 5: categorical.one.unseen is refuse, and row 2 holds a value"):
        _prepared(refuse, cells, tmp_path)


def test_entities_protected_columns_and_the_id(tmp_path: Path) -> None:
    cells = {"card": ["b", "a", "b"], "shop": ["s", "t", "u"], "age": ["old", " ", "young"], "id": ["007", "08", "9"]}
    text = "id: id\nentities: {card: card, shop: shop}\nprotected: [age]\n"
    made = _prepared(text, cells, tmp_path)
    assert made["group_number"] == [1, 0, 1] and made["age"] == ["old", None, "young"] and made[CARRIED] == ["007", "08", "9"]
    assert sorted(made) == sorted([CARRIED, "age", "group_number", "n", "y"])


def test_columns_may_have_the_names_that_queries_use(tmp_path: Path) -> None:
    cells = {
        "value": ["p", "q", "p", "p"],
        "learned": [3, 1, 4, 1],
        "code": ["GBP", "EUR", "GBP", "GBP"],
        "given": [1.0, 2.0, 3.0, 4.0],
    }
    text = (
        "amount: {column: given, currency: GBP, currency_column: code, rate_column: rate}\n"
        "categorical: {value: null}\nnumeric: {n: null, learned: null}\nignored: [file_row_number, e0, n0]\n"
    )
    extra = {"rate": [1.0, 0.5, 1.0, 1.0], "file_row_number": [9, 9, 9, 9], "e0": [True] * 4, "n0": [None, "x", "x", "x"]}
    made = _prepared(text, {**cells, **extra}, tmp_path)
    assert made["given_2"] == [1.0, 1.0, 3.0, 4.0] and made["value"] == ["p", "q", "p", "p"] and made["y"] == [0, 1, 0, 1]
    assert made["learned"] == [3.0, 1.0, 4.0, 1.0]
