"""Raw rows of a declared data set that are to be scored: which columns they need, and what is wrong with a cell."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa

from fusionguard.data.table import CARRIED, Table
from fusionguard.datasets.category_sql import is_unseen
from fusionguard.datasets.declaration import Categorical, Declaration, Numeric, Time
from fusionguard.datasets.declared_values import LARGEST_NUMBER
from fusionguard.datasets.moment_sql import no_moment
from fusionguard.datasets.moments import expected_time
from fusionguard.datasets.money_sql import no_rate, number, other_rate
from fusionguard.datasets.preparing import prepared_columns, write_prepared
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.table_rows import TableRows, open_rows, quoted, string
from fusionguard.errors import DataError
from fusionguard.files import atomic_path

_ROWS_NAMED = 5

Check = tuple[str, str, str]
"""A column, the condition that a cell of it is wrong, and what such cells are."""


def scored_columns(described: ResolvedDataset, there: Collection[str]) -> list[str]:
    """Return the raw columns that must be in a table to be scored, and those optional ones that are ``there``."""
    declaration = described.declaration
    columns = [*declaration.measured, *declaration.categorical]
    if declaration.time is not None and described.reads_clock:
        columns.append(declaration.time.column)
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
    with open_rows(raw, described.declaration.missing_values) as rows:
        _refuse(described, rows)
        columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in prepared_columns(described, rows))
        return rows.database.sql(f"SELECT {columns} FROM given ORDER BY _row").to_arrow_table()


def prepare_file(described: ResolvedDataset, raw: Table, destination: Path) -> tuple[Table, dict[str, int]]:
    """Write the same of a table on disk to a file, a part of the rows at a time; raise as :func:`prepare_rows` does.

    Returns
    -------
    The prepared rows, and by column how many cells hold a category that no model has seen and none refuses.
    """
    with open_rows(raw, described.declaration.missing_values) as rows, atomic_path(destination) as temporary:
        _refuse(described, rows)
        unseen = _count_unseen(described, rows)
        write_prepared(rows, dict(prepared_columns(described, rows)), temporary)
    return Table(destination), unseen


def _count_unseen(described: ResolvedDataset, rows: TableRows) -> dict[str, int]:
    columns = [name for name in described.declaration.categorical if name in rows.kinds]
    if not columns:
        return {}
    counted = ", ".join(f"COUNT(*) FILTER (WHERE {is_unseen(described, rows, name)})" for name in columns)
    counts = rows.fetch(f"SELECT {counted} FROM given")[0]
    return {name: int(count) for name, count in zip(columns, counts, strict=True) if count}


def _refuse(described: ResolvedDataset, rows: TableRows) -> None:
    checks = [each for each in _checks(described, rows) if each[0] != CARRIED]
    counts = rows.fetch(f"SELECT {', '.join(f'COUNT(*) FILTER (WHERE {wrong})' for _, wrong, _ in checks) or '0'} FROM given")
    for (column, wrong, what), count in zip(checks, counts[0], strict=False):
        if count:
            query = f"SELECT _row FROM given WHERE {wrong} ORDER BY _row LIMIT {_ROWS_NAMED}"
            named = ", ".join(str(row) for (row,) in rows.fetch(query))
            raise DataError(
                f"Column '{column}' has {count} cells that are {what} (rows {named}).",
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
    if declaration.time is not None and described.reads_clock:
        yield declaration.time.column, _no_moment(rows, declaration.time), f"not {expected_time(declaration.time)}"
    yield from _money_checks(described, rows)


def _number_checks(declaration: Declaration, rows: TableRows, column: str, numeric: Numeric) -> Iterator[Check]:
    written, empty = rows.number(column), rows.empty(column)
    if numeric.missing == "refuse":
        yield column, empty, "empty"
    yield column, f"(NOT {empty} AND {written} IS NULL)", "no numbers"
    told = number(declaration, rows, column)
    if numeric.range is not None or told != written:
        low, high = numeric.range or (-LARGEST_NUMBER, LARGEST_NUMBER)
        currency = "" if told == written or declaration.amount is None else f" in {declaration.amount.currency}"
        outside = f"({told} BETWEEN {low!r} AND {high!r}) IS FALSE"
        yield column, outside, f"out of the range from {low:.15g} to {high:.15g}{currency}"
    if declaration.types.get(column) == "integer":
        yield column, f"({written} <> floor({written}))", "no whole numbers"


def _category_checks(described: ResolvedDataset, rows: TableRows, column: str, categorical: Categorical) -> Iterator[Check]:
    empty = rows.empty(column)
    if rows.kinds[column] in ("time", "other"):
        yield column, f"NOT {empty}", "no categories, but times or lists"
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
