"""Evidently's data drift report, for people: no verdict rests on it, because its tests do not know what matters."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.table import Table
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.families.family import ModelFamily
from fusionguard.features.duckdb_engine import connection
from fusionguard.monitoring.distributions import MOST_VALUES, REST
from fusionguard.monitoring.sketch import named

_SEED = 7


def evidently_page(window: pa.Table, reference: pa.Table, family: ModelFamily) -> str:
    """Return Evidently's report on two samples of the family's model features as one HTML page, which needs no network.

    Its PSI bins by width and under-reports heavy tails; the verdict's is by deciles.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")  # it would tell its makers of its use
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently warns of its own libraries
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        held = [_drawable(table, family) for table in (window, reference)]
        # A column without any value on one side has no distribution to draw.
        names = [
            name for name in family.features.model_features if all(table[name].null_count < table.num_rows for table in held)
        ]
        categories = [name for name in names if name in family.features.known]
        definition = DataDefinition(
            numerical_columns=[name for name in names if name not in categories], categorical_columns=categories
        )
        current, before = (Dataset.from_pandas(table.select(names).to_pandas(), data_definition=definition) for table in held)
        snapshot = Report([DataDriftPreset(method="psi")]).run(current, before)
        return str(snapshot.get_html_str(as_iframe=False))


def _drawable(table: pa.Table, family: ModelFamily) -> pa.Table:
    """Put the rarer ones of very many values together, and say where there is none."""
    for name, known in family.features.known.items():
        column = table[name]
        if len(known) > MOST_VALUES:
            told = pc.is_in(column, value_set=pa.array([*known[:MOST_VALUES], OTHER], column.type))
            column = pc.if_else(pc.or_(told, pc.is_null(column)), column, REST)
        table = table.set_column(table.column_names.index(name), name, pc.fill_null(column, "(no value)"))
    return table


def sampled(rows: Table | pa.Table, columns: list[str], wanted: int, *, scratch: Path) -> pa.Table:
    """Draw ``wanted`` rows of some columns, the same each time, without holding all rows; fewer where there are not so many."""
    with connection(scratch) as database:
        source = named(database, rows)
        chosen = ", ".join(f'"{column}"' for column in columns)
        query = f"SELECT {chosen} FROM {source} USING SAMPLE reservoir({wanted} ROWS) REPEATABLE ({_SEED})"
        return database.sql(query).to_arrow_table()
