"""The SQL of a data set's own, from the file beside its declaration to features, requests and bundles."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.faults import DeclarationError
from fusionguard.datasets.own_sql import LARGEST_BYTES
from fusionguard.datasets.reading import parse_declaration, read_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.scoring_rows import scored_columns
from fusionguard.errors import DataError
from fusionguard.families.declared_fields import declared_fields
from fusionguard.features.declared import declared_features
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.duckdb_engine import DuckDBEngine, score_table
from fusionguard.features.maker import FeatureMaker

from .declared_tables import PAYMENTS, PAYMENTS_SQL, made, payments

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "your_data.md"

TEXT = """\
version: 1
name: parcels
problem: fraud
rows: rows.csv
id: number
time: {column: sent at, zone: Europe/Paris}
label: lost
numeric:
  weight kg: {range: [0, 50], missing: allow}
  items: null
categorical: {country: {values: [FR, PT]}}
derived: {per_item: '"weight kg" / items'}
protected: [sex]
private: [phone]
sql:
  rows: own.sql
  features: {evening: sent in the evening, heavy: null}
"""
SQL = """\
SELECT
    CASE WHEN country = 'PT' THEN 2 * weight_kg ELSE weight_kg - 0.5 END AS heavy,
    CAST(clock_seconds % 86400 >= 64800 AS INT) AS evening
FROM raw
"""
ROWS = pa.table(
    {
        "number": ["a", "b", "c", "d"],
        "sent at": ["2026-07-01T15:59:00Z", "2026-07-01T16:00:00Z", "2026-01-02T18:30:00", "2026-01-02T17:30:00"],
        "lost": [0, 1, 0, 0],
        "weight kg": [3.25, 4.0, None, 0.5],
        "items": [1, 2, 0, 5],
        "country": ["FR", "PT", "PT", "XX"],
        "sex": ["f", "m", "f", "m"],
        "phone": ["1", "2", "3", "4"],
    }
)


def _written(folder: Path, sql: str | bytes, text: str = TEXT) -> Path:
    (folder / "own.sql").write_bytes(sql if isinstance(sql, bytes) else sql.encode())
    (folder / "declaration.yaml").write_text(text, encoding="utf-8")
    return folder


def _described(sql: str, text: str = TEXT) -> ResolvedDataset:
    return resolve(parse_declaration(text, sql=sql), ROWS)


def _faults(folder: Path, sql: str | bytes, text: str = TEXT) -> list[tuple[int | None, str]]:
    with pytest.raises(DeclarationError) as caught:
        read_declaration(_written(folder, sql, text))
    return [(fault.line, fault.what) for fault in caught.value.faults]


def _row(definition: FeatureDefinition, **sent: object) -> dict[str, object]:
    maker = FeatureMaker(definition)
    return dict(zip(maker.names, maker.one([sent[name] for name in definition.model_columns]), strict=True))


def test_values_are_those_that_a_person_would_work_out(tmp_path: Path) -> None:
    table = made(PAYMENTS, payments(), tmp_path, PAYMENTS_SQL)
    sent = {"clock_seconds": 7_384.0, "Betrag_in": 14.0, "distance_km": 4.0, "order_2": 7.0, "mcc": None, "group_2": "FR"}
    found = _row(table.definition, **sent, Select_2="2")
    own = ("minute", "km_amount", "grocers", "flags", "odd", "drift")
    assert [found[name] for name in own] == [3.0, 3.5, 14.0, 3.0, 3.0, 14.0 - 0.1 - 42.0 / 7 * 7 - 14]
    found = _row(table.definition, **sent | {"mcc": "Öl", "group_2": None, "distance_km": 0.0, "Betrag_in": 1.005}, Select_2="1")
    assert [found[name] for name in own[:5]] == [3.0, None, -0.5, 0.0, None]
    assert {type(found[name]) for name in ("minute", "grocers", "flags")} == {float}
    assert table.definition.words["minute"] == "minute of the hour" and table.definition.words["odd"] == "odd"
    assert {name: table.definition.made_of[name] for name in own} == {
        "minute": ("clock_seconds",),
        "km_amount": ("distance_km", "Betrag_in"),
        "grocers": ("Betrag_in", "mcc", "group_2"),
        "flags": ("mcc", "Select_2"),
        "odd": ("distance_km", "order_2", "Betrag_in"),
        "drift": ("order_2", "Betrag_in"),
    }


def test_features_stand_where_the_declaration_puts_them_and_read_the_clock_of_the_zone(tmp_path: Path) -> None:
    declared = read_declaration(_written(tmp_path, SQL))
    described = resolve(declared, ROWS)
    assert declared.sql == described.sql == SQL
    definition = declared_features(described)
    assert definition.model_features == ("weight_kg", "items", "per_item", "evening", "heavy", "country")
    nullable = {name for name, node in definition.parsed_rows.outputs.items() if node.nullable}
    assert nullable == {"weight_kg", "per_item", "heavy", "sex"}
    pq.write_table(ROWS, tmp_path / "rows.parquet")
    raw, found = declared_source(declared, str(tmp_path / "rows.parquet")).fetch(tmp_path / "raw")
    assert found.sql == SQL
    built = DuckDBEngine(declared_features(found)).build(raw.table, tmp_path / "built").read()
    # In summer the clock is two hours ahead of UTC. Rows come in the order of time: d, c, a, b.
    assert built["evening"].to_pylist() == [0.0, 1.0, 0.0, 1.0]
    assert built["heavy"].to_pylist() == [0.0, None, 2.75, 8.0]


def test_a_time_is_asked_for_where_the_sql_reads_the_clock_alone() -> None:
    timeless = SQL.replace("clock_seconds % 86400 >= 64800", "items > 3")
    for sql, asked in ((SQL, ["sent at", "weight kg", "items", "country"]), (timeless, ["weight kg", "items", "country"])):
        described = _described(sql)
        definition = declared_features(described)
        fields = declared_fields(described, definition)
        assert [field.name for field in fields.all] == asked
        assert sorted(scored_columns(described, ROWS.column_names)) == sorted(asked)
    reading = {"sent at": "2026-07-01T16:00:00Z", "weight kg": 4.0, "items": 2, "country": "PT"}
    described = _described(SQL)
    values = declared_fields(described, definition := declared_features(described)).row(reading)
    assert dict(zip(definition.model_features, FeatureMaker(definition).one(values), strict=True))["evening"] == 1.0


def test_what_was_resolved_carries_the_text_and_what_has_none_reads_as_before() -> None:
    described = _described(SQL)
    assert ResolvedDataset.from_json(described.to_json()) == described
    assert declared_features(ResolvedDataset.from_json(described.to_json())).rows_text == declared_features(described).rows_text
    plain = resolve(parse_declaration(TEXT[: TEXT.index("sql:")]), ROWS)
    assert '"sql"' not in plain.to_json() and ResolvedDataset.from_json(plain.to_json()) == plain
    with pytest.raises(DataError, match="'parcels' has SQL of its own, whose text is not there"):
        declared_features(described.model_copy(update={"sql": None}))


def test_another_text_is_another_source_and_other_features(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("number\n1\n")
    first = declared_source(read_declaration(_written(tmp_path, SQL)), "auto").fingerprint
    assert declared_source(read_declaration(_written(tmp_path, SQL)), "auto").fingerprint == first
    other = SQL.replace("64800", "64801")
    assert declared_source(read_declaration(_written(tmp_path, other)), "auto").fingerprint != first
    assert declared_features(_described(SQL)).sha256() != declared_features(_described(other)).sha256()


@pytest.mark.parametrize(
    ("sql", "faults"),
    [
        (SQL.replace("- 0.5", "- wait"), [(16, "own.sql, line 2, character 66: there is no column 'wait'. Columns: clock_")]),
        (SQL.replace("2 * ", "lost * "), [(16, "own.sql, line 2, character 35: 'lost' cannot be read here: it is the label")]),
        (
            SQL.replace("2 * ", "phone * per_item + event_seconds + "),
            [
                (16, "own.sql, line 2, character 35: 'phone' cannot be read here: it is private"),
                (16, "own.sql, line 2, character 43: 'per_item' cannot be read here: it is made of columns, too"),
                (16, "own.sql, line 2, character 54: 'event_seconds' cannot be read here: a row that is scored"),
            ],
        ),
        (SQL.replace("2 * ", "sex + "), [(16, "own.sql, line 2, character 35: 'sex' cannot be read here: no model reads this")]),
        (SQL.replace("CAST(", "(").replace(" AS INT)", ")"), [(16, "own.sql, line 3, character 5: 'evening' is a condition")]),
        (SQL.replace("AS evening", "AS late"), [
            (16, "own.sql, line 3, character 5: it defines 'late', and sql.features lists evening, heavy alone. List it there"),
            (17, "sql.features lists 'evening', and own.sql defines heavy, late alone"),
        ]),
        (SQL.replace("country = 'PT'", "1 = 1").replace("weight_kg", "3"), [(16, "own.sql, line 2, character 5: 'heavy' reads")]),
        (SQL.replace("2 * weight_kg", "(" * 58 + "2 * weight_kg" + ")" * 58), []),
        (SQL.replace("2 * weight_kg", "(" * 50 + "2 - " * 50 + "weight_kg" + ")" * 50), []),
        (SQL.replace("2 * weight_kg", "weight_kg" + " - 2 * (items" * 40 + ")" * 40), [
            (16, "own.sql, line 2, character 5: 'heavy' is too much for one expression: more than 60 expressions"),
        ]),
        ("", [(16, "own.sql, line 1, character 1: the text ends where 'SELECT' should stand")]),
        (SQL + "; DROP TABLE raw", [(16, "own.sql, line 5, character 1: one expression, not several statements")]),
        (b"SELECT \xff", [(16, 'sql.rows is "own.sql"; that file is no text in UTF-8; save it as UTF-8')]),
        ("-" * (LARGEST_BYTES + 1), [(16, 'sql.rows is "own.sql"; that file is larger than 64 KB')]),
    ],
)  # fmt: skip
def test_faults_name_the_file_and_the_place_in_it(sql: str | bytes, faults: list[tuple[int, str]], tmp_path: Path) -> None:
    if not faults:
        assert read_declaration(_written(tmp_path, sql)).sql == sql
        return
    found = _faults(tmp_path, sql)
    assert len(found) == len(faults)
    for (line, what), (expected_line, beginning) in zip(found, faults, strict=True):
        assert line == expected_line and what.startswith(beginning), what


def test_faults_of_the_declaration_are_told_beside_those_of_its_sql(tmp_path: Path) -> None:
    text = TEXT.replace("sex", "lost").replace('"weight kg" / items', "lost + items")
    lines = [line for line, _ in _faults(tmp_path, SQL.replace("2 * ", "twice * "), text)]
    assert lines == [12, 13, 16]
    timeless = TEXT.replace("time: {column: sent at, zone: Europe/Paris}\n", "")
    (fault,) = _faults(tmp_path, SQL, timeless)
    assert fault[1].startswith("own.sql, line 3, character 10: 'clock_seconds' cannot be read here: the data set has no time.")


def test_a_row_of_which_no_feature_can_be_made_is_told_without_its_value(tmp_path: Path) -> None:
    table = made(PAYMENTS, payments(), tmp_path, PAYMENTS_SQL.replace("* 3 / 7", "* 3 + CAST(FLOOR(order_2) AS INT)"))
    with pytest.raises(DataError, match="A feature of payments cannot be made of a row: a number is out of the range") as caught:
        score_table(table.definition, table.prepared.read())
    assert not re.search(r"\d{4}", str(caught.value))
    with pytest.raises(DataError, match="Cast to BIGINT or not at all"):
        DuckDBEngine(table.definition).build(Table(table.prepared.path), tmp_path / "built")


def test_the_guides_example_is_read_and_run() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    section = guide[guide.index("### SQL of your own") :]
    declared, sql = re.findall(r"^```(?:yaml|sql)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[:2]
    base = re.findall(r"^```yaml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)[0]
    declaration = parse_declaration(base + declared, sql=sql).declaration
    assert declaration.features[6:8] == ("minute_of_day", "far_abroad")
    row = {
        "booked_at": "2026-11-30T03:12:00",
        "amount": 48.5,
        "distance_km": 700.0,
        "attempts": 1,
        "mcc": "6051",
        "country": "PT",
    }
    there = row | {"payment_id": 1, "chargeback": "Y", "card_token": "t", "age_group": "old"}
    here = there | {"payment_id": 2, "chargeback": "N", "country": "GB", "booked_at": "2026-07-30T03:12:00Z"}
    described = resolve(parse_declaration(base + declared, sql=sql), pa.Table.from_pylist([there, here]))
    definition = declared_features(described)
    fields, maker = declared_fields(described, definition), FeatureMaker(definition)
    found = [
        dict(zip(maker.names, maker.one(fields.row(each)), strict=True)) for each in (row, here, row | {"distance_km": None})
    ]
    assert [each["minute_of_day"] for each in found] == [192.0, 252.0, 192.0]
    assert [each["far_abroad"] for each in found] == [700.0, 0.0, None]
    assert definition.words["far_abroad"] == "distance from home, abroad"
