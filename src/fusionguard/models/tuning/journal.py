"""A study's journal: an append-only file of JSON lines that processes on several computers may write to."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.storages.journal._file import LOCK_FILE_SUFFIX, RENAME_FILE_SUFFIX

from fusionguard.errors import StorageError
from fusionguard.files import storage_errors
from fusionguard.models.tuning.workers import try_lock


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
            _sweep(file)
            _check(file)
        finally:
            lock.release()
        try:
            return JournalStorage(backend)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise _damaged(file, "its lines contradict each other") from error


class _MendingLock(JournalFileOpenLock):  # type: ignore[misc]
    """Optuna's lock for network file systems (NFS 3 and later), for files whose writers may die over them.

    Whoever gets it first cuts off what a dead writer left unfinished: else the next line would be glued to the torn one, and the
    journal could never be read again. Optuna breaks a lock that stands still for 30 s; one whose owner died on this computer is
    broken at once, which the file lock tells that the owner holds on it besides.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self._file = file
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        self._break_if_dead()
        super().acquire()
        try:
            self._sign()
            _cut_torn_end(self._file)
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        with contextlib.suppress(RuntimeError):  # another worker broke it, because this one stood still: the line is written
            super().release()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _sign(self) -> None:
        """Lock the lock's file, then name this computer in it: who reads the name knows that the lock had been taken."""
        with contextlib.suppress(FileNotFoundError):  # broken by another worker in this moment
            self._descriptor = os.open(self._lock_file, os.O_RDWR)
            if try_lock(self._descriptor):
                os.write(self._descriptor, socket.gethostname().encode())

    def _break_if_dead(self) -> None:
        try:
            descriptor = os.open(self._lock_file, os.O_RDWR)
        except FileNotFoundError:
            return
        try:
            if try_lock(descriptor) and os.read(descriptor, 256) == socket.gethostname().encode():
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), os.stat(self._lock_file)):  # noqa: PTH116
                        os.unlink(self._lock_file)  # noqa: PTH108
        finally:
            os.close(descriptor)


def _sweep(file: Path) -> None:
    """Remove locks whose owners died while they let go of them: they have been renamed and only wait to be deleted."""
    for other in file.parent.iterdir():
        if other.name.startswith(file.name + LOCK_FILE_SUFFIX) and other.name.endswith(RENAME_FILE_SUFFIX):
            other.unlink(missing_ok=True)


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
