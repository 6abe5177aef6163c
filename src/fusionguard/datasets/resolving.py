"""Holds a declaration against a real table: every contradiction is told at once, and what the rows say is written down."""

from __future__ import annotations

import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.datasets.column_facts import missing_rows
from fusionguard.datasets.declaration import Time
from fusionguard.datasets.faults import ContradictionError
from fusionguard.datasets.feature_checks import check_categories, check_numbers
from fusionguard.datasets.findings import Findings
from fusionguard.datasets.label_checks import check_label
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.moment_sql import event
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.resolved import ResolvedCategories, ResolvedColumn, ResolvedDataset, ResolvedType
from fusionguard.datasets.table_checks import (
    check_known,
    check_money,
    check_observed,
    check_presence,
    check_time,
    check_unique,
    repeated_rows,
)
from fusionguard.datasets.table_rows import Kind, TableRows, open_rows

_TYPES: dict[Kind, ResolvedType] = {"integer": "integer", "float": "float", "boolean": "boolean", "time": "timestamp"}


def resolve(
    declared: DeclaredDataset,
    table: Table | pa.Table,
    learned: range | None = None,
    *,
    earliest: float = 1.0,
    strict: bool = True,
) -> ResolvedDataset:
    """Check a declaration against the rows of a table and return it with what was derived from them.

    Parameters
    ----------
    table
        With labels: types may be its own, or all of them texts, as a CSV has them.
    learned
        The numbers of the rows that a model learns from, consecutive; ranges and known values are read from these alone. By
        default all.
    earliest
        The same by time, where there is one: the share of the rows, counted from the first moment on.
    strict
        Whether contradictions are refused and repeated rows counted; else both are left to whoever reads the table next.

    Raises
    ------
    ContradictionError
        The table is not what is declared; ``faults`` say both sides of everything, with the declaration's line and, of the table,
        the column and the first row, from 0. Cells that may say who somebody is are not shown.
    """
    with open_rows(table, declared.declaration.missing_values) as rows:
        return _resolved(declared, rows, learned, earliest, strict)


def _resolved(
    declared: DeclaredDataset, rows: TableRows, learned: range | None, earliest: float, strict: bool
) -> ResolvedDataset:
    findings, declaration = Findings(declared), declared.declaration
    taken = range(rows.count) if learned is None else learned
    condition = "TRUE" if learned is None else f"_row >= {taken.start} AND _row < {taken.stop}"
    absent = check_presence(findings, rows)
    if not rows.count:
        findings.add((), "it describes rows, and the table has none")
        raise ContradictionError(declared.file, findings.faults)
    if earliest < 1 and declaration.time is not None and declaration.time.column in rows.kinds:
        condition = _before(rows, declaration.time, earliest)
    measured = {column: each for column, each in declaration.measured.items() if column in rows.kinds}
    columns = check_numbers(findings, rows, measured, condition)
    categories: dict[str, ResolvedCategories] = {}
    for column, categorical in declaration.categorical.items():
        if column in rows.kinds:
            columns[column], categories[column] = check_categories(findings, rows, column, categorical, condition)
    currency = None
    if declaration.amount is not None:
        currency = check_money(findings, rows, declaration.amount)
    if declaration.time is not None and declaration.time.column in rows.kinds:
        check_time(findings, rows, declaration.time, ("time",))
    check_known(findings, rows)
    check_observed(findings, rows)
    check_unique(findings, rows)
    label = check_label(findings, rows) if declaration.label.column in rows.kinds else None
    if label is None or (strict and findings.faults):
        raise ContradictionError(declared.file, findings.faults)
    columns |= _plain(declared, rows, [column for column in rows.kinds if column not in columns])
    return ResolvedDataset(
        declaration=declaration,
        rows=rows.count,
        learned_rows=(taken.start, taken.stop),
        columns={column: columns[column] for column in rows.kinds},
        categories=categories,
        label=label,
        currency=currency,
        absent=absent,
        repeated_rows=repeated_rows(rows) if strict and declaration.id is None else 0,  # rows with ids of their own differ
        sql=declared.sql,
    )


def _before(rows: TableRows, time: Time, share: float) -> str:
    """Return the condition that a row is among a share of them, the earliest ones; those of one moment stay together."""
    moment = event(rows, time)
    last = rows.fetch(f"SELECT quantile_disc({moment}, {share!r}) FROM given")[0][0]
    return "TRUE" if last is None else f"({moment} <= {last!r})"


def _plain(declared: DeclaredDataset, rows: TableRows, names: list[str]) -> dict[str, ResolvedColumn]:
    """Return what columns are like that no model reads."""
    types, layout = declared.declaration.types, raw_layout(declared.declaration).columns
    return {
        column: ResolvedColumn(type=types.get(column) or _TYPES.get(rows.kinds[column]) or layout[column], missing_rows=missing)
        for column, missing in missing_rows(rows, names).items()
    }
