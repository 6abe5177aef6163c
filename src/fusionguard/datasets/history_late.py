"""What windows remember where rows arrive late: a row sees those that were there when it arrived itself.

Rows that had to do without a later arrival are few, or should be. They are counted anew by a join with all that they could see,
in SQL that every engine runs; for all others, nothing was missing. An outcome belongs to the second in which it is known, and is
seen once its row is there, too: in its place, as a service that is told of the row so late sees it from then on.
"""

from __future__ import annotations

from collections.abc import Sequence

from fusionguard.datasets.history import MOST_OTHERS, OF_OTHERS, OF_OUTCOMES, Memory, Span, numbers_of


def corrected_query(plan: Sequence[Memory], found: str, source: str) -> str:
    """Return the query of everything in a plan as far as it had arrived.

    Parameters
    ----------
    found
        The query of the same, had everything arrived when it happened.
    source
        The table of events, with the second in which each was ``observed``: not before it happened.
    """
    joined, columns = f"({found}) AS f", ["f._row AS _row"]
    for of, anew in (("late", _counted_anew), ("told_late", _outcomes_anew)):
        for entity in dict.fromkeys(each.entity for each in plan if _corrected_by(each) == of):
            query = anew(entity, [each for each in plan if _corrected_by(each) == of], source)
            joined += f" LEFT JOIN ({query}) AS {of}_{entity} ON f._row = {of}_{entity}._row"
    for each in plan:
        late = f"{_corrected_by(each)}_{each.entity}"
        columns.append(f"CASE WHEN {late}._row IS NULL THEN f.{each.name} ELSE {late}.{each.name} END AS {each.name}")
    return f"SELECT {', '.join(columns)} FROM {joined}"


def _corrected_by(memory: Memory) -> str:
    return "told_late" if memory.kind in OF_OUTCOMES else "late"


def _counted_anew(entity: str, plan: Sequence[Memory], source: str) -> str:
    """Return the query of what those rows of an entity see before whose arrival an earlier row was still to come."""
    mine, key = [each for each in plan if each.entity == entity], f"e_{entity}"
    places = {column: f"n{place}" for place, column in enumerate(numbers_of(plan))}
    spans = tuple(dict.fromkeys(each.span for each in mine))
    others = tuple(dict.fromkeys(each.of for each in mine if each.kind in OF_OTHERS))
    columns = ["_row", "second", "observed", key, *(f"e_{other}" for other in others)]
    columns += [f"{_start(span, 'second')} AS since_{span.text}" for span in spans]
    back = max(span.seconds + span.tile_seconds for span in spans)
    before = f"ORDER BY second RANGE BETWEEN {back} PRECEDING AND 1 PRECEDING"
    latest = f"MAX(observed) OVER (PARTITION BY {key} {before}) AS latest"
    rows = f"SELECT {', '.join([*columns, latest])} FROM {source} WHERE {key} IS NOT NULL"
    asking = f"SELECT * FROM ({rows}) AS ordered WHERE latest > observed AND _row IS NOT NULL"
    reach = f"a.{key} = b.{key} AND b.second < a.second AND b.observed <= a.observed AND b.second >= a.second - {back}"
    found = ", ".join(f"{_found(each, places)} AS {each.name}" for each in mine)
    return f"SELECT a._row AS _row, {found} FROM ({asking}) AS a LEFT JOIN {source} AS b ON {reach} GROUP BY a._row"


def _found(memory: Memory, places: dict[str, str]) -> str:
    seen, other = f"b.second >= a.since_{memory.span.text}", f"e_{memory.of}"
    number = f"CASE WHEN {seen} THEN b.{places.get(memory.of)} END"
    met = f"CASE WHEN a.{other} IS NULL THEN NULL WHEN {seen} AND b.{other} = a.{other} THEN 1 ELSE 0 END"
    return {
        "rows": f"COUNT(CASE WHEN {seen} THEN 1 END)",
        "values": f"COUNT({number})",
        "hundredths": f"CAST(COALESCE(SUM({number}), 0) AS BIGINT)",
        "largest": f"MAX({number})",
        "met": f"CAST(MAX({met}) AS BIGINT)",
        "others": f"CAST(LEAST(COUNT(DISTINCT CASE WHEN {seen} THEN b.{other} END), {MOST_OTHERS}) AS BIGINT)",
        "last": f"MIN(a.second) - MAX(CASE WHEN {seen} THEN b.second END)",
    }[memory.kind]


def _outcomes_anew(entity: str, plan: Sequence[Memory], source: str) -> str:
    """Return the query of the outcomes that those rows of an entity see which came before the row of an earlier outcome did."""
    mine, key = [each for each in plan if each.entity == entity], f"e_{entity}"
    spans = tuple(dict.fromkeys(each.span for each in mine))
    told = f"SELECT {key}, known, positive, observed FROM {source} WHERE known IS NOT NULL AND positive IS NOT NULL"
    stream = (
        f"SELECT _row, {key}, second, observed, CAST(NULL AS BIGINT) AS came FROM {source}"
        f" UNION ALL SELECT NULL, {key}, known, NULL, observed FROM ({told}) AS told WHERE observed > known"
    )
    back = max(span.seconds + span.tile_seconds for span in spans)
    before = f"PARTITION BY {key} ORDER BY second RANGE BETWEEN {back} PRECEDING AND 1 PRECEDING"
    rows = f"SELECT *, MAX(came) OVER ({before}) AS latest FROM ({stream}) AS stream WHERE {key} IS NOT NULL"
    asking = f"SELECT _row, {key}, second, observed FROM ({rows}) AS ordered WHERE latest > observed AND _row IS NOT NULL"
    reach = f"a.{key} = b.{key} AND b.known < a.second AND b.observed <= a.observed AND b.known >= a.second - {back}"
    columns = ["a._row AS _row", "a.second AS second", "b.positive AS positive"]
    for span in spans:
        seen = f"b.known >= {_start(span, 'a.second')} AND b.known < {_begin(span, 'a.second')}"
        columns.append(f"CASE WHEN {seen} THEN {_begin(span, 'b.known')} END AS began_{span.text}")
    pairs = f"SELECT {', '.join(columns)} FROM ({asking}) AS a LEFT JOIN ({told}) AS b ON {reach}"
    for span in dict.fromkeys(each.span for each in mine if each.kind == "run"):
        ended = f"MAX(CASE WHEN positive = 0 THEN began_{span.text} END) OVER (PARTITION BY _row) AS ended_{span.text}"
        pairs = f"SELECT *, {ended} FROM ({pairs}) AS pairs"
    found = ", ".join(f"{_told(each)} AS {each.name}" for each in mine)
    return f"SELECT _row, {found} FROM ({pairs}) AS pairs GROUP BY _row"


def _told(memory: Memory) -> str:
    began, ended = f"began_{memory.span.text}", f"ended_{memory.span.text}"
    run = f"positive = 1 AND ({ended} IS NULL OR {began} > {ended})"
    return {
        "known": f"COUNT({began})",
        "positive": f"COUNT(CASE WHEN positive = 1 THEN {began} END)",
        "last_positive": f"MIN(second) - MAX(CASE WHEN positive = 1 THEN {began} END)",
        "last_negative": f"MIN(second) - MAX(CASE WHEN positive = 0 THEN {began} END)",
        "run": f"MIN(second) - MIN(CASE WHEN {run} THEN {began} END)",
    }[memory.kind]


def _begin(span: Span, second: str) -> str:
    return f"CAST(FLOOR({second} / {span.tile_seconds}) AS BIGINT) * {span.tile_seconds}"


def _start(span: Span, second: str) -> str:
    return f"(CAST(FLOOR({second} / {span.tile_seconds}) AS BIGINT) - {span.tiles}) * {span.tile_seconds}"
