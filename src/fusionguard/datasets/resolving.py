"""Holds a declaration against a real table: every contradiction is told at once, and what the rows say is written down."""

from __future__ import annotations

import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.datasets.declaration import Time
from fusionguard.datasets.faults import ContradictionError
from fusionguard.datasets.feature_checks import check_categories, check_number
from fusionguard.datasets.findings import Findings
from fusionguard.datasets.label_checks import check_label
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.resolved import ResolvedCategories, ResolvedColumn, ResolvedDataset, ResolvedType
from fusionguard.datasets.table_checks import check_known, check_money, check_presence, check_time, check_unique
from fusionguard.datasets.table_rows import Kind, TableRows, open_rows, string

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
        Whether contradictions are refused; else they are left to whoever reads the table next.

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
    columns: dict[str, ResolvedColumn] = {}
    categories: dict[str, ResolvedCategories] = {}
    for column, (place, numeric) in declaration.measured.items():
        if column in rows.kinds:
            columns[column] = check_number(findings, rows, column, place, numeric, condition)
    for column, categorical in declaration.categorical.items():
        if column in rows.kinds:
            columns[column], categories[column] = check_categories(findings, rows, column, categorical, condition)
    currency = None
    if declaration.amount is not None:
        currency = check_money(findings, rows, declaration.amount)
    if declaration.time is not None and declaration.time.column in rows.kinds:
        check_time(findings, rows, declaration.time, ("time",))
    check_known(findings, rows)
    check_unique(findings, rows)
    label = check_label(findings, rows) if declaration.label.column in rows.kinds else None
    if label is None or (strict and findings.faults):
        raise ContradictionError(declared.file, findings.faults)
    return ResolvedDataset(
        declaration=declaration,
        rows=rows.count,
        learned_rows=(taken.start, taken.stop),
        columns={column: columns.get(column) or _plain(declared, rows, column) for column in rows.kinds},
        categories=categories,
        label=label,
        currency=currency,
        absent=absent,
    )


def _before(rows: TableRows, time: Time, share: float) -> str:
    """Return the condition that a row is among a share of them, the earliest ones; those of one moment stay together."""
    moment = rows.moment(time)
    last = rows.fetch(f"SELECT CAST(quantile_disc({moment}, {share!r}) AS VARCHAR) FROM given")[0][0]
    if last is None:
        return "TRUE"
    return f"({moment} <= {last})" if time.unit else f"({moment} <= TIMESTAMP {string(str(last))})"


def _plain(declared: DeclaredDataset, rows: TableRows, column: str) -> ResolvedColumn:
    """Return what a column is like that no model reads."""
    (missing,) = rows.hits(column, rows.empty(column))
    stored = _TYPES.get(rows.kinds[column])
    kind = stored if stored is not None else raw_layout(declared.declaration).columns[column]
    return ResolvedColumn(type=declared.declaration.types.get(column) or kind, missing_rows=missing.rows)
