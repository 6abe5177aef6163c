"""Events and outcomes of a file of earlier rows, as a state takes them: what the history's SQL makes of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fusionguard.datasets.history import entities_of, memories, numbers_of
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.scoring_rows import open_events, read_earlier
from fusionguard.features.online.state import Event, Outcome, declared_event

_BATCH_ROWS = 10_000


def read_history(described: ResolvedDataset, file: Path, scratch: Path) -> Iterator[Event | Outcome]:
    """Yield the events of a file's rows in the order of time, each with what became of it.

    Where outcomes count a declared delay after their row, one that the history does not tell is negative until it is told.

    Parameters
    ----------
    scratch
        A folder for a copy of the rows.

    Raises
    ------
    UsageError, DataError
        The file is not there, or a cell is not what is declared.
    """
    declaration = described.declaration
    plan, known = memories(declaration), declaration.label.known
    entities, numbers = entities_of(plan), numbers_of(plan)
    delayed = known is not None and known.after is not None
    with open_events(described, read_earlier(described, file, scratch / "history.parquet")) as (rows, query):
        rows.database.execute(f"CREATE TEMP TABLE earlier AS {query}")
        names = ["_row", "_id", "second", "known", "positive", *(f"e_{each}" for each in entities)]
        names += [f"n{place}" for place in range(len(numbers))]
        ordered = rows.database.sql(f"SELECT {', '.join(names)} FROM earlier ORDER BY second, _row")
        for batch in ordered.to_arrow_reader(_BATCH_ROWS):
            for row, own, second, told, positive, *rest in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                called = f"history {row}" if own is None else declared_event(own)
                keys, amounts = rest[: len(entities)], rest[len(entities) :]
                yield Event(
                    called,
                    second,
                    dict(zip(entities, keys, strict=True)),
                    dict(zip(numbers, amounts, strict=True)),
                    told if delayed else None,
                )
                if told is not None and positive is not None:
                    yield Outcome(called, positive, told)
