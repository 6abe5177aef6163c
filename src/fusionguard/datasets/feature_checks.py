"""What a table's numbers and categories are, and where they contradict their declaration."""

from __future__ import annotations

from fusionguard.datasets.declaration import Categorical, Numeric, Place
from fusionguard.datasets.declared_values import as_text
from fusionguard.datasets.findings import Findings, and_more
from fusionguard.datasets.resolved import ResolvedCategories, ResolvedColumn, ResolvedType
from fusionguard.datasets.table_rows import Hit, Kind, TableRows, string
from fusionguard.errors import did_you_mean

MOST_VALUES = 10_000
"""Known values that are written down of one categorical column: the most frequent ones."""

_NO_NUMBERS: dict[Kind, str] = {"time": "times", "other": "lists or the like"}


def check_number(
    findings: Findings, rows: TableRows, column: str, place: Place, numeric: Numeric, learned: str
) -> ResolvedColumn:
    """Note where a numeric column contradicts its declaration, and return what it is like.

    ``learned`` is the condition of the rows that its range is read from.
    """
    kind = rows.kinds[column]
    if kind in _NO_NUMBERS:
        findings.add(place, f"holds {_NO_NUMBERS[kind]}; it must hold numbers", column)
        return ResolvedColumn(type="float", missing_rows=0)
    number, empty = rows.number(column), rows.empty(column)
    low, high = numeric.range or (0.0, 0.0)
    outside = f"({number} < {low!r} OR {number} > {high!r})" if numeric.range else "FALSE"
    fraction = f"({number} IS NOT NULL AND {number} <> floor({number}))"
    declared_type = findings.declaration.types.get(column)
    missing, wrong, beyond, broken = rows.hits(column, empty, f"(NOT {empty} AND {number} IS NULL)", outside, fraction)
    if wrong.rows:
        what = "text" if kind == "text" else "an infinite number"
        shown = findings.cell(column, wrong.value)
        findings.add(place, f"holds {what} in row {wrong.row}{shown}{and_more(wrong.rows)}", column, wrong.row)
    _check_missing(findings, rows, column, place, numeric, missing)
    if beyond.rows:
        shown = findings.cell(column, beyond.value)
        what = f"is [{low:.10g}, {high:.10g}], and row {beyond.row} lies outside{shown}{and_more(beyond.rows)}"
        findings.add((*place, "range"), what, column, beyond.row)
    if broken.rows and declared_type == "integer":
        shown = findings.cell(column, broken.value)
        findings.add(("types", column), f"is integer, and row {broken.row} holds a fraction{shown}", column, broken.row)
    least, most, written_whole = rows.fetch(
        f"SELECT MIN({number}) FILTER (WHERE {learned}), MAX({number}) FILTER (WHERE {learned}), "
        f"COALESCE(BOOL_AND({empty} OR {rows.whole(column)}), FALSE) FROM given"
    )[0]
    whole = declared_type == "integer" if declared_type is not None else kind != "float" and bool(written_whole)
    return ResolvedColumn(
        type="integer" if whole else "float", missing_rows=missing.rows, range=None if least is None else (least, most)
    )


def check_categories(
    findings: Findings, rows: TableRows, column: str, categorical: Categorical, learned: str
) -> tuple[ResolvedColumn, ResolvedCategories]:
    """Note where a categorical column contradicts its declaration, and return what it is like and its known values."""
    place: Place = ("categorical", column)
    kind, empty, category = rows.kinds[column], rows.empty(column), rows.category(column)
    number = rows.number(column)
    fraction = f"({number} <> floor({number}))" if kind == "float" else "FALSE"
    missing, broken = rows.hits(column, empty, fraction)
    if kind in _NO_NUMBERS:
        findings.add(place, f"holds {_NO_NUMBERS[kind]}; it must hold texts or whole numbers", column)
    if broken.rows:
        shown = findings.cell(column, broken.value)
        what = f"holds a fraction in row {broken.row}{shown}; declare a number that is measured as numeric"
        findings.add(place, what, column, broken.row)
    _check_missing(findings, rows, column, place, categorical, missing)
    counted = rows.fetch(
        f"SELECT {category} AS value, COUNT(*) AS n FROM given WHERE {learned} AND NOT {empty} "
        "GROUP BY value ORDER BY n DESC, value"
    )
    counts = {str(value): int(n) for value, n in counted}
    declared = None if categorical.values is None else [as_text(value) for value in categorical.values]
    known = list(counts)[:MOST_VALUES] if declared is None else declared
    if categorical.unseen == "refuse":
        _refuse_unseen(findings, rows, column, known, stated=declared is not None)
    type_: ResolvedType = "integer" if kind in ("integer", "float") else "boolean" if kind == "boolean" else "text"
    return (
        ResolvedColumn(type=type_, missing_rows=missing.rows),
        ResolvedCategories(
            values=tuple(known),
            rows=tuple(counts.get(value, 0) for value in known),
            distinct=len(counts) if declared is None else len(known),
        ),
    )


def _refuse_unseen(findings: Findings, rows: TableRows, column: str, known: list[str], *, stated: bool) -> None:
    listed = ", ".join(string(value) for value in known)
    strange = f"(NOT {rows.empty(column)} AND {rows.category(column)} NOT IN ({listed}))" if known else "FALSE"
    (unseen,) = rows.hits(column, strange)
    if unseen.rows:
        shown = findings.cell(column, unseen.value, "category")
        near = did_you_mean(str(unseen.value), known).strip() if shown else ""
        who = "values does not name" if stated else "no row that is learned from holds"
        what = (
            f"is refuse, and row {unseen.row} holds a value{shown} that {who}{and_more(unseen.rows)}{f'. {near}' if near else ''}"
        )
        findings.add(("categorical", column, "unseen"), what, column, unseen.row)


def _check_missing(
    findings: Findings, rows: TableRows, column: str, place: Place, feature: Numeric | Categorical, missing: Hit
) -> None:
    if missing.rows == rows.count:
        findings.add(place, "is empty in every row; there is nothing to learn from it, so add it to ignored", column, missing.row)
    elif missing.rows and feature.missing == "refuse":
        what = f"is refuse, and row {missing.row} is empty{and_more(missing.rows)}; write `missing: allow`, or complete the rows"
        findings.add((*place, "missing"), what, column, missing.row)
