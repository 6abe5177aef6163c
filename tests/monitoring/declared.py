"""Rows of a declared data set as its log has them: features, answers of a made-up model, and times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.family import ModelFamily
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.serving.prediction_log.parts import part_name, write_part
from fusionguard.serving.prediction_log.schema import part_schema
from tests.monitoring.windows import DAY_MICROS, START_MICROS


def declared_family(declaration: Path, folder: Path) -> tuple[ModelFamily, Table]:
    """Return the family on a declared data set, and its prepared rows."""
    declared = find_dataset(str(declaration), family_names())
    raw, described = read_described(declared, "auto", folder, rows=0, seed=7, earliest=1.0)
    return model_family(declared.declaration.problem).on(described), raw.table


def declared_rows(declaration: Path, folder: Path, *, seed: int = 1) -> tuple[ModelFamily, pa.Table]:
    """Return the family on a declared data set, and all its rows in random order: features, label and answers.

    The made-up model flags about one row in ten; its log-odds rise with the first number and with missing texts.
    """
    family, prepared = declared_family(declaration, folder)
    features = family.features
    rows = DuckDBEngine(features).build(prepared, folder / "features").read()
    rng = np.random.default_rng(seed)
    rows = rows.take(pa.array(rng.permutation(rows.num_rows)))
    first = next(name for name in features.model_features if name not in features.known)
    number = np.nan_to_num(rows[first].to_numpy())
    score = -3.0 + number / max(float(number.std()), 1e-9) + 0.3 * rng.standard_normal(rows.num_rows)
    probability = 1 / (1 + np.exp(-score))
    label = rows[features.label]
    rows = rows.select(list(features.model_features)).append_column("label", label.cast(pa.int8()))
    decision = np.where(probability > np.quantile(probability, 0.9), family.flagged, "none")
    for name, values in (("score", score), ("probability", probability), ("decision", decision)):
        rows = rows.append_column(name, pa.array(values))
    return family, rows


def logged_window(rows: pa.Table, *, days: float = 8.0) -> pa.Table:
    """Give rows the times of so many days, in their order."""
    micros = START_MICROS + np.linspace(0, days * DAY_MICROS, rows.num_rows).astype(np.int64)
    return rows.append_column("time", pa.array(micros).cast(pa.timestamp("us", tz="UTC")))


def log_rows(log: Path, family: ModelFamily, rows: pa.Table, version: str, *, first: int = 0) -> None:
    """Write rows as a part of the log of a model; what they lack is left empty, and a feature is left out of the part."""
    schema = part_schema(family)
    lost = [name for name in family.features.model_features if name not in rows.column_names]
    names = [name for name in schema.names if name not in lost]
    told = {
        "request_id": pa.array([f"r-{first + number}" for number in range(rows.num_rows)]),
        "row": pa.array(np.zeros(rows.num_rows, dtype=np.int32)),
        "shadow": pa.array(np.zeros(rows.num_rows, dtype=np.bool_)),
        "model_version": pa.array([version] * rows.num_rows),
        "origin": pa.array(["simulated"] * rows.num_rows),
    } | {name: rows[name] for name in rows.column_names}
    columns = [
        told[name].cast(schema.field(name).type) if name in told else pa.nulls(rows.num_rows, schema.field(name).type)
        for name in names
    ]
    part = pa.table(columns, schema=pa.schema([schema.field(name) for name in names], metadata=schema.metadata))
    folder = log / family.model
    folder.mkdir(parents=True, exist_ok=True)
    write_part(folder / part_name(1, first + rows.num_rows, version[:4]), part)


def replaced(rows: pa.Table, column: str, share: float, value: object, *, seed: int = 4) -> pa.Table:
    """Put a value, or none, into a share of a column's cells."""
    hit = pa.array(np.random.default_rng(seed).random(rows.num_rows) < share)
    kind = rows.schema.field(column).type
    changed = pc.if_else(hit, pa.scalar(value, kind), rows[column])
    return rows.set_column(rows.column_names.index(column), column, changed)


def multiplied(rows: pa.Table, columns: tuple[str, ...], factor: float) -> pa.Table:
    """Multiply columns."""
    for name in columns:
        rows = rows.set_column(rows.column_names.index(name), name, pc.multiply(rows[name], factor))
    return rows


def replace_known(family: ModelFamily, column: str, values: tuple[str, ...]) -> ModelFamily:
    """Return the family with other known values of a text column."""
    features = replace(family.features, known={**family.features.known, column: values})
    return replace(family, features=features)
