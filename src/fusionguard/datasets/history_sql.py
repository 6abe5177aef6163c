"""The SQL of what windows remember: of every row, what had happened and was known of its entities before.

It reads a table of events: ``_row``, which tells them apart; ``second``, when the row happened, and ``known``, when its outcome
becomes known, in whole seconds; ``positive``, the outcome; ``e_ENTITY``, whose it is; and ``n0``, ``n1`` ..., the numbers
remembered, in whole hundredths. All that it adds up are whole numbers, so that every engine finds the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.history import (
    HUNDREDTHS,
    LARGEST_HUNDREDTHS,
    MOST_OTHERS,
    OF_OUTCOMES,
    Memory,
    Span,
    entities_of,
    memories,
    numbers_of,
)
from fusionguard.datasets.moment_sql import event, known_time
from fusionguard.datasets.money_sql import number
from fusionguard.datasets.table_rows import TableRows

EVENTS, REMEMBERED = "events", "remembered"
"""The tables of events and of what is found of them."""


def events_query(declaration: Declaration, rows: TableRows, outcome: str | None) -> str:
    """Return the query of the events of raw rows; ``outcome`` is the SQL of their label, None where they have none."""
    plan, time = memories(declaration), declaration.time
    if time is None:
        raise ValueError("windows need a time")
    moment = f"CAST(FLOOR({event(rows, time)}) AS BIGINT)"
    columns = {"_row": "_row", "second": moment}
    known = declaration.label.known
    if known is not None and known.after is not None:  # what nobody has told by then counts as negative, as in a state
        told = "CAST(0 AS BIGINT)" if outcome is None else f"COALESCE({outcome}, 0)"
        columns |= {"known": f"{moment} + {duration_seconds(known.after)}", "positive": told}
    elif outcome is None or known is None:
        columns |= {"known": "CAST(NULL AS BIGINT)", "positive": "CAST(NULL AS BIGINT)"}
    else:
        dated = known.column in rows.kinds
        own = f"CAST(CEIL({event(rows, known_time(known, time))}) AS BIGINT)" if dated else "CAST(NULL AS BIGINT)"
        columns |= {"known": own, "positive": outcome}
    for entity in entities_of(plan):
        column = declaration.entities[entity]
        columns[f"e_{entity}"] = f"CASE WHEN NOT {rows.empty(column)} THEN {rows.category(column)} END"
    for place, column in enumerate(numbers_of(plan)):
        columns[f"n{place}"] = _hundredths(number(declaration, rows, column))
    return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in columns.items())} FROM given"


def events_columns(declaration: Declaration) -> list[str]:
    """Return the raw columns that events are made of, the outcome's among them, and the id; none where there are no windows."""
    plan, time, amount, label = memories(declaration), declaration.time, declaration.amount, declaration.label
    if not plan:
        return []
    columns = [declaration.id, None if time is None else time.column, *(declaration.entities[each] for each in entities_of(plan))]
    columns += numbers_of(plan)
    if amount is not None and amount.column in columns:
        columns += [amount.currency_column, amount.rate_column]
    if any(each.kind in OF_OUTCOMES for each in plan):
        columns += [label.column, None if label.known is None else label.known.column]
    return list(dict.fromkeys(each for each in columns if each is not None))


def history_query(plan: Sequence[Memory], source: str = EVENTS) -> str:
    """Return the query of everything in a plan, of each event in the table ``source``: ``_row``, then a column for each memory.

    What is remembered of an entity is nothing where a row does not say which it is.
    """
    numbers = {column: f"n{place}" for place, column in enumerate(numbers_of(plan))}
    of_rows = [each for each in plan if each.kind not in OF_OUTCOMES]
    columns = ", ".join(["_row", *(f"{_over_rows(each, numbers)} AS {each.name}" for each in of_rows)])
    query, joined = f"SELECT {columns} FROM {source}", ""
    of_outcomes: dict[str, list[Memory]] = defaultdict(list)
    for each in plan:
        if each.kind in OF_OUTCOMES:
            of_outcomes[each.entity].append(each)
    for entity, asked in of_outcomes.items():
        joined += f" JOIN ({_outcomes(entity, asked, source)}) AS o_{entity} USING (_row)"
    listed = ", ".join(["_row", *(each.name for each in plan)])
    return f"SELECT {listed} FROM ({query}) AS r{joined}"


def _over_rows(memory: Memory, numbers: Mapping[str, str]) -> str:
    key, other, read = f"e_{memory.entity}", f"e_{memory.of}", numbers.get(memory.of)
    window = f"OVER (PARTITION BY {key} ORDER BY second {_frame(memory.span, 'second', '1 PRECEDING')})"
    before = "ORDER BY second RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    last_met = f"MAX(second) OVER (PARTITION BY {key}, {other} {before})"
    found = {
        "rows": f"COUNT(*) {window}",
        "met": f"CAST(COALESCE({last_met} >= second - ({_since(memory.span, 'second')}), FALSE) AS BIGINT)",
        "others": f"LEAST(COUNT(DISTINCT {other}) {window}, {MOST_OTHERS})",
        "values": f"COUNT({read}) {window}",
        "hundredths": f"CAST(COALESCE(SUM({read}) {window}, 0) AS BIGINT)",
        "largest": f"MAX({read}) {window}",
        "last": f"second - MAX(second) {window}",
    }[memory.kind]
    known = f"{key} IS NOT NULL AND {other} IS NOT NULL" if memory.kind == "met" else f"{key} IS NOT NULL"
    return f"CASE WHEN {known} THEN {found} END"


def _outcomes(entity: str, asked: Sequence[Memory], source: str) -> str:
    """Return the query of outcomes that became known before the present tile, in one stream with the rows that ask for them."""
    key = f"e_{entity}"
    stream = (
        f"SELECT _row, second AS moment, {key}, 0 AS outcome, 0 AS positive FROM {source}"
        f" UNION ALL SELECT NULL, known, {key}, 1, positive FROM {source}"
        " WHERE known IS NOT NULL AND positive IS NOT NULL"
    )
    columns = ["_row"]
    for each in asked:
        summed = "outcome" if each.kind == "known" else "positive"
        frame = _frame(each.span, "moment", f"({_in_tile(each.span, 'moment')} + 1) PRECEDING")
        found = f"CAST(COALESCE(SUM({summed}) OVER (PARTITION BY {key} ORDER BY moment {frame}), 0) AS BIGINT)"
        columns.append(f"CASE WHEN {key} IS NOT NULL THEN {found} END AS {each.name}")
    return f"SELECT * FROM (SELECT {', '.join(columns)} FROM ({stream}) AS stream) AS told WHERE _row IS NOT NULL"


def _frame(span: Span, second: str, end: str) -> str:
    return f"RANGE BETWEEN ({_since(span, second)}) PRECEDING AND {end}"


def _since(span: Span, second: str) -> str:
    """Return how many seconds ago the tile began that lies a span back."""
    return f"{_in_tile(span, second)} + {span.seconds}"


def _in_tile(span: Span, second: str) -> str:
    """Return how many seconds ago the present tile began."""
    return f"{second} - CAST(FLOOR({second} / {span.tile_seconds}) AS BIGINT) * {span.tile_seconds}"


def _hundredths(number: str) -> str:
    bounded = f"GREATEST(LEAST(FLOOR({number} * {HUNDREDTHS}e0 + 0.5e0), {LARGEST_HUNDREDTHS}), -{LARGEST_HUNDREDTHS})"
    return f"CASE WHEN ({number}) IS NOT NULL THEN CAST({bounded} AS BIGINT) END"
