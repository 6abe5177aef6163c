"""Rows for the prediction log's tests, and processes that write them until they are killed.

Run as a script, it forks writers: ``prediction_log_rows.py FOLDER WRITERS ROWS``. Each appends rows one by one to the fraud log,
and notes beside it in ``FOLDER/notes-PID``, after each, when it did and how many rows the log then called written. It goes on
after ROWS rows only if ROWS is 0, for a minute at most; then it ends without closing the log, as a program does that forgets to.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.serving.prediction_log import LoggedRow, PredictionLog, writer

NOTE = struct.Struct("dq")
"""``time.monotonic()``, ``rows_written``."""
FLUSH_SECONDS = 0.05
START_MICROS = 1_790_000_000_000_000


def fraud_row(number: int, request_id: str | None = None, *, shadow: bool = False, version: str = "a1b2c3d4e5f6") -> LoggedRow:
    """Return the ``number``-th transaction, a millisecond after the one before."""
    return LoggedRow(
        request_id or f"request-{number}",
        START_MICROS + 1_000 * number,
        version,
        "simulated",
        (number / 7, 1 / (1 + number), "accept", 0.0, ""),
        (*(number / place for place in range(1, 30)), number % 24, number % 100),
        shadow=shadow,
    )


def churn_row(number: int) -> LoggedRow:
    """Return the ``number``-th customer, who is nobody."""
    example = CHURN_FAMILY.example | {"Age": 18 + number % 60, "has_balance": 1, "balance_to_salary": 0.5, "tenure_to_age": 0.125}
    features = tuple(example[name] for name in CHURN_FAMILY.features.model_features)
    return LoggedRow(
        f"request-{number}", START_MICROS + number, "f6e5d4c3b2a1", "kaggle", (0.5, 0.2, "offer", 12.5, "low", "Age"), features
    )


def log_parts(folder: Path, *parts: list[Any], model: str = "fraud", **settings: Any) -> PredictionLog:
    """Log records, one part for each list; the log is closed."""
    with PredictionLog.open(folder, model=model, flush_seconds=60, **settings) as log:
        for records in parts:
            assert all(log.append(record) for record in records)
            log.flush()
    return log


def parts_of(folder: Path, model: str = "fraud") -> list[Path]:
    return sorted((folder / model).glob("part-*.parquet"))


def _write(folder: Path, rows: int) -> None:
    log = PredictionLog.open(folder, model="fraud", flush_seconds=FLUSH_SECONDS)
    name = f"{os.getpid()}"
    notes = os.open(folder / f"notes-{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    number, until = 0, time.monotonic() + 60
    while (rows == 0 or number < rows) and time.monotonic() < until:
        assert log.append(fraud_row(number, f"{name}-{number}"))
        number += 1
        os.write(notes, NOTE.pack(time.monotonic(), log.stats.rows_written))
        time.sleep(0.0005)


def main(folder: Path, writers: int, rows: int) -> None:
    """Fork the writers, print their process ids, and wait for their ends."""
    pa.array([])  # what a log imports when it opens, once for all
    writer.PARTS_BEFORE_MERGE = 4  # so that kills hit merges too
    children = []
    for _ in range(writers):
        child = os.fork()
        if not child:
            _write(folder, rows)
            sys.exit(0)
        children.append(child)
    print(*children, flush=True)  # noqa: T201 - the test reads it
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
