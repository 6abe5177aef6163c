"""The folder that the processes of one running service share; a service that was killed leaves it to the next start to remove."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from fusionguard.files import locked, storage_errors

VARIABLE = "FUSIONGUARD_SERVICE_FOLDER"
"""The environment variable by which a supervisor tells its workers which folder is theirs."""


def claim_folder(root: Path) -> Path:
    """Make a folder under ``root`` for this supervisor and its workers, and remove those of services that have ended.

    A folder is in use as long as one process holds its lock, which workers inherit: no process id is compared, so neither
    reused ids nor containers that share ``root`` mislead. Where a file system has no such locks, leftovers stay.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with locked(root):  # a folder that another service has made and not yet locked would pass for a leftover
            for other in root.iterdir():
                with suppress(FileNotFoundError):  # a service that ends at this moment removes its own
                    if other.stat().st_uid == os.getuid():
                        _remove_unused(other)
            folder = Path(tempfile.mkdtemp(prefix="service-", dir=root))
            descriptor = os.open(folder, os.O_RDONLY)
            _try_lock(descriptor)
            os.set_inheritable(descriptor, True)
    os.environ[VARIABLE] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_unused(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _try_lock(descriptor):
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    """Tell whether nobody else holds the lock; False also where the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
