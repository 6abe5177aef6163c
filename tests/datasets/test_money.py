"""Amounts in several currencies mean the same in training, in tables that are scored and in requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fusionguard.data.table import Table
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.faults import ContradictionError
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.scoring_rows import prepare_rows
from fusionguard.errors import DataError
from fusionguard.families.catalog import model_family
from fusionguard.families.request_fields import BAD
from fusionguard.serving.openapi_schemas import _field
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.requests import RowReader

TEXT = (
    "version: 1\nname: t\nproblem: fraud\nlabel: y\n"
    "amount: {column: paid, currency: GBP, currency_column: cur, rate_column: fx, range: [2, 100]}\n"
)
COLUMNS = ("paid", "cur", "fx")
RIGHT = [(80.0, "GBP", 1.0), (15_000.0, "JPY", 0.005), (12.0, "KWD", 2.5), (3.0, "GBP", None)]
MEANT = [80.0, 75.0, 30.0, 3.0]


def table(*rows: tuple[Any, ...]) -> pa.Table:
    found = {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}
    return pa.table({**found, "y": [1, *[0] * (len(rows) - 1)]})


@pytest.fixture(scope="module")
def described() -> ResolvedDataset:
    return resolve(parse_declaration(TEXT), table(*RIGHT))


def test_a_range_is_of_what_amounts_become(described: ResolvedDataset) -> None:
    assert described.columns["paid"].range == (3.0, 80.0)
    assert prepare_rows(described, table(*RIGHT).select(COLUMNS))["paid"].to_pylist() == MEANT
    reader = RowReader(model_family("fraud").on(described).request_fields)
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in RIGHT]
    assert [reader.one(row).values for row in rows] == [[value] for value in MEANT]
    columns = reader.fields.mixed([field.column([row[field.name] for row in rows]) for field in reader.fields.all])
    assert columns[0]["paid"].tolist() == MEANT and columns[1].tolist() == []
    (paid, *_) = reader.fields.all
    assert _field("T", paid) == {"description": "A finite number, from 2 to 100 in GBP.", "type": "number"}


def test_a_csv_may_leave_the_rate_of_the_models_own_currency_empty(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("paid,cur,fx,y\n80,GBP,,1\n15000,JPY,0.005,0\n3,GBP,1,0\n")
    declared = parse_declaration(TEXT)
    raw = read_declared(declared, tmp_path / "rows.csv", tmp_path / "raw.parquet")
    made = prepare_training(resolve(declared, raw), raw, tmp_path / "made.parquet")
    assert isinstance(made, Table) and sorted(made.read()["paid"].to_pylist()) == [3.0, 75.0, 80.0]


@pytest.mark.parametrize(
    ("row", "trained", "scored", "sent"),
    [
        (
            (80.0, "KWD", 2.5),
            "amount.range is [2, 100] in GBP, and row 1 lies outside (80.0)",
            "Column 'paid' has 1 cell that is out of the range from 2 to 100 in GBP (rows 1)",
            "paid: expected a finite number, from 2 to 100 in GBP, found an amount out of range in GBP.",
        ),
        (
            (101.0, "GBP", None),
            "amount.range is [2, 100] in GBP, and row 1 lies outside (101.0)",
            "Column 'paid' has 1 cell that is out of the range from 2 to 100 in GBP (rows 1)",
            "paid: expected a finite number, from 2 to 100 in GBP, found an amount out of range in GBP.",
        ),
        (
            (50.0, "JPY", None),
            "amount.rate_column is 'fx', and row 1 holds no rate above 0; in another currency than GBP it needs one",
            "Column 'fx' has 1 cell that is no rate above 0, which another currency than GBP needs (rows 1)",
            "fx: expected a finite number, or null, found nothing beside another currency than GBP.",
        ),
        (
            (50.0, "GBP", 0.0),
            "amount.rate_column is 'fx', and row 1 holds no rate above 0 (0.0)",
            "Column 'fx' has 1 cell that is no rate above 0, which another currency than GBP needs (rows 1)",
            "fx: expected a finite number, or null, found a number out of range.",
        ),
        (
            (50.0, "GBP", 1.25),
            "amount.rate_column is 'fx', and row 1, which is in GBP, has another rate than 1 (1.25)",
            "Column 'fx' has 1 cell that is another rate than 1, beside GBP (rows 1)",
            "fx: expected a finite number, or null, found another rate than 1 beside GBP.",
        ),
    ],
)
def test_what_is_refused_is_refused_everywhere(
    row: tuple[Any, ...], trained: str, scored: str, sent: str, described: ResolvedDataset
) -> None:
    with pytest.raises(ContradictionError) as contradicted:
        resolve(parse_declaration(TEXT), table(RIGHT[0], row))
    assert trained in str(contradicted.value)
    with pytest.raises(DataError) as refused:
        prepare_rows(described, table(RIGHT[0], row).select(COLUMNS))
    assert scored in str(refused.value)
    reader = RowReader(model_family("fraud").on(described).request_fields)
    with pytest.raises(ProblemError) as answered:
        reader.one(dict(zip(COLUMNS, row, strict=True)))
    assert answered.value.detail == sent
    fields = reader.fields.all
    both = [dict(zip(COLUMNS, each, strict=True)) for each in (RIGHT[1], row)]
    read = [[field.read(given[field.name]) for given in both] for field in fields]
    if not any(BAD in column for column in read):
        assert reader.fields.mixed([field.column(column) for field, column in zip(fields, read, strict=True)])[1].tolist() == [1]
