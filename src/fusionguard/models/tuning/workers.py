"""Which workers of a study are alive: each holds a file lock that its system lets go of when it dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
import uuid
from enum import Enum
from pathlib import Path
from types import TracebackType

QUIET_SECONDS = 120.0
"""A worker of another computer whose lock seems free is dead if it reports nothing for so long."""

_NO_LOCKS = {errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class Life(Enum):
    """What can be known of a worker; ``DOUBTFUL`` becomes one of the others within ``QUIET_SECONDS``."""

    ALIVE = "alive"
    DOUBTFUL = "doubtful"
    DEAD = "dead"


class Worker:
    """One worker of the study ``study`` whose files are in ``folder``; a context manager that is alive while it is open."""

    def __init__(self, folder: Path, study: str) -> None:
        self.name = uuid.uuid4().hex
        self.host = socket.gethostname()
        self._folder, self._study = folder, study
        self._descriptor = -1
        self._seen: dict[str, tuple[int, float, bool]] = {}

    def __enter__(self) -> Worker:
        self._descriptor = os.open(self._file(self.name), os.O_CREAT | os.O_RDWR, 0o666)
        try_lock(self._descriptor)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bury(self.name)
        os.close(self._descriptor)

    def life(self, name: str, host: str, reports: int) -> Life:
        """Say whether the worker ``name`` on ``host``, of which ``reports`` reports are known, is alive.

        On one computer the lock is certain. Some network file systems keep locks to each node, or have none: there a free
        lock says nothing, and only a worker's reports, or their absence, do.
        """
        held = self._held(name)
        if held:
            return Life.ALIVE
        if held is False and host == self.host:
            return Life.DEAD
        now = time.monotonic()
        known, since, moved = self._seen.setdefault(name, (reports, now, False))
        if reports != known:
            self._seen[name] = (reports, now, True)
            return Life.ALIVE
        if now - since >= QUIET_SECONDS:
            return Life.DEAD
        return Life.ALIVE if moved else Life.DOUBTFUL

    def bury(self, name: str) -> None:
        """Remove the file of a worker that is no more."""
        self._file(name).unlink(missing_ok=True)

    def _held(self, name: str) -> bool | None:
        """Whether somebody holds the lock; None where the file system has no locks."""
        try:
            descriptor = os.open(self._file(name), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            taken = try_lock(descriptor)
            return None if taken is None else not taken
        finally:
            os.close(descriptor)

    def _file(self, name: str) -> Path:
        return self._folder / f"{self._study}.{name}.worker"


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file without waiting; False where another process has it, None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True
