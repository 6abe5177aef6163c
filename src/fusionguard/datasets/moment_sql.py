"""When rows happened, in SQL over their raw cells: as an instant that is one everywhere, and as a clock on the wall shows it."""

from __future__ import annotations

from fusionguard.datasets.declaration import Known, Time
from fusionguard.datasets.declared_values import ISO
from fusionguard.datasets.moments import DAY_SECONDS, EARLIEST, LARGEST_TIME, PER_SECOND, WITH_OFFSET, WITHOUT_OFFSET
from fusionguard.datasets.table_rows import TableRows, quoted, string


def unit_seconds(number: str, unit: str) -> str:
    """Return the SQL of a time that is a double, in a unit, as seconds."""
    if unit == "seconds":
        return number
    return f"({number} * {DAY_SECONDS:.0f}e0)" if unit == "days" else f"({number} / {PER_SECOND[unit]:.0f}e0)"


def event(rows: TableRows, time: Time) -> str:
    """Return the SQL of a moment as seconds since 1970 in UTC, or since the first day where times count from that.

    It is null where a cell holds no such time. A time with an offset is that instant; one without is of the declared zone, UTC
    where nothing is said.
    """
    if time.unit:
        return unit_seconds(rows.number(time.column), time.unit)
    zone = string(time.zone or "UTC")
    return _by_offset(rows, time, with_offset="epoch({})", without=f"epoch(timezone({zone}, {{}}))")


def known_time(known: Known, time: Time) -> Time:
    """Return the time of the column that dates outcomes, which is written as the rows' own time, or as is declared."""
    update: dict[str, object] = {"column": known.column, "observed": None, "range": None, "ordered": False}
    if known.format is not None:
        update |= {"unit": None, "format": None if known.format == ISO else known.format}
    return time.model_copy(update=update)


def observed_time(time: Time) -> Time:
    """Return the time of the column that says when rows arrived; raise ValueError where none does."""
    if time.observed is None:
        raise ValueError("no column says when rows arrived")
    return time.model_copy(update={"column": time.observed, "observed": None, "range": None, "ordered": False})


def clock(rows: TableRows, time: Time) -> str:
    """Return the SQL of a moment as the seconds that a clock in the declared zone has made since its own 1 January 1970."""
    zone = string(time.zone or "UTC")
    if time.unit:
        seconds = event(rows, time)
        return seconds if time.zone in (None, "UTC") else f"epoch(timezone({zone}, to_timestamp({seconds})))"
    return _by_offset(rows, time, with_offset=f"epoch(timezone({zone}, {{}}))", without="epoch({})")


def no_moment(rows: TableRows, time: Time) -> str:
    """Return the condition that a cell holds no such time as is declared, whatever the range of times that are numbers."""
    low = -LARGEST_TIME if time.unit else EARLIEST
    return f"(({event(rows, time)} BETWEEN {low!r} AND {LARGEST_TIME!r}) IS NOT TRUE)"


def _by_offset(rows: TableRows, time: Time, *, with_offset: str, without: str) -> str:
    """Return what one of two templates makes of a cell's moment, by whether it says its offset; null for what is none."""
    kind = rows.kinds[time.column]
    if kind == "time":
        return (with_offset if _zoned(rows, time) else without).format(_stored(rows, time))
    if kind != "text" and not (time.format and kind in ("integer", "float")):
        return "CAST(NULL AS DOUBLE)"
    text = _text(rows, time)
    if time.format:
        return (with_offset if _says_offset(time.format) else without).format(f"try_strptime({text}, {string(time.format)})")
    tests = f"regexp_full_match({text}, {string(WITHOUT_OFFSET)})", f"regexp_full_match({text}, {string(WITH_OFFSET)})"
    local, instant = without.format(f"TRY_CAST({text} AS TIMESTAMP)"), with_offset.format(_instant(text))
    return f"(CASE WHEN {tests[0]} THEN {local} WHEN {tests[1]} THEN {instant} END)"


def _stored(rows: TableRows, time: Time) -> str:
    return f"CAST({quoted(time.column)} AS {'TIMESTAMPTZ' if _zoned(rows, time) else 'TIMESTAMP'})"


def _zoned(rows: TableRows, time: Time) -> bool:
    kind = rows.types[time.column]
    return "TIME ZONE" in kind or kind.startswith("TIMESTAMPTZ")


def _says_offset(pattern: str) -> bool:
    return "%z" in pattern or "%Z" in pattern


def _text(rows: TableRows, time: Time) -> str:
    """Return a cell as it is read: of ISO 8601, ``z``, ``t`` and decimal commas are what ``Z``, ``T`` and points are."""
    text = f"trim({rows.category(time.column)})"
    return text if time.format else f"replace(upper({text}), ',', '.')"


def _instant(text: str) -> str:
    """Return the instant of a text with an offset, which DuckDB reads where it is written ``+02`` or ``+02:00`` right behind."""
    closed = f"regexp_replace(regexp_replace({text}, ' ?(Z|UTC)$', '+00'), ' ([+-])', '\\1')"
    return f"TRY_CAST(regexp_replace({closed}, '([+-][0-9]{{2}})([0-9]{{2}})$', '\\1:\\2') AS TIMESTAMPTZ)"
