"""Times that are written as whole numbers or with named months, and columns that are called a time and are none that is read."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.cli.datasets import problems
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.inspection.draft import draft_declaration
from fusionguard.datasets.inspection.inspected import Inspection, inspect_table
from fusionguard.datasets.moment_sql import event
from fusionguard.datasets.moments import clock_reader
from fusionguard.datasets.reading import read_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.table_rows import open_rows

ROWS = 600


def inspected(file: Path, columns: dict[str, Any]) -> Inspection:
    table = {**columns, "size": [each * 37 % 97 for each in range(ROWS)], "is_fraud": [each % 3 // 2 for each in range(ROWS)]}
    if file.suffix == ".parquet":
        pq.write_table(pa.table(table), file)
    else:
        with file.open("w", newline="") as stream:
            csv.writer(stream).writerows([table, *zip(*table.values(), strict=True)])
    return inspect_table([file], problems())


def unread(found: Inspection) -> list[tuple[str, str]]:
    return [(finding.weight, finding.what) for finding in found.findings if finding.kind == "unread_time"]


_UNUSUAL = "its cells are written in several ways, or in an unusual one"
_MOMENTS = [datetime(2024, 1, 5, 13, 1, 2) + timedelta(hours=7 * each) for each in range(ROWS)]


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ([int(f"{each:%Y%m%d}") for each in _MOMENTS], {"format": "%Y%m%d"}),
        ([int(f"{each:%Y%m%d%H%M%S}") for each in _MOMENTS], {"format": "%Y%m%d%H%M%S"}),
        ([f"{each:%Y%m%d%H%M}" for each in _MOMENTS], {"format": "%Y%m%d%H%M"}),
        ([f"{each:%b %d, %Y %I:%M:%S %p}" for each in _MOMENTS], {"format": "%b %d, %Y %I:%M:%S %p"}),
        ([f"{each:%d-%b-%Y %H:%M}" for each in _MOMENTS], {"format": "%d-%b-%Y %H:%M"}),
        ([int(each.replace(tzinfo=UTC).timestamp()) * 10**6 + 7 for each in _MOMENTS], {"unit": "microseconds"}),
        ([int(each.replace(tzinfo=UTC).timestamp()) * 10**9 + 7 for each in _MOMENTS], {"unit": "nanoseconds"}),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_times_that_are_whole_numbers_or_have_named_months_are_drafted_and_read(
    tmp_path: Path, name: str, written: list[Any], declared: dict[str, str]
) -> None:
    file = tmp_path / name
    found = inspected(file, {"booked_at": written})
    assert found.roles["booked_at"].name == "time" and unread(found) == []
    draft = tmp_path / "t.yaml"
    draft.write_text(draft_declaration(found))
    read = read_declaration(draft, ["fraud"])
    assert read.declaration.time is not None
    assert read.declaration.time.model_dump(include={"format", "unit"}, exclude_none=True) == declared
    raw = read_declared(read, file, tmp_path / "read.parquet")
    with open_rows(raw, {}) as rows:
        seconds = [each for (each,) in rows.fetch(f"SELECT {event(rows, read.declaration.time)} FROM given ORDER BY _row")]
    kept = {"%Y%m%d": "%Y%m%d", "%Y%m%d%H%M": "%Y%m%d%H%M", "%d-%b-%Y %H:%M": "%Y%m%d%H%M"}.get(
        declared.get("format", ""), "%Y%m%d%H%M%S"
    )
    assert [f"{datetime.fromtimestamp(each, UTC):{kept}}" for each in seconds] == [f"{each:{kept}}" for each in _MOMENTS]
    stored = pq.read_table(raw.files[0])["booked_at"].to_pylist()
    assert [clock_reader(read.declaration.time)(each) for each in stored] == seconds


@pytest.mark.parametrize(
    ("name", "written", "weight", "how"),
    [
        ("booked_at", [45_296.5 + each / 4 for each in range(ROWS)], "stop", "its numbers may be days as Excel counts them"),
        ("tx_date", [2_024_001 + each // 2 for each in range(ROWS)], "stop", "its numbers may be days of years, YYYYDDD"),
        ("opened_on", [45_296 + each // 2 for each in range(ROWS)], "look", "its numbers may be days as Excel counts them"),
        ("created", [f"the {each:%d. of %m in %Y}" for each in _MOMENTS], "stop", _UNUSUAL),
        ("post_date", [f"{each:%d.%m.}" + "'24" for each in _MOMENTS[:50]] * 12, "stop", _UNUSUAL),
        ("time_on_site", [30_000 + each for each in [each * 131 % 90_000 for each in range(ROWS)]], "", ""),
        ("booked_note", [f"a word {each} of somebody" for each in range(ROWS)], "", ""),
    ],
)
def test_what_is_called_a_time_and_not_read_stops_where_nothing_else_says_when_rows_happened(
    tmp_path: Path, name: str, written: list[Any], weight: str, how: str
) -> None:
    what = [(weight, f"'{name}' is called a time, and is not read as one: {how}.")] if weight else []
    assert unread(inspected(tmp_path / "t.csv", {name: written})) == what
    timed = inspected(tmp_path / "t.csv", {name: written, "event_time": [f"{each:%Y-%m-%dT%H:%M:%S}" for each in _MOMENTS]})
    assert unread(timed) == [("look", text) for _, text in what]


def test_days_as_excel_counts_them_are_no_feature_and_what_to_do_is_said(tmp_path: Path) -> None:
    found = inspected(tmp_path / "t.csv", {"booked_at": [45_291.5 + each / 4 for each in range(ROWS)]})
    assert found.roles["booked_at"].name == "ignored"
    draft = draft_declaration(found)
    assert "booked_at:" not in draft and "  - booked_at" in draft and "days as Excel counts them" in draft
    remedy = "In the spreadsheet, format the column as yyyy-mm-dd hh:mm:ss (45291.5 is 2023-12-31 12:00) and save the file again"
    (unread_time,) = [each for each in found.findings if each.kind == "unread_time"]
    assert unread_time.remedy.startswith(remedy)
    amounts = inspected(tmp_path / "t.csv", {"fee": [45_291.5 + each / 4 for each in range(ROWS)]})
    assert amounts.roles["fee"].name == "numeric"
    named = inspected(tmp_path / "t.csv", {"tx_time": [44_927 + each // 2 for each in range(ROWS)]})
    (short,) = [each for each in named.findings if each.kind == "short_time"]
    assert "44927 is 2023-01-01 00:00" in short.remedy


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("unit", ["ns", "us"])
def test_moments_of_parquet_are_read_whatever_their_unit_and_zone(tmp_path: Path, unit: str, zone: str | None) -> None:
    file = tmp_path / "t.parquet"
    found = inspected(file, {"booked_at": pa.array([each.replace(tzinfo=UTC) for each in _MOMENTS], pa.timestamp(unit, zone))})
    column = found.profile.by_name["booked_at"]
    assert (column.first, column.last) == (_MOMENTS[0], _MOMENTS[-1])
    draft = tmp_path / "t.yaml"
    draft.write_text(draft_declaration(found))
    read = read_declaration(draft, ["fraud"])
    assert read.declaration.time is not None
    for raw in (read_declared(read, file, tmp_path / "read.parquet"), pq.read_table(file)):
        with open_rows(raw, {}) as rows:
            seconds = rows.fetch(f"SELECT {event(rows, read.declaration.time)} FROM given ORDER BY _row LIMIT 2")
        assert seconds == [(each.replace(tzinfo=UTC).timestamp(),) for each in _MOMENTS[:2]]


@pytest.mark.parametrize(
    ("at", "known", "form"),
    [("%Y%m%d%H%M%S", "%Y-%m-%d", "iso"), ("%Y-%m-%dT%H:%M:%S", "%d.%m.%Y", "%d.%m.%Y"), ("%d.%m.%Y", "%d.%m.%Y", None)],
)
def test_what_dates_outcomes_is_drafted_as_it_is_written(at: str, known: str, form: str | None, tmp_path: Path) -> None:
    late = [each + timedelta(days=9 + place % 5) for place, each in enumerate(_MOMENTS)]
    dated = [f"{each:{known}}" if place % 3 // 2 else "" for place, each in enumerate(late)]
    found = inspected(tmp_path / "t.csv", {"booked_at": [f"{each:{at}}" for each in _MOMENTS], "chargeback_date": dated})
    (tmp_path / "t.yaml").write_text(draft_declaration(found))
    declared = read_declaration(tmp_path / "t.yaml")
    assert declared.declaration.label.known is not None
    assert (declared.declaration.label.known.column, declared.declaration.label.known.format) == ("chargeback_date", form)
    raw = read_declared(declared, tmp_path / "t.csv", tmp_path / "read.parquet")
    assert resolve(declared, raw).label.positive_rows == 200


def _customers(name: str, lasting: str, per_month: bool) -> dict[str, list[Any]]:
    """Customers at one moment: when they came, and how long that is ago."""
    random = np.random.default_rng(21)
    days = random.integers(0, 72 * 30, ROWS)
    return {
        "customerID": [f"{each:05d}-X" for each in random.permutation(90_000)[:ROWS]],
        name: [f"{datetime(2024, 6, 30) - timedelta(days=int(each)):%Y-%m-%d}" for each in days],
        lasting: (days // 30 if per_month else days // 365).tolist(),
        "MonthlyCharges": np.round(random.uniform(18, 118, ROWS), 2).tolist(),
    }


@pytest.mark.parametrize(
    ("name", "lasting", "per_month"),
    [
        ("ContractDate", "tenure", True),
        ("Contract Date", "tenure", False),
        ("date", "tenure months", True),
        ("Vertragsdatum", "Jahre", False),
        ("Datum", "Laufzeit", True),
        ("activation_date", "age_of_account", False),
    ],
)
def test_when_a_customer_came_is_no_time_of_a_row(tmp_path: Path, name: str, lasting: str, per_month: bool) -> None:
    found = inspected(tmp_path / "t.csv", _customers(name, lasting, per_month))
    assert [each for each, role in found.roles.items() if role.name == "time"] == []
    assert (found.roles[name].name, found.roles[lasting].name) == ("ignored", "numeric")
    dated = _customers(name, lasting, per_month) | {
        "snapshot_date": [f"{datetime(2024, 6, 1) + timedelta(hours=each):%Y-%m-%d %H:%M}" for each in range(ROWS)]
    }
    found = inspected(tmp_path / "t.csv", dated)
    assert [each for each, role in found.roles.items() if role.name == "time"] == ["snapshot_date"]
    assert found.roles[lasting].name == "numeric"


def test_a_day_that_another_column_counts_is_still_the_time_of_a_row(tmp_path: Path) -> None:
    columns = {"tx_date": [f"{each:%Y-%m-%d %H:%M}" for each in _MOMENTS], "day": list(range(ROWS))}
    assert inspected(tmp_path / "t.csv", columns).roles["tx_date"].name == "time"
