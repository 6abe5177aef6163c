"""A file that lines are appended to, of bounded size: renamed with its time when it is full; old ones go."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from fusionguard.files import append_line, locked, storage_errors

MOST_BYTES, KEEP = 10 * 2**20, 9


class KeptLines:
    """The lines of ``NAME.jsonl`` in a folder that is made for its owner alone; threads and processes may add at once.

    Parameters
    ----------
    file
        The file that is written.
    most_bytes
        The size from which it is set aside.
    keep
        How many files that were set aside are kept.
    """

    def __init__(self, file: Path, *, most_bytes: int = MOST_BYTES, keep: int = KEEP) -> None:
        self.file, self._most_bytes, self._keep = file, most_bytes, keep

    def add(self, line: str) -> None:
        """Append a line; raises :class:`StorageError` where the disk refuses."""
        with storage_errors(self.file):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_full():
                self._set_aside()
            append_line(self.file, line)

    def _is_full(self) -> bool:
        try:
            return self.file.stat().st_size >= self._most_bytes
        except FileNotFoundError:
            return False  # none yet, or another one has just set it aside

    def _set_aside(self) -> None:
        with locked(self.file.parent):
            if not self._is_full():
                return
            stem = self.file.stem
            os.replace(self.file, self.file.with_name(f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.jsonl"))
            for old in sorted(self.file.parent.glob(f"{stem}-*.jsonl"))[: -self._keep or None]:
                old.unlink(missing_ok=True)
