"""Raw rows of a declared data set that are to be scored: which columns they need, and what is wrong with a cell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from fusionguard.data.ingest import raw_header, read_raw
from fusionguard.data.table import CARRIED, Table
from fusionguard.datasets.category_sql import is_unseen
from fusionguard.datasets.declaration import Categorical, Declaration, Numeric, Time
from fusionguard.datasets.declared_values import LARGEST_NUMBER
from fusionguard.datasets.history_sql import events_columns, events_query
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.moment_sql import known_time, no_moment, observed_time
from fusionguard.datasets.moments import expected_time
from fusionguard.datasets.money_sql import no_rate, number, other_rate
from fusionguard.datasets.preparing import label, prepared_columns, write_prepared
from fusionguard.datasets.remembering import PastEngine, remember
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.shown_cells import wrong_cells
from fusionguard.datasets.table_rows import TableRows, open_rows, quoted, string
from fusionguard.errors import DataError
from fusionguard.files import atomic_path

_ROWS_NAMED = 5

Check = tuple[str, str, str]
"""A column, the condition that a cell of it is wrong, and what such cells are."""


def scored_columns(described: ResolvedDataset, there: Collection[str]) -> list[str]:
    """Return the raw columns that must be in a table to be scored, and those optional ones that are ``there``."""
    declaration, known, time = described.declaration, described.declaration.label.known, described.declaration.time
    columns = [*declaration.measured, *declaration.categorical]
    if time is not None and (described.reads_clock or declaration.windows):
        columns.append(time.column)
    spared = {declaration.id, declaration.label.column, *(() if known is None else (known.column,))}
    spared |= set() if time is None else {time.observed}
    columns += [name for name in events_columns(declaration) if name not in columns and (name not in spared or name in there)]
    amount = declaration.amount
    if amount is not None:
        columns += [each for each in (amount.currency_column, amount.rate_column) if each is not None]
    return [name for name in columns if name not in declaration.optional or name in there]


def prepare_rows(described: ResolvedDataset, raw: pa.Table) -> pa.Table:
    """Return the prepared columns that features are made of, for every row of a table and in its order.

    Parameters
    ----------
    raw
        The columns of :func:`scored_columns`, in whatever types; others are not looked at.

    Raises
    ------
    DataError
        A cell is not what is declared; the message names its column and rows, from 0, and shows no cell.
    """
    if described.declaration.windows:
        raise DataError(
            f"The models of {described.declaration.name} read what happened before each row, which rows in memory do not say.",
            "Score a file with `fusionguard score --history`, or ask a service.",
        )
    with open_rows(raw, described.declaration.missing_values) as rows:
        _refuse(rows, [each for each in _checks(described, rows) if each[0] != CARRIED])
        columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in prepared_columns(described, rows))
        return rows.database.sql(f"SELECT {columns} FROM given ORDER BY _row").to_arrow_table()


def prepare_file(
    described: ResolvedDataset,
    raw: Table,
    destination: Path,
    earlier: Table | None = None,
    *,
    files: tuple[str, str] | None = None,
    engine: PastEngine | None = None,
) -> tuple[Table, dict[str, int]]:
    """Write the same of a table on disk to a file, a part of the rows at a time; raise as :func:`prepare_rows` does.

    Parameters
    ----------
    earlier
        The rows that happened before, in the columns of :func:`~.history_sql.events_columns`, which windows see besides those of
        ``raw``; of two rows with one id, that of ``raw`` counts.
    files
        What messages call the files of the rows and of the earlier ones; None where there is one file alone.
    engine
        What finds what windows remember; None for DuckDB.

    Returns
    -------
    The prepared rows, and by column how many cells hold a category that no model has seen and none refuses.
    """
    declaration = described.declaration
    with (
        TemporaryDirectory(dir=destination.parent, prefix=".remembering-") as folder,
        open_rows(raw, declaration.missing_values) as rows,
        atomic_path(destination) as temporary,
    ):
        own, before = ("", "") if files is None else (f" of {name}" for name in files)
        _refuse(rows, [each for each in _checks(described, rows) if each[0] != CARRIED], own)
        unseen = _count_unseen(described, rows)
        columns = dict(prepared_columns(described, rows))
        if declaration.windows:
            seen = None if earlier is None else _earlier(described, earlier, rows, Path(folder) / "events.parquet", before)
            outcome = label(described, rows) if declaration.label.column in rows.kinds else None
            columns |= remember(declaration, rows, outcome, Path(folder), earlier=seen, engine=engine)
        write_prepared(rows, columns, temporary)
    return Table(destination), unseen


def read_earlier(described: ResolvedDataset, file: Path, destination: Path) -> Table:
    """Read what events are made of from the file of rows that happened before; the id may be missing.

    Raises
    ------
    UsageError, DataError
        As :func:`~fusionguard.data.ingest.read_raw` raises them.
    """
    declaration = described.declaration
    layout = raw_layout(declaration)
    there = raw_header(file, layout)[0]
    needed = [name for name in events_columns(declaration) if name in there or name != declaration.id]
    return read_raw(file, layout, destination, only=needed)


@contextmanager
def open_events(described: ResolvedDataset, earlier: Table, where: str = "") -> Iterator[tuple[TableRows, str]]:
    """Open rows that :func:`read_earlier` read; yield them and the query of their events.

    ``_id`` is what the declared id says, nothing where there is none. Raises DataError where a cell is not what is declared;
    ``where`` is what messages say behind a column's name.
    """
    declaration = described.declaration
    with open_rows(earlier, declaration.missing_values) as rows:
        _refuse(rows, [each for each in _checks(described, rows) if each[0] in events_columns(declaration)], where)
        events = events_query(declaration, rows, label(described, rows) if declaration.label.column in rows.kinds else None)
        yield rows, f"SELECT * FROM ({events}) JOIN (SELECT _row, {_own_id(declaration, rows)} AS _id FROM given) USING (_row)"


def _earlier(described: ResolvedDataset, earlier: Table, scored: TableRows, destination: Path, where: str) -> str:
    """Write the events of earlier rows to a file, and return the query of those that are not among the rows that are scored."""
    with open_events(described, earlier, where) as (rows, events):
        rows.database.execute(f"COPY ({events}) TO {string(str(destination))} (FORMAT parquet)")
    own, others = _own_id(described.declaration, scored), ""
    if described.declaration.id in scored.kinds:
        others = f" WHERE _id IS NULL OR _id NOT IN (SELECT {own} FROM given WHERE {own} IS NOT NULL)"
    return f"SELECT CAST(NULL AS BIGINT) AS _row, * EXCLUDE (_row, _id) FROM read_parquet({string(str(destination))}){others}"


def _own_id(declaration: Declaration, rows: TableRows) -> str:
    """Return the SQL of what the owner calls a row."""
    name = declaration.id
    if name is None or name not in rows.kinds:
        return "CAST(NULL AS VARCHAR)"
    return f"(CASE WHEN NOT {rows.empty(name)} THEN {rows.category(name)} END)"


def _count_unseen(described: ResolvedDataset, rows: TableRows) -> dict[str, int]:
    columns = [name for name in described.declaration.categorical if name in rows.kinds]
    if not columns:
        return {}
    counted = ", ".join(f"COUNT(*) FILTER (WHERE {is_unseen(described, rows, name)})" for name in columns)
    counts = rows.fetch(f"SELECT {counted} FROM given")[0]
    return {name: int(count) for name, count in zip(columns, counts, strict=True) if count}


def _refuse(rows: TableRows, checks: Sequence[Check], where: str = "") -> None:
    counts = rows.fetch(f"SELECT {', '.join(f'COUNT(*) FILTER (WHERE {wrong})' for _, wrong, _ in checks) or '0'} FROM given")
    for (column, wrong, what), count in zip(checks, counts[0], strict=False):
        if count:
            query = f"SELECT _row FROM given WHERE {wrong} ORDER BY _row LIMIT {_ROWS_NAMED}"
            named = ", ".join(str(row) for (row,) in rows.fetch(query))
            raise DataError(
                f"Column '{column}'{where} has {wrong_cells(count)} {what} (rows {named}).",
                "Correct or remove these rows; row 0 is the first row of data.",
            )


def _checks(described: ResolvedDataset, rows: TableRows) -> Iterator[Check]:
    declaration = described.declaration
    for column, (_, numeric) in declaration.measured.items():
        if column in rows.kinds:
            yield from _number_checks(declaration, rows, column, numeric)
    for column, categorical in declaration.categorical.items():
        if column in rows.kinds:
            yield from _category_checks(described, rows, column, categorical)
    if declaration.time is not None and (described.reads_clock or declaration.windows):
        yield declaration.time.column, _no_moment(rows, declaration.time), f"not {expected_time(declaration.time)}"
    known = declaration.label.known
    if declaration.windows and declaration.time is not None and known is not None and known.column in rows.kinds:
        dated = known_time(known, declaration.time)
        wrong = f"(NOT {rows.empty(dated.column)} AND {no_moment(rows, dated)})"
        yield dated.column, wrong, f"not {expected_time(dated)}"
    if declaration.windows and declaration.time is not None and declaration.time.observed in rows.kinds:
        arrived = observed_time(declaration.time)
        wrong = f"(NOT {rows.empty(arrived.column)} AND {no_moment(rows, arrived)})"
        yield arrived.column, wrong, f"not {expected_time(arrived)}"
    yield from _money_checks(described, rows)


def _number_checks(declaration: Declaration, rows: TableRows, column: str, numeric: Numeric) -> Iterator[Check]:
    written, empty = rows.number(column), rows.empty(column)
    if numeric.missing == "refuse":
        yield column, empty, "empty"
    yield column, f"(NOT {empty} AND {written} IS NULL)", "not a number"
    told = number(declaration, rows, column)
    if numeric.range is not None or told != written:
        low, high = numeric.range or (-LARGEST_NUMBER, LARGEST_NUMBER)
        currency = "" if told == written or declaration.amount is None else f" in {declaration.amount.currency}"
        outside = f"({told} BETWEEN {low!r} AND {high!r}) IS FALSE"
        yield column, outside, f"out of the range from {low:.15g} to {high:.15g}{currency}"
    if declaration.types.get(column) == "integer":
        yield column, f"({written} <> floor({written}))", "not a whole number"


def _category_checks(described: ResolvedDataset, rows: TableRows, column: str, categorical: Categorical) -> Iterator[Check]:
    empty = rows.empty(column)
    if rows.kinds[column] in ("time", "other"):
        yield column, f"NOT {empty}", "not a category, but a time or a list"
    if categorical.missing == "refuse":
        yield column, empty, "empty"
    if categorical.unseen == "refuse":
        yield column, is_unseen(described, rows, column), "not one of the known categories"


def _no_moment(rows: TableRows, time: Time) -> str:
    """Return the condition that a cell holds no such time as is declared."""
    wrong = no_moment(rows, time)
    if time.range is None:
        return wrong
    low, high = time.range
    return f"({wrong} OR ({rows.number(time.column)} BETWEEN {low!r} AND {high!r}) IS NOT TRUE)"


def _money_checks(described: ResolvedDataset, rows: TableRows) -> Iterator[Check]:
    amount = described.declaration.amount
    if amount is None or amount.currency_column is None:
        return
    column = amount.currency_column
    code = f"COALESCE({rows.category(column)}, '')"
    if amount.rate_column is None:
        own = string(str(described.currency))
        yield column, f"({code} <> {own})", f"not in {described.currency}, in which all amounts are"
        return
    yield column, f"NOT regexp_full_match({code}, '[A-Z]{{3}}')", "no currency's three letters"
    if wrong := no_rate(amount, rows):
        yield amount.rate_column, wrong, f"no rate above 0, which another currency than {amount.currency} needs"
    if wrong := other_rate(amount, rows):
        yield amount.rate_column, wrong, f"another rate than 1, beside {amount.currency}"
