"""A model of many columns is asked by tables as wide as its own data set, and by none without an end."""

from __future__ import annotations

import pyarrow as pa
import pytest

from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from fusionguard.serving.openapi import _table
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.tables import ARROW, PARQUET, most_columns, read_table, write_table

NAMES = [f"v{number}" for number in range(203)]


@pytest.fixture(scope="module")
def wide() -> ModelFamily:
    text = f"version: 1\nname: w\nproblem: fraud\nlabel: y\nnumeric: {{{', '.join(f'{name}: null' for name in NAMES)}}}\n"
    table = pa.table({"y": [1, 0], **{name: [place, 2 * place] for place, name in enumerate(NAMES)}})
    return model_family("fraud").on(resolve(parse_declaration(text), table))


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
def test_a_table_as_wide_as_the_data_set_is_read(wide: ModelFamily, kind: str) -> None:
    table = pa.table({"y": [0], **{name: [place + 0.5] for place, name in enumerate(NAMES)}})
    read = read_table(write_table(table, kind), kind, wide, 9)
    assert [column.tolist() for column in read.columns.values()] == [[place + 0.5] for place in range(203)]


def test_the_limit_is_told_and_holds(wide: ModelFamily) -> None:
    assert most_columns(wide.request_fields) == 408 and most_columns(model_family("churn").request_fields) == 200
    table = pa.table({f"c{number}": [1] for number in range(409)})
    with pytest.raises(ProblemError) as refused:
        read_table(write_table(table, ARROW), ARROW, wide, 9)
    told = "table: expected the columns that models read, and 408 columns at most, found 409 columns."
    assert refused.value.detail == told
    assert "408 columns at most" in _table(wide)["schema"]["description"]
