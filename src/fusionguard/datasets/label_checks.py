"""What a table's labels mean, and where they contradict their declaration."""

from __future__ import annotations

from fusionguard.datasets.declared_values import Scalar, as_text, same_label
from fusionguard.datasets.findings import Findings, and_more
from fusionguard.datasets.resolved import ResolvedLabel
from fusionguard.datasets.table_rows import TableRows

_MOST_VALUES = 100
_SHOWN = 5
_YES, _NO = ("1", "true"), ("0", "false")


def check_label(findings: Findings, rows: TableRows) -> ResolvedLabel:
    """Note where the labels contradict their declaration, and return which values mean what, with how many rows."""
    label = findings.declaration.label
    column = label.column
    empty = rows.empty(column)
    found = rows.fetch(
        f"SELECT {rows.category(column)} AS value, COUNT(*), MIN(_row) FROM given WHERE NOT {empty} "
        f"GROUP BY 1 ORDER BY MIN(_row) LIMIT {_MOST_VALUES + 1}"
    )
    (missing,) = rows.hits(column, empty)
    if missing.rows and label.missing == "refuse":
        what = (
            f"is refuse, and row {missing.row} has no label{and_more(missing.rows)}; write `missing: leave_out`, or complete it"
        )
        findings.add(("label", "missing"), what, column, missing.row)
    if len(found) > _MOST_VALUES:
        findings.add(("label", "column"), f"is '{column}', which holds more than {_MOST_VALUES} different values", column)
        found = []
    rows_of = {str(value): int(count) for value, count, _ in found}
    positive = [value for value in rows_of if same_label(value) in _wanted(label.positive, _YES)]
    negative = [value for value in rows_of if same_label(value) in _wanted(label.negative, _NO)]
    if label.negative is None and label.positive is not None:
        negative = [value for value in rows_of if value not in positive]
    strange = next(((str(value), row) for value, _, row in found if value not in (*positive, *negative)), None)
    if strange is not None and label.positive is None:
        what = f"is missing, and '{column}' holds {_listed(findings, rows_of)}; say which of them mean yes"
        findings.add(("label", "positive"), what, column, strange[1])
    elif strange is not None:
        shown = findings.cell(column, strange[0], "category")
        what = f"leaves out a value that row {strange[1]} holds{shown}; it is neither positive nor negative"
        findings.add(("label", "negative"), what, column, strange[1])
    elif found and not (positive and negative):
        side, key = ("positive", "positive") if not positive else ("negative", "column")
        said = getattr(label, key)
        words = f"is {', '.join(map(as_text, said))}" if isinstance(said, tuple) else f"is '{column}'"
        findings.add(("label", key), f"{words}, and no row is {side}; the column holds {_listed(findings, rows_of)}", column)
    counts = [sum(rows_of[value] for value in values) for values in (positive, negative)]
    resolved = ResolvedLabel(
        positive=tuple(positive),
        negative=tuple(negative),
        positive_rows=counts[0],
        negative_rows=counts[1],
        unlabelled_rows=missing.rows,
    )
    _check_share(findings, resolved)
    return resolved


def _check_share(findings: Findings, resolved: ResolvedLabel) -> None:
    label, kept = findings.declaration.label, findings.declaration.sampling.negatives_kept
    whole = resolved.positive_rows + resolved.negative_rows / kept
    if label.share is None or not resolved.positive_rows or not resolved.negative_rows:
        return
    share, (low, high) = resolved.positive_rows / whole, label.share
    if not low <= share <= high:
        weighted = f" (each negative row stands for {1 / kept:.4g})" if kept < 1 else ""
        what = f"is [{low:g}, {high:g}], and {share:.4g} of the rows are positive{weighted}"
        findings.add(("label", "share"), what, label.column)


def _wanted(declared: tuple[Scalar, ...] | None, otherwise: tuple[str, ...]) -> set[str]:
    return set(otherwise) if declared is None else {same_label(as_text(value)) for value in declared}


def _listed(findings: Findings, rows_of: dict[str, int]) -> str:
    column = findings.declaration.label.column
    shown = [f"{count:,} x{findings.cell(column, value, 'category')}" for value, count in list(rows_of.items())[:_SHOWN]]
    return f"{', '.join(shown)}{' and others' if len(rows_of) > _SHOWN else ''}"
