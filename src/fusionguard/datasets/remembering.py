"""Finds what windows remember of each row of a table, with DuckDB or with another engine that runs the SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import memories
from fusionguard.datasets.history_frames import frames_parts, frames_query, joined_query
from fusionguard.datasets.history_late import corrected_query
from fusionguard.datasets.history_sql import events_query, outcome_delay
from fusionguard.datasets.history_tiles import tiles_query
from fusionguard.datasets.table_rows import TableRows, string

EVENTS, REMEMBERED = "events", "remembered"
"""The tables of events and of what is found of them."""

MEMORY = "3GB"
"""So much of a large table is held at once; the rest lies on disk beside the result for a while."""


SHARE_ROWS = 2_000_000
"""About so many rows are looked back from at once: sorting more of them is slower for each, and takes the disk."""

_SHARE = "share_of_events"


class PastEngine(Protocol):
    """Runs the SQL of what windows remember, where that is not DuckDB beside the rows."""

    def run(self, query: str, events: Path, destination: Path) -> None:
        """Write what ``query`` finds, which reads the file ``events`` as the table of this name, as parquet files into a folder.

        ``destination`` is that folder, which does not exist yet.
        """


def past_query(declaration: Declaration, *, portable: bool = False) -> str:
    """Return the SQL of what windows remember of the table of events: DuckDB's, or one that every engine runs."""
    plan = memories(declaration)
    return _as_arrived(
        declaration, tiles_query(plan, EVENTS) if portable else frames_query(plan, EVENTS, outcome_delay(declaration))
    )


def _as_arrived(declaration: Declaration, found: str) -> str:
    """Return the query of what ``found`` finds, without what had not arrived by then."""
    time = declaration.time
    return found if time is None or time.observed is None else corrected_query(memories(declaration), found, EVENTS)


def remember(
    declaration: Declaration,
    rows: TableRows,
    outcome: str | None,
    folder: Path,
    *,
    earlier: str | None = None,
    engine: PastEngine | None = None,
) -> dict[str, str]:
    """Find what windows remember of each row; return the prepared columns that hold it, each with its SQL over ``REMEMBERED``.

    Parameters
    ----------
    outcome
        The SQL of the rows' label; None where they have none.
    folder
        Where an engine's files lie; it must be there until the columns are read.
    earlier
        A query of the events of other rows, which are seen and not asked for.
    engine
        What looks back; None for DuckDB.
    """
    plan = memories(declaration)
    if not plan:
        return {}
    rows.database.execute(f"SET temp_directory = {string(str(folder / 'spilled'))}")
    rows.database.execute(f"SET memory_limit = '{MEMORY}'")
    events = events_query(declaration, rows, outcome) + ("" if earlier is None else f" UNION ALL BY NAME {earlier}")
    if engine is None:
        rows.database.execute(f"CREATE TEMP TABLE {EVENTS} AS {events}")
        _look_back(declaration, rows)
    else:
        file, found = folder / "all-events.parquet", folder / "remembered"
        rows.database.execute(f"COPY ({events}) TO {string(str(file))} (FORMAT parquet)")
        engine.run(past_query(declaration, portable=True), file, found)
        rows.database.execute(f"CREATE TEMP VIEW {REMEMBERED} AS SELECT * FROM read_parquet({string(f'{found}/*.parquet')})")
    return {each.name: f"{REMEMBERED}.{each.name}" for each in plan}


def _look_back(declaration: Declaration, rows: TableRows) -> None:
    """Find what windows remember of the table of events, a share of each entity's values after the other: each fits in memory."""
    plan, parts = memories(declaration), []
    shares = -(-int(rows.fetch(f"SELECT COUNT(*) FROM {EVENTS}")[0][0]) // SHARE_ROWS) or 1
    for share in range(shares):
        for name, entity, query in frames_parts(plan, _SHARE, outcome_delay(declaration)):
            mine = f"SELECT * FROM {EVENTS} WHERE hash(e_{entity}) % {shares} = {share}"
            made = f"WITH {_SHARE} AS ({mine}) {query}"
            rows.database.execute(f"CREATE TEMP TABLE {name} AS {made}" if share == 0 else f"INSERT INTO {name} {made}")
            parts.append(name)
    found = _as_arrived(declaration, joined_query(plan, {name: name for name in parts}))
    if declaration.time is not None and declaration.time.observed is None:
        rows.database.execute(f"DROP TABLE {EVENTS}")  # nothing reads them again
    rows.database.execute(f"CREATE TEMP VIEW {REMEMBERED} AS {found}")
