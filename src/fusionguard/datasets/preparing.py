"""Prepares the rows of a declared data set: one currency, one clock, known categories, numbers, and an outcome of 0 or 1.

Everything behind this, features, models, service and monitoring, reads prepared columns (:mod:`prepared_names`) and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.data.table import CARRIED, CARRIED_NAME, Table
from fusionguard.datasets.category_sql import category
from fusionguard.datasets.declaration import Declaration, Known, Time
from fusionguard.datasets.declared_values import as_text
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.history_checks import short_table
from fusionguard.datasets.history_sql import entity_text
from fusionguard.datasets.moment_sql import clock, event, known_time
from fusionguard.datasets.money_sql import number
from fusionguard.datasets.prepared_names import CLOCK, EVENT, GROUP, KNOWN, TOLD, prepared_names
from fusionguard.datasets.remembering import REMEMBERED, PastEngine, remember
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.table_rows import TableRows, open_rows, quoted, string
from fusionguard.files import atomic_path

_log = logging.getLogger("fusionguard.source")

PLACE = "row"
"""What the place of a row in its source is called."""
_OWNERS = "numbered_owners"
_BATCH_ROWS = 1 << 17
_NEARLY_ALL = 0.99
"""After the delay within which so many of the dated outcomes were known, the others are too few to distort a share."""


def prepare_training(described: ResolvedDataset, raw: Table, destination: Path, engine: PastEngine | None = None) -> Table:
    """Write the prepared rows of a raw table to a file: those with a label, in order of time where there is one.

    Without a time they are shuffled, the same rows always alike: those of one value of the first entity lie beside each other,
    and those with a positive label are spread evenly, so that any run of rows is a fair sample. What the owner calls a row is
    carried over: the declared id, or without one its place in the source, from 0.

    ``engine`` finds what windows remember; None for DuckDB.
    """
    declaration = described.declaration
    with (
        TemporaryDirectory(dir=destination.parent, prefix=".remembering-") as folder,
        open_rows(raw, declaration.missing_values) as rows,
        atomic_path(destination) as temporary,
    ):
        outcome = label(described, rows)
        columns = dict(prepared_columns(described, rows))
        columns |= remember(declaration, rows, outcome, Path(folder), engine=engine)
        if declaration.windows and (short := short_table(declaration, rows)):
            _log.warning("%s", short)
        columns |= dict(_training_columns(described, rows))
        owners = _number_owners(described, rows)
        own = declaration.id if declaration.id is not None and declaration.id in rows.kinds else None
        columns[CARRIED] = f"CAST({'_row' if own is None else quoted(own)} AS VARCHAR)"
        order = columns[EVENT] if EVENT in columns else _shuffled(_owner(declaration, rows), outcome)
        which = f"{owners} WHERE ({outcome}) IS NOT NULL ORDER BY {order}, _row"
        write_prepared(rows, columns, temporary, which, own or PLACE)
    return Table(destination)


def prepared_columns(described: ResolvedDataset, rows: TableRows) -> Iterator[tuple[str, str]]:
    """Yield the prepared columns that features are made of, each with its SQL over the raw rows."""
    declaration = described.declaration
    names = prepared_names(declaration)
    if declaration.time is not None and described.reads_clock:
        yield CLOCK, clock(rows, declaration.time)
    for column in declaration.measured:
        yield names[column], number(declaration, rows, column) if column in rows.kinds else "CAST(NULL AS DOUBLE)"
    for column in declaration.categorical:
        yield names[column], category(described, rows, column) if column in rows.kinds else "CAST(NULL AS VARCHAR)"


def _training_columns(described: ResolvedDataset, rows: TableRows) -> Iterator[tuple[str, str]]:
    declaration = described.declaration
    names = prepared_names(declaration)
    if declaration.time is not None:
        yield EVENT, event(rows, declaration.time)
    if declaration.label.known is not None and declaration.time is not None:
        yield KNOWN, _known(rows, declaration.label.known, declaration.time, label(described, rows))
        if declaration.label.known.column is not None:
            yield TOLD, _told(rows, declaration.label.known, declaration.time)
    if _owner(declaration, rows) is not None:
        yield GROUP, f"{_OWNERS}._fg_number"
    for column in declaration.protected:
        if column not in declaration.bands and column not in declaration.features and column in rows.kinds:
            group = f"CASE WHEN NOT {rows.empty(column)} THEN {rows.category(column)} END"
            yield names[column], rows.number(column) if column in declaration.banded else group
    yield names[declaration.label.column], label(described, rows)


def _known(rows: TableRows, known: Known, time: Time, outcome: str) -> str:
    """Return the SQL of the second from which on an outcome counts as known; nothing where that is not before the data ends.

    Where a column dates outcomes, it is often filled for positive ones alone, and a positive one is there sooner than the
    certainty that a row will not become one. So no outcome counts before those of its time are there, of either class: the delay
    within which ``_NEARLY_ALL`` of the dated ones were known, of the slower class. That leaves positive and negative rows out
    alike, dated or not; the longest delay would let one late outcome keep back all rows.
    """
    moment = event(rows, time)
    if known.after is not None:
        second, end = f"{moment} + {duration_seconds(known.after)}", f"MAX({moment})"
    else:
        own = event(rows, known_time(known, time))
        slowest = (f"quantile_disc({own} - {moment}, {_NEARLY_ALL}) FILTER (WHERE ({outcome}) = {each})" for each in (0, 1))
        second = f"GREATEST({own}, {moment} + (SELECT GREATEST({', '.join(slowest)}) FROM given))"  # it passes over nothing
        end = f"GREATEST(MAX({moment}), MAX({own}))"
    return f"CASE WHEN {second} <= (SELECT {end} FROM given) THEN {second} END"


def _told(rows: TableRows, known: Known, time: Time) -> str:
    """Return the SQL of the second in which a dated outcome itself was told, that of the row at the earliest; else nothing."""
    moment, own = event(rows, time), event(rows, known_time(known, time))
    return f"CASE WHEN ({own}) IS NOT NULL THEN CEIL(GREATEST({own}, {moment})) END"


def _owner(declaration: Declaration, rows: TableRows) -> str | None:
    """Return the SQL of a text that says whose a row is, and whose order means nothing; a row of nobody is one of its own."""
    listed = [] if declaration.owner is None else [declaration.owner, *declaration.entities]
    entity = next((each for each in listed if set(declaration.columns_of(each)) <= rows.kinds.keys()), None)
    if entity is None:
        return None
    return f"md5(COALESCE('value ' || {entity_text(rows, declaration.columns_of(entity))}, 'row ' || _row))"


def _number_owners(described: ResolvedDataset, rows: TableRows) -> str:
    """Number the owners of rows with a label from 0; return the join that puts them beside the rows, if there are any."""
    owner = _owner(described.declaration, rows)
    if owner is None:
        return ""
    there = f"SELECT DISTINCT {owner} AS _fg_owner FROM given WHERE ({label(described, rows)}) IS NOT NULL"
    numbered = f"SELECT _fg_owner, ROW_NUMBER() OVER (ORDER BY _fg_owner) - 1 AS _fg_number FROM ({there})"
    rows.database.execute(f"CREATE TEMP TABLE {_OWNERS} AS {numbered}")
    return f"JOIN {_OWNERS} ON {_OWNERS}._fg_owner = {owner}"


def _shuffled(owner: str | None, label: str) -> str:
    """Return what to order rows by: owners with a positive row and those without, each in the order of a digest, side by side."""
    key = owner or "md5(CAST(_row AS VARCHAR))"
    stratum = f"({label}) = 1" if owner is None else f"{owner} IN (SELECT {owner} FROM given WHERE ({label}) = 1)"
    passed = f"RANK() OVER (PARTITION BY {stratum} ORDER BY {key}) / COUNT(*) OVER (PARTITION BY {stratum})"
    return f"{passed}, {key}"


def label(described: ResolvedDataset, rows: TableRows) -> str:
    """Return the SQL of the outcome, 0 or 1; nothing where it is not known."""
    column = described.declaration.label.column
    if column not in rows.kinds:
        return "CAST(NULL AS BIGINT)"
    written = rows.category(column)
    positive, negative = (
        ", ".join(string(as_text(value)) for value in values) or "NULL"
        for values in (described.label.positive, described.label.negative)
    )
    return f"CAST(CASE WHEN {written} IN ({positive}) THEN 1 WHEN {written} IN ({negative}) THEN 0 END AS BIGINT)"


def write_prepared(
    rows: TableRows, columns: Mapping[str, str], file: Path, which: str = "ORDER BY _row", carried: str | None = None
) -> None:
    """Write columns, by name with their SQL, of the rows that ``which`` says; with the carried one what its owner calls it."""
    listed = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())
    source = f"given JOIN {REMEMBERED} USING (_row)" if f"{REMEMBERED}." in listed else "given"
    batches = rows.database.sql(f"SELECT {listed} FROM {source} {which}").to_arrow_reader(_BATCH_ROWS)
    schema = batches.schema
    if (place := schema.get_field_index(CARRIED)) >= 0:
        schema = schema.set(place, schema.field(place).with_metadata({CARRIED_NAME: str(carried).encode()}))
    with pq.ParquetWriter(file, schema, compression="snappy") as writer:
        for batch in batches:
            writer.write_batch(pa.record_batch(batch.columns, schema=schema))
