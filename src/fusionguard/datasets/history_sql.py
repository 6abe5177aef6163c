"""The SQL of the events that windows remember, of raw rows.

An event has: ``_row``, which tells them apart; ``second``, when the row happened, and ``known``, when its outcome becomes known,
in whole seconds; where the declaration says so, ``observed``, when the row arrived, before which nobody sees it or its outcome;
``positive``, the outcome; ``e_ENTITY``, whose it is; and ``n0``, ``n1`` ..., the numbers remembered, in whole hundredths. All
that is added up are whole numbers, so that every engine finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.history import (
    HUNDREDTHS,
    LARGEST_HUNDREDTHS,
    OF_OUTCOMES,
    entities_of,
    memories,
    numbers_of,
)
from fusionguard.datasets.moment_sql import event, known_time, observed_time
from fusionguard.datasets.money_sql import number
from fusionguard.datasets.table_rows import TableRows


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
    if time.observed is not None:
        columns["observed"] = moment
        if time.observed in rows.kinds:
            columns["observed"] = (
                f"GREATEST({moment}, CAST(FLOOR({event(rows, observed_time(time))}) AS BIGINT))"  # it skips nulls
            )
    for entity in entities_of(plan):
        columns[f"e_{entity}"] = entity_text(rows, declaration.columns_of(entity))
    for place, column in enumerate(numbers_of(plan)):
        columns[f"n{place}"] = _hundredths(number(declaration, rows, column))
    return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in columns.items())} FROM given"


def entity_text(rows: TableRows, columns: Sequence[str]) -> str:
    """Return the SQL of who or what a row is of: the text of a cell, or of several, each but the last with its length before it.

    Nothing where one of them is empty.
    """
    texts = [rows.category(column) for column in columns]
    told = [*(f"CAST(LENGTH({text}) AS VARCHAR) || ':' || {text}" for text in texts[:-1]), texts[-1]]
    return f"CASE WHEN NOT ({' OR '.join(rows.empty(column) for column in columns)}) THEN {' || '.join(told)} END"


def outcome_delay(declaration: Declaration) -> int | None:
    """Return after how many seconds the outcome of every row is known; None where that differs by row, or nothing says it."""
    known = declaration.label.known
    return None if known is None or known.after is None else duration_seconds(known.after)


def events_columns(declaration: Declaration) -> list[str]:
    """Return the raw columns that events are made of, the outcome's among them, and the id; none where there are no windows."""
    plan, time, amount, label = memories(declaration), declaration.time, declaration.amount, declaration.label
    if not plan:
        return []
    columns = [
        declaration.id,
        *(() if time is None else (time.column, time.observed)),
        *(column for each in entities_of(plan) for column in declaration.columns_of(each)),
    ]
    columns += numbers_of(plan)
    if amount is not None and amount.column in columns:
        columns += [amount.currency_column, amount.rate_column]
    if any(each.kind in OF_OUTCOMES for each in plan):
        columns += [label.column, None if label.known is None else label.known.column]
    return list(dict.fromkeys(each for each in columns if each is not None))


def _hundredths(number: str) -> str:
    bounded = f"GREATEST(LEAST(FLOOR({number} * {HUNDREDTHS}e0 + 0.5e0), {LARGEST_HUNDREDTHS}), -{LARGEST_HUNDREDTHS})"
    return f"CASE WHEN ({number}) IS NOT NULL THEN CAST({bounded} AS BIGINT) END"
