"""What a table's numbers and categories are, and where they contradict their declaration."""

from __future__ import annotations

from collections.abc import Mapping

from fusionguard.data.csv_form import number_remedy
from fusionguard.datasets.cells import Spelling, spelled, spelling_of
from fusionguard.datasets.column_facts import NumberFacts, category_facts, number_facts
from fusionguard.datasets.declaration import Categorical, Numeric, Place
from fusionguard.datasets.declared_values import LARGEST_NUMBER, as_text
from fusionguard.datasets.findings import Findings, and_more
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.missing_words import missing_words_remedy
from fusionguard.datasets.money_sql import number
from fusionguard.datasets.resolved import ResolvedCategories, ResolvedColumn, ResolvedType
from fusionguard.datasets.table_rows import Kind, TableRows, string
from fusionguard.errors import did_you_mean

MOST_VALUES = 10_000
"""Known values that are written down of one categorical column: the most frequent ones."""

_NO_NUMBERS: dict[Kind, str] = {"time": "times", "other": "lists or the like"}


def check_numbers(
    findings: Findings, rows: TableRows, measured: Mapping[str, tuple[Place, Numeric]], learned: str
) -> dict[str, ResolvedColumn]:
    """Note where numeric columns contradict their declaration, and return what each is like.

    ``learned`` is the condition of the rows that their ranges are read from. All columns are looked at in a few passes; a fault
    costs one more, which finds its row.
    """
    found: dict[str, ResolvedColumn] = {}
    readable: list[str] = []
    for column, (place, _) in measured.items():
        if (kind := rows.kinds[column]) in _NO_NUMBERS:
            findings.add(place, f"holds {_NO_NUMBERS[kind]}; it must hold numbers", column)
            found[column] = ResolvedColumn(type="float", missing_rows=0)
        else:
            readable.append(column)
    types, amount = findings.declaration.types, findings.declaration.amount
    money = [amount.column] if amount is not None and amount.rate_column is not None and amount.column in readable else []
    converted = {column: number(findings.declaration, rows, column) for column in money}
    for column, facts in number_facts(rows, readable, learned, converted).items():
        _check_number(findings, rows, column, *measured[column], facts)
        whole = types[column] == "integer" if column in types else rows.kinds[column] != "float" and facts.written_whole
        bounds = None if facts.learned_least is None or facts.learned_most is None else (facts.learned_least, facts.learned_most)
        found[column] = ResolvedColumn(type="integer" if whole else "float", missing_rows=facts.missing, range=bounds)
    return {column: found[column] for column in measured}


def _check_number(findings: Findings, rows: TableRows, column: str, place: Place, numeric: Numeric, facts: NumberFacts) -> None:
    written, empty = rows.number(column), rows.empty(column)
    if facts.wrong:
        no_number = f"(NOT {empty} AND {written} IS NULL)"
        (wrong,) = rows.hits(column, no_number)
        what = "text" if rows.kinds[column] == "text" else "an infinite number"
        shown = findings.cell(column, wrong.value)
        told = f"holds {what} in row {wrong.row}{shown}{and_more(wrong.rows)}"
        remedy = number_remedy(wrong.value, raw_layout(findings.declaration).form) if isinstance(wrong.value, str) else ""
        if not remedy and rows.kinds[column] == "text":
            remedy = missing_words_remedy(findings, rows, column, numeric, no_number)
        findings.add(place, f"{told}. {remedy}" if remedy else told, column, wrong.row)
    _check_missing(findings, rows, column, place, numeric, facts.missing)
    told, money = number(findings.declaration, rows, column), findings.declaration.amount
    low, high = numeric.range or (-LARGEST_NUMBER, LARGEST_NUMBER)
    if (numeric.range is not None or told != written) and facts.beyond(low, high):
        (beyond,) = rows.hits(column, f"({told} < {low!r} OR {told} > {high!r})")
        shown = findings.cell(column, beyond.value)
        currency = "" if told == written or money is None else f" in {money.currency}"
        what = f"is [{low:.10g}, {high:.10g}]{currency}, and row {beyond.row} lies outside{shown}{and_more(beyond.rows)}"
        findings.add((*place, "range"), what, column, beyond.row)
    if findings.declaration.types.get(column) == "integer" and not facts.whole:
        (broken,) = rows.hits(column, f"({written} <> floor({written}))")
        shown = findings.cell(column, broken.value)
        findings.add(("types", column), f"is integer, and row {broken.row} holds a fraction{shown}", column, broken.row)


def check_categories(
    findings: Findings, rows: TableRows, column: str, categorical: Categorical, learned: str
) -> tuple[ResolvedColumn, ResolvedCategories]:
    """Note where a categorical column contradicts its declaration, and return what it is like and its known values."""
    place: Place = ("categorical", column)
    kind = rows.kinds[column]
    if kind in _NO_NUMBERS:
        findings.add(place, f"holds {_NO_NUMBERS[kind]}; it must hold texts or whole numbers", column)
    if kind == "float":
        found = rows.number(column)
        (broken,) = rows.hits(column, f"({found} <> floor({found}))")
        if broken.rows:
            shown = findings.cell(column, broken.value)
            what = f"holds a fraction in row {broken.row}{shown}; declare a number that is measured as numeric"
            findings.add(place, what, column, broken.row)
    if categorical.values is None:
        declared, spelling = None, rows.spelling(column)
    else:
        written = [as_text(value) for value in categorical.values]
        spelling = spelling_of(written)
        declared = tuple(dict.fromkeys(spelled(text, spelling) for text in written))
    facts = category_facts(rows, column, spelling, learned, declared, MOST_VALUES)
    _check_missing(findings, rows, column, place, categorical, facts.missing)
    if categorical.unseen == "refuse":
        _refuse_unseen(findings, rows, column, spelling, tuple(facts.known), stated=declared is not None)
    type_: ResolvedType = "integer" if kind in ("integer", "float") else "boolean" if kind == "boolean" else "text"
    return (
        ResolvedColumn(type=type_, missing_rows=facts.missing),
        ResolvedCategories(
            values=tuple(facts.known),
            rows=tuple(facts.known.values()),
            distinct=facts.distinct if declared is None else len(facts.known),
            spelling=spelling,
        ),
    )


def _refuse_unseen(
    findings: Findings, rows: TableRows, column: str, spelling: Spelling, known: tuple[str, ...], *, stated: bool
) -> None:
    listed = ", ".join(string(value) for value in known)
    strange = f"(NOT {rows.empty(column)} AND {rows.category(column, spelling)} NOT IN ({listed}))" if known else "FALSE"
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
    findings: Findings, rows: TableRows, column: str, place: Place, feature: Numeric | Categorical, missing: int
) -> None:
    if missing == rows.count:
        findings.add(place, "is empty in every row; there is nothing to learn from it, so add it to ignored", column, 0)
    elif missing and feature.missing == "refuse":
        (hit,) = rows.hits(column, rows.empty(column))
        what = f"is refuse, and row {hit.row} is empty{and_more(hit.rows)}; write `missing: allow`, or complete the rows"
        findings.add((*place, "missing"), what, column, hit.row)
