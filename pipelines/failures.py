"""From whatever a run raised to the one line a person needs."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from fusionguard.errors import FusionGuardError, StorageError, UsageError
from fusionguard.files import storage_errors
from stacks.slurm.errors import SettingsError, SlurmError

_FULL = ("database or disk is full", "disk i/o error")
_READ_ONLY = ("readonly database", "unable to open database file")


def expected_failure(error: BaseException) -> FusionGuardError | None:
    """Return the expected failure at the root of ``error``, or None where there is none (then it is a bug, to be shown whole).

    A :class:`FusionGuardError` counts wherever it hides in the chain of causes; so does a disk that refuses, which
    libraries report in their own ways.
    """
    chain = _chain(error)
    for link in chain:
        if isinstance(link, FusionGuardError):
            return link
    for link in chain:
        if isinstance(link, SlurmError):
            return _as_run_error(link)
    for link in chain:
        refused = _refused_by_disk(link)
        if refused is not None:
            return refused
    return None


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


class ClusterError(FusionGuardError):
    """The cluster refused a job, lost it, or does not answer."""


def _as_run_error(error: SlurmError) -> FusionGuardError:
    if isinstance(error, SettingsError):
        return UsageError(error.what, error.remedy)
    return ClusterError(error.what, error.remedy)


def _refused_by_disk(error: BaseException) -> StorageError | None:
    if isinstance(error, OSError) and error.errno is not None:
        return _as_storage_error(error, str(error.filename or "a file"))
    if isinstance(error, sqlite3.OperationalError):
        text = str(error).lower()
        if any(mark in text for mark in _FULL):
            return _as_storage_error(OSError(errno.ENOSPC, "No space left on device"), "a database")
        if any(mark in text for mark in _READ_ONLY):
            return _as_storage_error(OSError(errno.EROFS, "Read-only file system"), "a database")
    return None


def _as_storage_error(error: OSError, target: str) -> StorageError | None:
    try:
        with storage_errors(Path(target)):
            raise error
    except StorageError as refused:
        return refused
    except OSError:
        return None
