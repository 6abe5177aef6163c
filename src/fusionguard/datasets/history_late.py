"""What windows remember where rows arrive late: a row sees those that were there when it arrived itself.

Rows that had to do without a later arrival are few, or should be. They are counted anew by a join with all that they could see,
in SQL that every engine runs; for all others, nothing was missing. Outcomes are known when their row is there, at the earliest,
and so are never seen too early.
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
    counted = [each for each in plan if each.kind not in OF_OUTCOMES]
    entities = tuple(dict.fromkeys(each.entity for each in counted))
    joined = f"({found}) AS f"
    for entity in entities:
        anew = _counted_anew(entity, counted, source)
        joined += f" LEFT JOIN ({anew}) AS late_{entity} ON f._row = late_{entity}._row"
    columns = ["f._row AS _row"]
    for each in plan:
        own, late = f"f.{each.name}", f"late_{each.entity}"
        value = f"CASE WHEN {late}._row IS NULL THEN {own} ELSE {late}.{each.name} END" if each in counted else own
        columns.append(f"{value} AS {each.name}")
    return f"SELECT {', '.join(columns)} FROM {joined}"


def _counted_anew(entity: str, plan: Sequence[Memory], source: str) -> str:
    """Return the query of what those rows of an entity see before whose arrival an earlier row was still to come."""
    mine, key = [each for each in plan if each.entity == entity], f"e_{entity}"
    places = {column: f"n{place}" for place, column in enumerate(numbers_of(plan))}
    spans = tuple(dict.fromkeys(each.span for each in mine))
    others = tuple(dict.fromkeys(each.of for each in mine if each.kind in OF_OTHERS))
    columns = ["_row", "second", "observed", key, *(f"e_{other}" for other in others)]
    columns += [f"{_start(span, 'second')} AS since_{span.text}" for span in spans]
    before = "ORDER BY second RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    latest = f"MAX(observed) OVER (PARTITION BY {key} {before}) AS latest"
    rows = f"SELECT {', '.join([*columns, latest])} FROM {source} WHERE {key} IS NOT NULL"
    asking = f"SELECT * FROM ({rows}) AS ordered WHERE latest > observed AND _row IS NOT NULL"
    earliest = f"a.second - {max(span.seconds + span.tile_seconds for span in spans)}"
    reach = f"a.{key} = b.{key} AND b.second < a.second AND b.observed <= a.observed AND b.second >= {earliest}"
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


def _start(span: Span, second: str) -> str:
    return f"(CAST(FLOOR({second} / {span.tile_seconds}) AS BIGINT) - {span.tiles}) * {span.tile_seconds}"
