"""A study's journal: an append-only file of JSON lines that processes on several computers may write to."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from fusionguard.errors import StorageError
from fusionguard.files import storage_errors


def open_journal(file: Path) -> JournalStorage:
    """Open a journal, or begin one.

    Raises
    ------
    StorageError
        The file cannot be written, or holds a line that no study has written. A last line without its end is no damage: its
        writer died over it, so it never counted, and it is cut off.
    """
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = _MendingLock(file)
        backend = JournalFileBackend(str(file), lock_obj=lock)
        lock.acquire()
        try:
            _check(file)
        finally:
            lock.release()
        try:
            return JournalStorage(backend)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise _damaged(file, "its lines contradict each other") from error


class _MendingLock(JournalFileOpenLock):  # type: ignore[misc]
    """Optuna's lock for network file systems (NFS 3 and later), which also cuts off what a dead writer left unfinished.

    Without that, the next line would be glued to the torn one and the journal could never be read again. A lock whose owner
    died is broken after 30 s.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self._file = file

    def acquire(self) -> bool:
        super().acquire()
        try:
            _cut_torn_end(self._file)
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        with contextlib.suppress(RuntimeError):  # another worker broke it, because this one stood still: the line is written
            super().release()


def _cut_torn_end(file: Path) -> None:
    with file.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size == 0:
            return
        stream.seek(size - 1)
        if stream.read(1) == b"\n":
            return
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)


def _check(file: Path) -> None:
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                operation = json.loads(line)
            except ValueError as error:
                raise _damaged(file, f"line {number} is no JSON") from error
            if not isinstance(operation, dict) or not isinstance(operation.get("op_code"), int):
                raise _damaged(file, f"line {number} is no operation of a study")


def _damaged(file: Path, why: str) -> StorageError:
    return StorageError(
        f"The tuning study '{file}' is damaged: {why}.", "Move it away or delete it; the search then begins anew."
    )
