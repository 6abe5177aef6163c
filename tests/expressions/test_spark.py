"""Random expressions mean the same on Spark: NaN, negative zeros, NULLs, remainders and the borders of integers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.expressions.expression import parse_expression, parse_rows
from fusionguard.expressions.tree import RawColumn
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.spark_engine import SparkEngine

from .engines import REFUSED, bits, by_row
from .random_expressions import COLUMNS, RandomText, hostile_table

WANTED = 150


@pytest.mark.long
@pytest.mark.full
@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17 for Spark")
def test_random_expressions_agree_with_spark(tmp_path: Path) -> None:
    writer, raw = RandomText(77), hostile_table(40, 77)
    written = {"place": "CAST(place AS BIGINT)"}
    while len(written) <= WANTED:
        sql = parse_expression(writer.feature(), COLUMNS).sql()
        if REFUSED not in by_row(parse_rows(f"SELECT {sql} AS made FROM raw", COLUMNS), raw, ["made"]):
            written[f"made_{len(written)}"] = sql
    columns = COLUMNS | {"place": RawColumn("integer")}
    text = "SELECT " + ",\n".join(f"{sql} AS {name}" for name, sql in written.items()) + "\nFROM raw"
    definition = FeatureDefinition(
        dataset="random",
        schema_version=1,
        label="place",
        column_types={},
        model_features=(),
        raw=columns,
        rows_text=text,
        training_set_text=f"SELECT {', '.join(written)} FROM random_rows ORDER BY place",
        positives="",
        negatives="",
        rows="",
        segmentations=(),
        log_segmentations=(),
        limits={},
        row_column="place",
    )
    pq.write_table(raw, tmp_path / "raw.parquet")
    made = SparkEngine(definition).build(Table(tmp_path / "raw.parquet"), tmp_path / "spark").read()
    for name in list(written)[1:]:
        rows = parse_rows(f"SELECT {written[name]} AS made FROM raw", COLUMNS)
        expected = [bits(row[0]) for row in by_row(rows, raw, ["made"])]
        assert [bits(value) for value in made[name].to_pylist()] == expected, written[name]
