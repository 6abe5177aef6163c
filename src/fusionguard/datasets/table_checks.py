"""Where a table's columns, times, money and ids contradict their declaration."""

from __future__ import annotations

from fusionguard.datasets.declaration import Amount, Declaration, Place, Time
from fusionguard.datasets.findings import Findings, and_more
from fusionguard.datasets.moment_sql import event, known_time, no_moment, observed_time
from fusionguard.datasets.money_sql import no_rate, other_rate
from fusionguard.datasets.table_rows import TableRows, quoted
from fusionguard.errors import nearest

_MOST_GROUPS = 100
_LISTS = ("ignored", "protected", "private", "unique")
_NEEDED = ("time", "amount", "label", "entities")


def check_presence(findings: Findings, rows: TableRows) -> tuple[str, ...]:
    """Note columns that are missing or not declared, and return the optional ones that the table lacks."""
    declaration, there = findings.declaration, list(rows.kinds)
    absent = [column for column in declaration.columns if column not in there]
    extra = [column for column in there if column not in declaration.columns]
    meant = set()
    for column in absent:
        if column not in declaration.optional:
            place = column_place(declaration, column)
            # A list may name a column that has a role; what has a role of its own is under another name among the strangers.
            near = nearest(column, there if place[0] in _LISTS else extra)
            meant.add(near)
            what = f"needs the column '{column}', which the table lacks{_may_lack(declaration, column, place)}"
            findings.add(place, f"{what}. Did you mean '{near}'?" if near else what, column)
    if strangers := [column for column in extra if column not in meant]:  # the others are told where they are misspelt
        shown = ", ".join(f"'{column}'" for column in strangers[:8])
        more = f" and {len(strangers) - 8} more" if len(strangers) > 8 else ""
        what = f"the column {shown}{more}, which the table has; declare it, or add it to ignored"
        if declaration.ignored:
            findings.add(("ignored",), f"names no role of {what}", strangers[0])
        else:
            findings.add((), f"it names no role of {what}", strangers[0])
    return tuple(column for column in absent if column in declaration.optional)


def check_time(findings: Findings, rows: TableRows, time: Time, place: Place) -> None:
    """Note times that are none, lie outside their range, or go back where they must not."""
    column, kind = time.column, rows.kinds[time.column]
    if time.unit and kind == "time":
        findings.add((*place, "unit"), f"is {time.unit}, and the column holds timestamps; leave the unit away", column)
        return
    if not time.unit and not time.format and kind in ("integer", "float"):
        what = f"is '{column}', which holds numbers; say their unit, or a format such as %Y%m%d"
        findings.add((*place, "column"), what, column)
        return
    if kind in ("boolean", "other"):
        findings.add((*place, "column"), f"is '{column}', which holds no times", column)
        return
    moment, empty, number = event(rows, time), rows.empty(column), rows.number(column)
    low, high = time.range or (0.0, 0.0)
    outside = f"({number} < {low!r} OR {number} > {high!r})" if time.range else "FALSE"
    missing, wrong, beyond = rows.hits(column, empty, f"(NOT {empty} AND {no_moment(rows, time)})", outside)
    if missing.rows and place == ("time",):
        what = f"is '{column}', and row {missing.row} has no time{and_more(missing.rows)}"
        findings.add((*place, "column"), what, column, missing.row)
    if wrong.rows:
        shown = findings.cell(column, wrong.value, "time")
        key = "format" if time.format else "unit" if time.unit else "column"
        said = {"format": f'is "{time.format}"', "unit": f"is {time.unit}", "column": f"is '{column}'"}[key]
        what = f"{said}, and row {wrong.row} holds no such time{shown}{and_more(wrong.rows)}"
        findings.add((*place, key), what, column, wrong.row)
    if beyond.rows:
        shown = findings.cell(column, beyond.value)
        what = f"is [{low:.10g}, {high:.10g}], and row {beyond.row} lies outside{shown}{and_more(beyond.rows)}"
        findings.add((*place, "range"), what, column, beyond.row)
    if time.ordered:
        earlier = f"SELECT _row, {moment} < LAG({moment}) OVER (ORDER BY _row) AS back FROM given"
        count, row = rows.fetch(f"SELECT COUNT(*), MIN(_row) FROM ({earlier}) WHERE back")[0]
        if count:
            what = f"is true, and row {row} is earlier than the row before{and_more(count)}"
            findings.add((*place, "ordered"), what, column, row)


def check_known(findings: Findings, rows: TableRows) -> None:
    """Note labels that were known before their row happened, and where none is dated."""
    declaration = findings.declaration
    known, time = declaration.label.known, declaration.time
    if known is None or known.column is None or time is None or known.column not in rows.kinds:
        return
    dated = known_time(known, time)
    check_time(findings, rows, dated, ("label", "known"))
    (empty,) = rows.hits(known.column, rows.empty(known.column))
    if empty.rows == rows.count:
        what = f"is '{known.column}', and no row has a time there; say how long it takes, such as {{after: 14d}}, or remove known"
        findings.add(("label", "known", "column"), what, known.column)
    elif time.column in rows.kinds:
        (early,) = rows.hits(known.column, f"({event(rows, dated)} < {event(rows, time)})")
        if early.rows:
            what = f"is '{known.column}', and row {early.row} knows its label before it happened{and_more(early.rows)}"
            findings.add(("label", "known", "column"), what, known.column, early.row)


def check_observed(findings: Findings, rows: TableRows) -> None:
    """Note rows that arrived before they happened."""
    time = findings.declaration.time
    if time is None or time.observed not in rows.kinds or time.column not in rows.kinds:
        return
    arrived, column = observed_time(time), str(time.observed)
    empty, wrong = rows.empty(column), no_moment(rows, arrived)
    unread, early = rows.hits(
        column, f"(NOT {empty} AND {wrong})", f"(NOT {empty} AND {event(rows, arrived)} < {event(rows, time)})"
    )
    if unread.rows:
        shown = findings.cell(column, unread.value, "time")
        what = f"is '{column}', and row {unread.row} holds no such time as the rows' own is{shown}{and_more(unread.rows)}"
        findings.add(("time", "observed"), what, column, unread.row)
    if early.rows:
        what = f"is '{column}', and row {early.row} arrived before it happened{and_more(early.rows)}"
        findings.add(("time", "observed"), what, column, early.row)


def check_money(findings: Findings, rows: TableRows, amount: Amount) -> str | None:
    """Note several currencies without rates and rates that are none, and return the currency of all amounts."""
    column = amount.currency_column
    if column is None or column not in rows.kinds:
        return amount.currency
    empty, code = rows.empty(column), rows.category(column)
    query = f"SELECT {code} AS code, COUNT(*), MIN(_row) FROM given WHERE NOT {empty} GROUP BY 1 ORDER BY MIN(_row)"
    found = [(str(value), int(count), int(row)) for value, count, row in rows.fetch(f"{query} LIMIT {_MOST_GROUPS}")]
    missing, strange = rows.hits(column, empty, f"(NOT {empty} AND NOT regexp_full_match({code}, '[A-Z]{{3}}'))")
    if strange.rows:
        shown = findings.cell(column, strange.value, "category")
        what = f"is '{column}', and row {strange.row} holds no currency's three letters{shown}{and_more(strange.rows)}"
        findings.add(("amount", "currency_column"), what, column, strange.row)
        return amount.currency
    if missing.rows:
        what = f"is '{column}', and row {missing.row} has no currency{and_more(missing.rows)}"
        findings.add(("amount", "currency_column"), what, column, missing.row)
    currency = amount.currency or (found[0][0] if found else None)
    if amount.rate_column is None:
        others = [each for each in found if each[0] != currency]
        if others:
            value, _, row = others[0]
            shown, count = findings.cell(column, value, "category"), sum(rows for _, rows, _ in others)
            what = f"is '{column}', which holds another currency than {currency} in row {row}{shown}{and_more(count)}; "
            remedy = "declare a rate_column and the currency into which it converts, or keep one currency"
            findings.add(("amount", "currency_column"), f"{what}{remedy}", column, row)
    elif amount.rate_column in rows.kinds:
        name = amount.rate_column
        none, other = rows.hits(name, no_rate(amount, rows) or "FALSE", other_rate(amount, rows) or "FALSE")
        if none.rows:
            shown = (
                f"; in another currency than {currency} it needs one" if none.value is None else findings.cell(name, none.value)
            )
            what = f"is '{name}', and row {none.row} holds no rate above 0{shown}{and_more(none.rows)}"
            findings.add(("amount", "rate_column"), what, name, none.row)
        if other.rows:
            shown = findings.cell(name, other.value)
            what = (
                f"is '{name}', and row {other.row}, which is in {currency}, has another rate than 1{shown}{and_more(other.rows)}"
            )
            findings.add(("amount", "rate_column"), what, name, other.row)
    return currency


def check_unique(findings: Findings, rows: TableRows) -> None:
    """Note ids and other unique columns with a value that is there twice, and ids that are empty; no value is shown."""
    declaration = findings.declaration
    places: list[tuple[str, Place]] = [(column, ("unique", at)) for at, column in enumerate(declaration.unique)]
    for column, place in [*([(declaration.id, ("id",))] if declaration.id else []), *places]:
        if column not in rows.kinds:
            continue
        name, empty = quoted(column), rows.empty(column)
        (missing,) = rows.hits(column, empty)
        if missing.rows and place == ("id",):
            findings.add(place, f"is '{column}', and row {missing.row} has none{and_more(missing.rows)}", column, missing.row)
        values = rows.fetch(f"SELECT COUNT(DISTINCT {name}) FROM given WHERE NOT {empty}")[0][0]
        if values == rows.count - missing.rows:
            continue
        twice = "SELECT MIN(_row) AS first, MIN(_row) FILTER (WHERE _row > least) AS second FROM "
        ranked = f"(SELECT _row, {name} AS value, MIN(_row) OVER (PARTITION BY {name}) AS least FROM given WHERE NOT {empty})"
        found = rows.fetch(f"{twice}{ranked} GROUP BY value HAVING COUNT(*) > 1 ORDER BY second LIMIT 1")
        if found:
            first, second = found[0]
            findings.add(place, f"is '{column}', and rows {first} and {second} hold the same value", column, second)


def repeated_rows(rows: TableRows) -> int:
    """Return how many rows are the same as an earlier one in every column, by a hash of 64 bits."""
    columns = ", ".join(map(quoted, rows.kinds))
    return int(rows.fetch(f"SELECT COUNT(*) - COUNT(DISTINCT hash({columns})) FROM given")[0][0])


def column_place(declaration: Declaration, column: str) -> Place:
    """Return the place that gives a column its role or, where it has none, that of the list that names it."""
    for name, place in declaration.mentions():
        if name == column:
            return place
    for key in ("protected", "private", "unique"):
        if column in (values := getattr(declaration, key)):
            return (key, values.index(column))
    return ()


def _may_lack(declaration: Declaration, column: str, place: Place) -> str:
    """Say how a column may be left away, where every row does not need it."""
    if place[0] in _NEEDED:
        return ""
    feature = declaration.numeric.get(column) or declaration.categorical.get(column)
    allow = ", with `missing: allow`" if feature is not None and feature.missing == "refuse" else ""
    return f"; if tables may lack it, add it to optional{allow}"
