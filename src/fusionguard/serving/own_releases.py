"""Releases of services that were told what answers: which of them a running service needs, so that others may go some day."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

_OWN = re.compile(r"release-[0-9]+")
_LOCK = re.compile(r"\.release-[0-9]+\.lock")


def hold_release(folder: Path) -> None:
    """Let clean-ups know, for as long as this process lives, that it answers with a release of its own.

    The lock is on a file beside the folder, which itself is replaced by a new one when it is written again. Other releases have
    none: no clean-up removes them.
    """
    if not _OWN.fullmatch(folder.name):
        return
    try:
        descriptor = os.open(_lock_of(folder), os.O_RDWR | os.O_CREAT, 0o666)  # open until the process ends
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except OSError:  # a file system that is read-only or has no locks: nothing is cleaned up there either, see _is_held
        return


def unheld_releases(place: Path) -> Iterator[Path]:
    """Yield releases, in the folder of all of them, of services of their own that have ended."""
    for folder in place.glob("release-*"):
        if _OWN.fullmatch(folder.name) and not _is_held(_lock_of(folder)):
            yield folder


def held_releases(place: Path) -> Iterator[Path]:
    """Yield releases, in the folder of all of them, of services of their own that run."""
    for folder in sorted(place.glob("release-*")):
        if _OWN.fullmatch(folder.name) and _is_held(_lock_of(folder)):
            yield folder


def unused_locks(place: Path) -> Iterator[Path]:
    """Yield locks, in the folder of all releases, whose releases have gone."""
    for lock in place.glob(".release-*.lock"):
        folder = lock.with_name(lock.name.removeprefix(".").removesuffix(".lock"))
        if _LOCK.fullmatch(lock.name) and not folder.exists() and not _is_held(lock):
            yield lock


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


def _is_held(lock: Path) -> bool:
    """Tell whether a process may hold a lock: also where nobody can tell."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
