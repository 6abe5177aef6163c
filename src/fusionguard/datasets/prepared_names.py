"""The names that a declared data set's columns have once they are prepared: plain words that any SQL reads without quotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from fusionguard.datasets.declaration import Declaration

EVENT, CLOCK, KNOWN, GROUP = "event_seconds", "clock_seconds", "known_seconds", "group_number"
"""Seconds since 1970 in UTC when a row happened; the same as a clock on the wall of its zone showed them; when its label was
known; and a number for each value of the first entity, whose rows stay together where there is no time."""

TOLD = "outcome_told_seconds"
"""The second of a label's own date, where a column dates outcomes and has one for the row: never before the row itself."""

TIME, ROW = "time_seconds", "row_number"
"""Whole seconds and the place in the source, in a table of features."""

PREPARED_FORMAT = 5
"""Goes up when the same raw rows are prepared in another way: what was made of them before is made anew."""

OTHER = "(other)"
"""The category of every value that is not known."""

TAKEN = frozenset(
    {EVENT, CLOCK, KNOWN, TOLD, GROUP, TIME, ROW}
    | {
        "id",
        "row",
        "time",
        "label",
        "origin",
        "shadow",
        "model",
        "model_version",
        "prediction_id",
        "past_event",
        "past_exact",
        "past_owner",
        "request_id",
        "decision_reason",
    }
    | {"score", "probability", "decision", "reasons", "expected_saving", "expected_profit", "risk_band"}
    | {"raw", "row_data", "segment", "features", "given"}
)
"""Names that tables of features, answers and logs have for columns of their own."""

RESERVED = frozenset(
    word
    for line in (
        "with where variadic unpivot union true using trailing to then table symmetric summarize create as into do initially for",
        "describe desc window except offset in default column false collate returning constraint all case placing cast analyse",
        "intersect asc analyze check having fetch when and only asymmetric on any array both group pivot_longer primary lambda",
        "foreign lateral unique leading null distinct limit not from or order some pivot end pivot_wider qualify else references",
        "deferrable select show is between like join left right inner outer full cross natural semi anti over partition by",
        "concat coalesce nullif floor abs least greatest int integer bigint double varchar values rows range current_date",
        "current_time current_timestamp user current_user session_user isnull notnull",
        "ilike similar glob map struct interval timestamp date",
        "extract substring overlay position trim exists grouping cube rollup tablesample try_cast exclude replace positional",
        "asof filter at authorization binary collation concurrently freeze overlaps unpack verbose",
    )
    for word in line.split()
)
"""Words that some SQL does not read as a name."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_LONGEST = 50


def prepared_names(declaration: Declaration) -> dict[str, str]:
    """Return, for every column that is read of a row, the name that it has once it is prepared.

    A name that is a plain word stays as it is; of any other, what is no letter, digit or ``_`` becomes ``_``, and what then has
    the name of another one gets a number. The same declaration gives the same names.
    """
    made = {name.lower() for name in (*declaration.calendar, *declaration.derived, *declaration.bands)}
    if declaration.sql is not None:
        made |= {name.lower() for name in declaration.sql.features}
    columns = list(declaration.columns)
    plain = [name for name in columns if _is_plain(name) and name.lower() not in made]
    names = {name: name for name in plain}
    taken = made | {name.lower() for name in plain}
    for column in columns:
        if column not in names:
            names[column] = _free(_as_word(column), taken)
            taken.add(names[column].lower())
    return {column: names[column] for column in columns}


def _is_plain(name: str) -> bool:
    return bool(_WORD.fullmatch(name)) and name.lower() not in TAKEN | RESERVED


def _as_word(name: str) -> str:
    ascii_letters = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    word = re.sub(r"[^A-Za-z0-9]+", "_", ascii_letters).strip("_")[:_LONGEST]
    return word if word[:1].isalpha() else f"c_{word}".rstrip("_")


def _free(word: str, taken: Iterable[str]) -> str:
    known = {*taken, *TAKEN, *RESERVED}
    if word.lower() not in known:
        return word
    number = 2
    while f"{word}_{number}".lower() in known:
        number += 1
    return f"{word}_{number}"
