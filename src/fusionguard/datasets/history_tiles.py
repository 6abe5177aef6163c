"""What windows remember, as one SQL query that every engine runs: of whole tiles, and of the present one.

It has frames of constant length alone, and none of more than a window's tiles or that must be added up anew for each row. So it
runs on Spark, where a shop of a million rows a day costs what others cost. DuckDB runs it, too, to the same numbers, and has a
faster one (:mod:`history_frames`): here each length of tiles is grouped, sorted and joined by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fusionguard.datasets.history import MOST_OTHERS, NUMERIC, OF_OTHERS, OF_OUTCOMES, Kind, Memory, Span, numbers_of

_BEFORE = "ORDER BY second RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
_NEVER = 2**40
_TOLD: Mapping[Kind, str] = {
    "known": "told",
    "positive": "positive",
    "last_positive": "positive",
    "last_negative": "told - positive",
}
"""What tiles count of outcomes, by what is remembered."""


def tiles_query(plan: Sequence[Memory], source: str) -> str:
    """Return the query of everything in a plan, of each event in the table ``source``: ``_row``, then a column for each memory.

    What is remembered of an entity is nothing where a row does not say which it is.
    """
    places = {column: f"n{place}" for place, column in enumerate(numbers_of(plan))}
    entities = dict.fromkeys(each.entity for each in plan)
    parts = [part for entity in entities for part in _Entity(entity, plan, places, source).parts()]
    found = f"(SELECT _row FROM {source} WHERE _row IS NOT NULL) AS asked"
    found += "".join(f" LEFT JOIN of_{entity} ON asked._row = of_{entity}._row" for entity in entities)
    columns = ["asked._row AS _row", *(f"of_{each.entity}.{each.name} AS {each.name}" for each in plan)]
    named = ", ".join(f"{name} AS ({query})" for name, query in parts)
    return f"WITH {named} SELECT {', '.join(columns)} FROM {found}"


class _Entity:
    """The parts of the query that are about one entity."""

    def __init__(self, entity: str, plan: Sequence[Memory], places: dict[str, str], source: str) -> None:
        self._entity, self._source, self._places = entity, source, places
        self._plan = [each for each in plan if each.entity == entity]
        self._spans = tuple(dict.fromkeys(each.span for each in self._plan))
        self._others = tuple(dict.fromkeys(each.of for each in self._plan if each.kind in OF_OTHERS))
        self._numbers = tuple(places[each] for each in numbers_of(self._plan))

    def parts(self) -> Iterator[tuple[str, str]]:
        """Yield the parts by name, each after those that it reads."""
        rows, before, entity = f"rows_{self._entity}", f"before_{self._entity}", self._entity
        yield rows, self._rows()
        yield before, self._before(rows)
        seen = before
        for span in self._spans:
            whole, joined = f"whole_{entity}_{span.text}", f"seen_{entity}_{span.text}"
            yield whole, self._whole(span, rows)
            yield joined, self._seen(span, seen, whole)
            seen = joined
        found = ", ".join(f"{self._found(each)} AS {each.name}" for each in self._plan)
        yield f"of_{entity}", f"SELECT _row, {found} FROM {seen} WHERE _row IS NOT NULL"

    def _rows(self) -> str:
        """Return the query of the rows that say whose they are, with when their pairs met before and after.

        Tiles are found where they are needed: Spark sees that all spans read the same, and sorts the pairs once for them.
        """
        key = f"e_{self._entity}"
        columns = ["_row", "second", "known", "positive", f"{key} AS owner", *self._numbers]
        columns += [f"e_{other}" for other in self._others if other != self._entity]
        for other in self._others:
            pair = f"PARTITION BY {key}, e_{other}"
            columns.append(f"LAG(second) OVER ({pair} ORDER BY second) AS previous_{other}")
            columns.append(f"LEAD(second) OVER ({pair} ORDER BY second) AS next_{other}")
            columns.append(f"MAX(second) OVER ({pair} {_BEFORE}) AS met_{other}")
        return f"SELECT {', '.join(columns)} FROM {self._source} WHERE {key} IS NOT NULL"

    def _before(self, rows: str) -> str:
        """Return the query of the rows with their tiles, and with what came ever before them."""
        columns = ["*", f"MAX(second) OVER (PARTITION BY owner {_BEFORE}) AS last_second"]
        for each in self._plan:
            if each.kind == "others":
                new = f"previous_{each.of} IS NULL OR {_gone(each.span, f'previous_{each.of}', _tile(each.span))}"
                counted = f"COUNT(CASE WHEN e_{each.of} IS NOT NULL AND ({new}) THEN 1 END)"
                columns.append(f"{counted} OVER (PARTITION BY owner {_BEFORE}) AS gained_{each.of}_{each.span.text}")
        tiles = ", ".join(["*", *(f"{_tile_of(span, 'second')} AS {_tile(span)}" for span in self._spans)])
        return f"SELECT {', '.join(columns)} FROM (SELECT {tiles} FROM {rows}) AS tiled"

    def _seen(self, span: Span, rows: str, whole: str) -> str:
        """Return the query of rows with what they see of a span: in the present tile, and in the whole ones before it.

        Both need the rows in the order of these tiles, and so are found in one step: they are sorted once a span.
        """
        present, found = ["*"], ["b.*"]
        for each in self._plan:
            if each.span == span and (each.kind == "rows" or each.kind in NUMERIC):
                window = f"OVER (PARTITION BY owner, {_tile(span)} {_BEFORE})"
                present.append(f"{self._added(each, '1')} {window} AS present_{each.name}")
            if each.span == span and each.kind == "others":
                found.append(f"w.lost_{each.of} AS lost_{each.of}_{span.text}")
            elif each.span == span and each.kind not in ("met", "last"):
                found.append(f"w.{each.name} AS whole_{each.name}")
        inner = (
            f"(SELECT {', '.join(present)} FROM {rows}) AS b JOIN {whole} AS w ON b.owner = w.owner AND b.{_tile(span)} = w.tile"
        )
        return f"SELECT {', '.join(found)} FROM {inner}"

    def _whole(self, span: Span, rows: str) -> str:
        """Return the query of the tiles of a span that hold anything, with what the whole ones of a window before them hold."""
        plan = [each for each in self._plan if each.span == span]
        grouped, lost = ["owner", "tile", "SUM(is_row) AS is_row"], []
        for each in plan:
            if each.kind == "others":
                lost.append(f"lost_{each.of}")
                grouped.append(f"SUM(lost_{each.of}) AS lost_{each.of}")
            elif each.kind == "rows" or each.kind in NUMERIC:
                grouped.append(f"{self._added(each, 'is_row')} AS {each.name}")
            elif each.kind == "run":
                grouped.append(f"SUM(positive) AS {each.name}, SUM(told - positive) AS ended_{each.name}")
            elif each.kind in OF_OUTCOMES:
                grouped.append(f"SUM({_TOLD[each.kind]}) AS {each.name}")
        marks = [f"CASE WHEN {self._last_of(name[5:], span)} THEN 1 ELSE 0 END AS {name}" for name in lost]
        of_rows = [*self._numbers, *marks, "0 AS told", "0 AS positive"]
        stream = f"SELECT owner, {_tile_of(span, 'second')} AS tile, 1 AS is_row, {', '.join(of_rows)} FROM {rows}"
        if any(each.kind in OF_OUTCOMES for each in plan):
            told = [*(f"NULL AS {each}" for each in self._numbers), *(f"0 AS {name}" for name in lost), "1 AS told", "positive"]
            asked = f"SELECT owner, {_tile_of(span, 'known')} AS tile, 0 AS is_row, {', '.join(told)} FROM {rows}"
            stream += f" UNION ALL {asked} WHERE known IS NOT NULL AND positive IS NOT NULL"
        tiles = f"SELECT {', '.join(grouped)} FROM ({stream}) AS stream GROUP BY owner, tile"
        for each in plan:
            if each.kind == "run":
                later = "OVER (PARTITION BY owner ORDER BY tile RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
                following = f"MIN(CASE WHEN {each.name} > 0 THEN tile END) {later} AS next_{each.name}"
                tiles = f"SELECT *, {following} FROM ({tiles}) AS tiles"
        columns = ["owner", "tile", "is_row"]
        order = "PARTITION BY owner ORDER BY tile RANGE BETWEEN"
        for name in lost:
            columns.append(f"SUM({name}) OVER ({order} UNBOUNDED PRECEDING AND {span.tiles + 1} PRECEDING) AS {name}")
        for each in plan:
            if each.kind in ("last_positive", "last_negative"):
                latest = f"MAX(CASE WHEN {each.name} > 0 THEN tile END)"
                columns.append(f"{latest} OVER ({order} {span.tiles} PRECEDING AND 1 PRECEDING) AS {each.name}")
            elif each.kind == "run":
                whole = f"OVER ({order} {span.tiles} PRECEDING AND 1 PRECEDING)"
                after = f"MAX(CASE WHEN ended_{each.name} > 0 THEN COALESCE(next_{each.name}, {_NEVER}) END) {whole}"
                columns.append(f"COALESCE({after}, MIN(CASE WHEN {each.name} > 0 THEN tile END) {whole}) AS {each.name}")
            elif each.kind not in (*OF_OTHERS, "last"):
                summed = "MAX" if each.kind == "largest" else "SUM"
                columns.append(f"{summed}({each.name}) OVER ({order} {span.tiles} PRECEDING AND 1 PRECEDING) AS {each.name}")
        return f"SELECT * FROM (SELECT {', '.join(columns)} FROM ({tiles}) AS tiles) AS summed WHERE is_row > 0"

    def _last_of(self, other: str, span: Span) -> str:
        """Return the condition that a row is the last with another's value before a window without one begins."""
        then = _tile_of(span, f"next_{other}")
        return f"e_{other} IS NOT NULL AND (next_{other} IS NULL OR {then} > {_tile_of(span, 'second')} + {span.tiles})"

    def _added(self, memory: Memory, row: str) -> str:
        number = self._places.get(memory.of)
        return {
            "rows": f"SUM({row})",
            "values": f"COUNT({number})",
            "hundredths": f"SUM({number})",
            "largest": f"MAX({number})",
        }[memory.kind]

    def _found(self, memory: Memory) -> str:
        name, whole, other = memory.name, f"whole_{memory.name}", memory.of
        since = f"({_tile(memory.span)} - {memory.span.tiles}) * {memory.span.tile_seconds}"
        if memory.kind == "largest":
            return f"GREATEST(present_{name}, {whole})"
        if memory.kind in ("last_positive", "last_negative"):
            return f"second - {whole} * {memory.span.tile_seconds}"
        if memory.kind == "run":
            began = f"{whole} * {memory.span.tile_seconds}"
            return f"CASE WHEN {whole} < {_tile(memory.span)} THEN second - {began} END"
        if memory.kind == "last":
            return f"CASE WHEN last_second >= {since} THEN second - last_second END"
        if memory.kind == "met":
            return f"CASE WHEN e_{other} IS NOT NULL THEN CAST(COALESCE(met_{other} >= {since}, FALSE) AS BIGINT) END"
        if memory.kind == "others":
            there = f"gained_{other}_{memory.span.text} - COALESCE(lost_{other}_{memory.span.text}, 0)"
            return f"CAST(LEAST({there}, {MOST_OTHERS}) AS BIGINT)"
        present = "" if memory.kind in OF_OUTCOMES else f"COALESCE(present_{name}, 0) + "
        return f"CAST({present}COALESCE({whole}, 0) AS BIGINT)"


def _gone(span: Span, second: str, tile: str) -> str:
    """Return the condition that a window of a row of ``tile`` begins after ``second``."""
    return f"{_tile_of(span, second)} + {span.tiles} < {tile}"


def _tile(span: Span) -> str:
    return f"tile_{span.text}"


def _tile_of(span: Span, second: str) -> str:
    return f"CAST(FLOOR({second} / {span.tile_seconds}) AS BIGINT)"
