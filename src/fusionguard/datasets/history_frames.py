"""What windows remember, as one SQL query for DuckDB: frames whose beginning differs by row, of rows sorted once by entity.

Finding where a frame begins costs more than to add up what it holds. So sums are differences of running totals, and of each
window the totals at its beginning are looked up at once. Other engines have no such frames (:mod:`history_tiles`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fusionguard.datasets.history import MOST_OTHERS, OF_OTHERS, OF_OUTCOMES, Kind, Memory, Span, numbers_of

_BEFORE = "GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
_NEVER = 2**62
_OUTCOME = 2**32
"""An outcome counts so much in one sum with the positive ones, of which there are fewer: two numbers, and one frame to find."""


def frames_query(plan: Sequence[Memory], source: str, delay: int | None = None) -> str:
    """Return the query of everything in a plan, of each event in the table ``source``: ``_row``, then a column for each memory.

    What is remembered of an entity is nothing where a row does not say which it is.

    Parameters
    ----------
    delay
        After how many seconds the outcome of every row is known; None where ``known`` says it.
    """
    return joined_query(plan, {name: f"({query})" for name, _, query in frames_parts(plan, source, delay)})


def frames_parts(plan: Sequence[Memory], source: str, delay: int | None = None) -> Iterator[tuple[str, str, str]]:
    """Yield the parts of that query, each by its name, with the entity whose rows it needs all of, and no others."""
    for entity in dict.fromkeys(each.entity for each in plan):
        mine = [each for each in plan if each.entity == entity]
        streamed = [each for each in mine if each.kind in OF_OUTCOMES and delay is None]
        if framed := [each for each in mine if each not in streamed]:
            yield f"of_{entity}", entity, _entity(entity, framed, numbers_of(plan), source, delay)
        if streamed:
            yield f"told_{entity}", entity, _outcomes(entity, streamed, source)


def joined_query(plan: Sequence[Memory], parts: Mapping[str, str]) -> str:
    """Return the query of everything in a plan from where its parts are found, by name: tables, or queries in parentheses."""
    (first, found), *others = parts.items()
    joined = f"{found} AS {first}" + "".join(f" JOIN {other} AS {name} USING (_row)" for name, other in others)
    return f"SELECT {', '.join(['_row', *(f'CAST({each.name} AS BIGINT) AS {each.name}' for each in plan)])} FROM {joined}"


def _entity(entity: str, plan: Sequence[Memory], numbers: Sequence[str], source: str, delay: int | None) -> str:
    """Return the query of what is remembered of one entity: pairs with others, then totals, then windows, each of a sort."""
    key, places = f"e_{entity}", {column: f"n{place}" for place, column in enumerate(numbers)}
    spans = tuple(dict.fromkeys(each.span for each in plan))
    others = tuple(dict.fromkeys(each.of for each in plan if each.kind in OF_OTHERS))
    columns = ["_row", "second", key, *(f"e_{other}" for other in others), *(places[each] for each in numbers_of(plan))]
    columns += ["positive"] if any(each.kind in OF_OUTCOMES for each in plan) else []
    read = [*columns, *(f"{in_tile(span, 'second')} AS {_in(span)}" for span in spans)]
    rows = f"SELECT {', '.join(read)} FROM {source}"
    for other in others:
        pair = f"PARTITION BY {', '.join(sorted((key, f'e_{other}')))} ORDER BY second"
        seen = f"LAG(second) OVER ({pair}) AS previous_{other}, LEAD(second) OVER ({pair}) AS next_{other}"
        rows = f"SELECT *, {seen}, LAST_VALUE(second) OVER ({pair} {_BEFORE}) AS met_{other} FROM ({rows})"
    window = f"PARTITION BY {key} ORDER BY second"
    totals = dict(_totals(plan, places))
    before = [f"{total.format(over=f'OVER ({window} {_BEFORE})')} AS {name}" for name, total in totals.items()]
    rows = f"SELECT *, RANK() OVER ({window}) - 1 AS rows_before, {', '.join(before) or '0'} FROM ({rows})"
    rows = _with_next(rows, plan, key, "second", f"(second + {delay or 0})")
    started = ", ".join(f"{name} := {name}" for name in ("rows_before", *totals) if not name.startswith(("last", "gained")))
    windows = [
        f"FIRST_VALUE(struct_pack({started})) OVER ({window} {_frame(span, 'CURRENT ROW')}) AS {_start(span)}" for span in spans
    ]
    for each in plan:
        if each.kind == "largest":
            windows.append(f"MAX({places[each.of]}) OVER ({window} {_frame(each.span, '1 PRECEDING')}) AS w_{each.name}")
    for span in dict.fromkeys(each.span for each in plan if each.kind in OF_OUTCOMES):
        since, until = f"({_in(span)} + {span.seconds + (delay or 0)})", f"({_in(span)} + {1 + (delay or 0)})"
        frame = f"RANGE BETWEEN {since} PRECEDING AND {until} PRECEDING"
        windows.append(f"SUM({_OUTCOME} + positive) OVER ({window} {frame}) AS told_{span.text}")
        windows += _latest(plan, span, f"(second + {delay or 0})", f"{window} {frame}")
    found = ", ".join(_narrow(each, f"CASE WHEN {_known(each)} THEN {_found(each, places)} END") for each in plan)
    return f"SELECT _row, {found} FROM (SELECT *, {', '.join(windows)} FROM ({rows})) WHERE _row IS NOT NULL"


def _totals(plan: Sequence[Memory], places: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is added up over all rows of earlier seconds, by name, with a place for the frame."""
    for each in plan:
        number = places.get(each.of)
        if each.kind == "last":
            yield "last_second", "LAST_VALUE(second) {over}"
        elif each.kind == "values":
            yield f"values_{number}", f"COUNT({number}) {{over}}"
        elif each.kind == "hundredths":
            yield f"sum_{number}", f"COALESCE(SUM({number}) {{over}}, 0)"
        elif each.kind == "others":
            # One who was not there when the window began, and is met, adds one; met last before it began, they are gone again.
            other, since = each.of, f"second - {_in(each.span)} - {each.span.seconds}"
            gone = f"next_{other} - ({in_tile(each.span, f'next_{other}')}) - {each.span.seconds} > second"
            come = f"previous_{other} IS NULL OR previous_{other} < {since}"
            there = f"COUNT(CASE WHEN e_{other} IS NOT NULL AND ({{}}) THEN 1 END) {{{{over}}}}"
            yield f"gained_{other}_{each.span.text}", there.format(come)
            yield f"lost_{other}_{each.span.text}", there.format(f"next_{other} IS NULL OR {gone}")


def _found(memory: Memory, places: dict[str, str]) -> str:
    number, start, text = places.get(memory.of), _start(memory.span), memory.span.text
    since = f"second - {_in(memory.span)} - {memory.span.seconds}"
    return {
        "rows": f"rows_before - {start}.rows_before",
        "met": f"CAST(COALESCE(met_{memory.of} >= {since}, FALSE) AS BIGINT)",
        "others": f"LEAST(gained_{memory.of}_{text} - {start}.lost_{memory.of}_{text}, {MOST_OTHERS})",
        "values": f"values_{number} - {start}.values_{number}",
        "hundredths": f"CAST(sum_{number} - {start}.sum_{number} AS BIGINT)",
        "largest": f"w_{memory.name}",
        "last": f"CASE WHEN last_second >= {since} THEN second - last_second END",
        "known": f"CAST(COALESCE(told_{text}, 0) // {_OUTCOME} AS BIGINT)",
        "positive": f"CAST(COALESCE(told_{text}, 0) % {_OUTCOME} AS BIGINT)",
        "last_positive": f"second - w_{memory.name}",
        "last_negative": f"second - w_{memory.name}",
        "run": f"CASE WHEN w_{memory.name} < {_begin(memory.span, 'second')} THEN second - w_{memory.name} END",
    }[memory.kind]


def _narrow(memory: Memory, found: str) -> str:
    """Return a memory as the narrowest column that holds it: tables of them are larger than all else that is held."""
    seconds = "INTEGER" if memory.span.seconds + memory.span.tile_seconds < 2**31 else "BIGINT"
    kinds: dict[Kind, str] = {"hundredths": "BIGINT", "largest": "BIGINT", "met": "TINYINT", "others": "SMALLINT"}
    kinds |= dict.fromkeys(("rows", "values", "known", "positive"), "UINTEGER")  # a table has fewer rows than that
    return f"CAST({found} AS {kinds.get(memory.kind, seconds)}) AS {memory.name}"


def _known(memory: Memory) -> str:
    keys = (memory.entity, memory.of) if memory.kind == "met" else (memory.entity,)
    return " AND ".join(f"e_{each} IS NOT NULL" for each in keys)


def _outcomes(entity: str, asked: Sequence[Memory], source: str) -> str:
    """Return the query of outcomes that became known before the present tile, in one stream with the rows that ask for them."""
    key = f"e_{entity}"
    stream = (
        f"SELECT _row, second AS moment, {key}, CAST(NULL AS BIGINT) AS positive FROM {source}"
        f" UNION ALL SELECT NULL, known, {key}, positive FROM {source} WHERE known IS NOT NULL AND positive IS NOT NULL"
    )
    told = ["moment AS second"]
    stream = _with_next(stream, asked, key, "moment", "moment")
    for span in dict.fromkeys(each.span for each in asked):
        since, until = f"({in_tile(span, 'moment')} + {span.seconds})", f"({in_tile(span, 'moment')} + 1)"
        frame = f"PARTITION BY {key} ORDER BY moment RANGE BETWEEN {since} PRECEDING AND {until} PRECEDING"
        told.append(f"SUM({_OUTCOME} + positive) OVER ({frame}) AS told_{span.text}")
        told += _latest(asked, span, "moment", frame)
    found = ", ".join(_narrow(each, f"CASE WHEN {key} IS NOT NULL THEN {_found(each, {})} END") for each in asked)
    return f"SELECT _row, {found} FROM (SELECT _row, {key}, {', '.join(told)} FROM ({stream})) WHERE _row IS NOT NULL"


def _with_next(rows: str, plan: Sequence[Memory], key: str, second: str, known: str) -> str:
    """Return the query of rows with when the next tile of a positive outcome begins, after that in which their own is known.

    ``known`` is when a row's outcome is known, in the order of ``second``.
    """
    found = ["*"]
    for span in dict.fromkeys(each.span for each in plan if each.kind == "run"):
        later = f"({span.tile_seconds} - ({in_tile(span, known)})) FOLLOWING AND UNBOUNDED FOLLOWING"
        window = f"PARTITION BY {key} ORDER BY {second} RANGE BETWEEN {later}"
        found.append(f"MIN(CASE WHEN positive = 1 THEN {_begin(span, known)} END) OVER ({window}) AS next_{span.text}")
    return rows if len(found) == 1 else f"SELECT {', '.join(found)} FROM ({rows})"


def _latest(plan: Sequence[Memory], span: Span, known: str, window: str) -> Iterator[str]:
    """Yield when the tiles of outcomes of a span began that its memories ask for, each with the frame that finds it.

    A run begins with the next positive outcome after the latest negative one, or where there is none with the first.
    """
    begin = _begin(span, known)
    for each in plan:
        if each.span != span:
            continue
        if each.kind in ("last_positive", "last_negative"):
            outcome = int(each.kind == "last_positive")
            yield f"MAX(CASE WHEN positive = {outcome} THEN {begin} END) OVER ({window}) AS w_{each.name}"
        elif each.kind == "run":
            after = f"MAX(CASE WHEN positive = 0 THEN COALESCE(next_{span.text}, {_NEVER}) END) OVER ({window})"
            yield f"COALESCE({after}, MIN(CASE WHEN positive = 1 THEN {begin} END) OVER ({window})) AS w_{each.name}"


def _begin(span: Span, second: str) -> str:
    return f"({second} - ({in_tile(span, second)}))"


def in_tile(span: Span, second: str) -> str:
    """Return how many seconds ago the present tile began."""
    return f"{second} - CAST(FLOOR({second} / {span.tile_seconds}) AS BIGINT) * {span.tile_seconds}"


def _frame(span: Span, end: str) -> str:
    return f"RANGE BETWEEN ({_in(span)} + {span.seconds}) PRECEDING AND {end}"


def _in(span: Span) -> str:
    return f"in_{span.text}"


def _start(span: Span) -> str:
    return f"start_{span.text}"
