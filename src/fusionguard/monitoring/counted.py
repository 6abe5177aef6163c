"""References of counted rows: exact shares, segments, an alert rate and a sample, which a profile alone does not have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Floats, Integers
from fusionguard.families.family import ModelFamily
from fusionguard.features.duckdb_engine import connection
from fusionguard.monitoring.distributions import (
    CategoryReference,
    Counts,
    NumberReference,
    category_reference,
    number_reference,
)
from fusionguard.monitoring.reference import PROBABILITY, Reference, optional_features, uneven
from fusionguard.monitoring.sketch import Sketch, named, read_sketch

_PERCENTILES = [step / 100 for step in range(101)]


def table_reference(
    rows: Table | pa.Table,
    family: ModelFamily,
    *,
    scratch: Path,
    time: str | None = None,
    span_seconds: int = SECONDS_PER_DAY,
    seed: int = 7,
) -> Reference:
    """Make a reference, bins and all, of rows: the champion's feature table with its answers, or a window known to be healthy.

    Of rows in order of time this is what keeps quiet windows quiet: the train slice that a profile tells of is the earliest part
    of the data and shows other hours, and so other amounts and components, than whole days do. Every row counts once: where
    negatives were sampled, keep positives at the same rate to have the real prior.

    Parameters
    ----------
    rows
        As in :func:`~.sketch.read_sketch`; a number that may be missing, and is in all rows, is left out.
    family
        The model family.
    scratch, time, span_seconds, seed
        As there.

    Raises
    ------
    DataError
        No rows, a column is missing, or one that may not be has no values.
    """
    known, words = family.features.known, family.features.words
    names = [name for name in (*family.features.model_features, PROBABILITY) if name not in known]
    numbers = {
        name: number_reference(name, values, words=words.get(name, ""))
        for name, values in _percentiles(rows, names, scratch).items()
    }
    if empty := [name for name in names if name not in numbers and name not in optional_features(family.features)]:
        raise DataError(f"The reference has no values in {', '.join(empty)}.", "Choose rows that have some.")
    bare = Reference(
        family=family,
        rows=1,
        numbers={name: number for name, number in numbers.items() if name != PROBABILITY},
        categories={
            name: category_reference(
                name, dict.fromkeys(known[name], 0.0), gathered=name in family.features.gathered, words=words.get(name, "")
            )
            for name in family.features.model_features
            if name in known
        },
        probability=numbers[PROBABILITY],
    )
    return as_reference(bare, read_sketch(rows, bare, scratch=scratch, time=time, span_seconds=span_seconds, seed=seed))


def as_reference(reference: Reference, sketch: Sketch) -> Reference:
    """Return ``reference`` with the shares, segments, alert rate and sample of counted rows: its training table, scored, or a
    window that is known to be healthy. The bins stay what they were, and a sketch made with either suits both.

    Raises
    ------
    DataError
        The sketch has no rows.
    """
    total = sketch.total
    if total.rows == 0:
        raise DataError("A window without rows cannot be a reference.", "Choose one with rows.")
    return replace(
        reference,
        rows=total.rows,
        numbers={name: _counted_number(number, total) for name, number in reference.numbers.items()},
        categories={name: _counted_category(category, total) for name, category in reference.categories.items()},
        probability=_counted_number(reference.probability, total),
        flagged=(total.flagged, total.rows),
        segments=dict(sketch.segments),
        sample=sketch.sample,
        unjudged=uneven(reference.family, sketch.seconds),
    )


def _counted_number(number: NumberReference, counts: Counts) -> NumberReference:
    shares = _shares(counts.bins[number.name])
    missing = counts.missing[number.name] / counts.rows
    return replace(number, shares=number.shares if shares is None else shares, resolution=0.0, missing=missing)


def _counted_category(category: CategoryReference, counts: Counts) -> CategoryReference:
    found = counts.categories[category.name]
    shares, missing, unseen = _shares(found[:-1]), counts.missing[category.name] / counts.rows, int(found[-1]) / counts.rows
    return replace(category, shares=category.shares if shares is None else shares, missing=missing, unseen=unseen)


def _shares(counts: Integers) -> Floats | None:
    return counts / counts.sum() if counts.sum() else None


def _percentiles(rows: Table | pa.Table, names: list[str], scratch: Path) -> dict[str, Floats]:
    with connection(scratch) as database:
        source = named(database, rows)
        absent = [name for name in names if name not in database.sql(f"SELECT * FROM {source} LIMIT 0").columns]
        if absent:
            raise DataError(f"The reference lacks the columns {', '.join(absent)}.", "Give features and answers.")
        found = {}
        for name in names:
            value = f'CAST("{name}" AS DOUBLE)'
            query = f"SELECT quantile_disc({value}, {_PERCENTILES}) FROM {source} WHERE isfinite({value})"
            found[name] = database.sql(query).fetchall()[0][0]
        return {name: np.array(values, dtype=np.float64) for name, values in found.items() if values is not None}
