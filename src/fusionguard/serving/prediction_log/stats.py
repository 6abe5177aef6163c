"""What a prediction log tells about itself, for metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Lost = Literal["no_room", "unstorable", "closed"]
"""Why a row is lost: memory was full of rows that wait for the disk, the row did not fit the log's columns, or the log was closed
while the disk refused."""

LOST: tuple[Lost, ...] = get_args(Lost)


@dataclass(frozen=True)
class LogStats:
    """Counts since the log was opened; rows offered are always ``rows_written + rows_pending + rows_lost``.

    Parameters
    ----------
    rows_accepted
        Rows that were taken to be written.
    rows_written
        Rows on the disk.
    rows_lost_by
        Rows that will never be written, for each of ``LOST``.
    rows_pending
        Rows in memory.
    parts_written, failed_writes
        Parts on the disk, and attempts at one that the disk refused.
    last_error
        For people: what the disk refuses now, else why a record that did not fit was lost last, else None.
    """

    rows_accepted: int
    rows_written: int
    rows_lost_by: Mapping[Lost, int]
    rows_pending: int
    parts_written: int
    failed_writes: int
    last_error: str | None

    def __add__(self, other: LogStats) -> LogStats:
        """Return the counts of both logs together."""
        return LogStats(
            rows_accepted=self.rows_accepted + other.rows_accepted,
            rows_written=self.rows_written + other.rows_written,
            rows_lost_by={why: rows + other.rows_lost_by[why] for why, rows in self.rows_lost_by.items()},
            rows_pending=self.rows_pending + other.rows_pending,
            parts_written=self.parts_written + other.parts_written,
            failed_writes=self.failed_writes + other.failed_writes,
            last_error=self.last_error or other.last_error,
        )

    @property
    def rows_lost(self) -> int:
        """Rows that will never be written, for whatever reason."""
        return sum(self.rows_lost_by.values())
