"""Random expressions mean the same in DuckDB, for one row and for many, whatever the values."""

from __future__ import annotations

import pytest

from fusionguard.expressions.expression import parse_expression, parse_rows

from .engines import assert_agree
from .random_expressions import COLUMNS, RandomText, hostile_table

BATCHES, IN_A_BATCH = 6, 12


@pytest.mark.parametrize("seed", range(BATCHES))
def test_random_expressions_agree_with_duckdb(seed: int) -> None:
    writer, raw = RandomText(seed), hostile_table(25, seed)
    refused = 0
    for _ in range(IN_A_BATCH):
        written = parse_expression(writer.feature(), COLUMNS).sql()
        text = f"SELECT {written} AS made FROM raw"
        refused += assert_agree(text, parse_rows(text, COLUMNS), raw)
    assert refused < 25 * IN_A_BATCH / 2
