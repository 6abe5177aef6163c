"""Files and folders that are to go: how much that frees, and their removal, which may be killed and run again."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fusionguard.files import storage_errors

REMOVED = ".removed"
"""The suffix of what is being removed; a killed removal leaves it, and the next one takes it away."""


@dataclass(frozen=True)
class Removal:
    """A file or a folder that is to go."""

    path: Path
    kind: str
    """What it is, for people; removals of a kind are shown as one line."""
    why: str


def freed_bytes(removals: Iterable[Removal]) -> int:
    """Return how many bytes the removals free; a file that has another name elsewhere frees none until that goes, too."""
    seen: dict[tuple[int, int], list[int]] = {}
    for removal in removals:
        for status in _files(removal.path):
            entry = seen.setdefault((status.st_dev, status.st_ino), [status.st_size, status.st_nlink, 0])
            entry[2] += 1
    return sum(size for size, names, found in seen.values() if found >= names)


def remove(removal: Removal) -> None:
    """Take a file or a folder away: it is whole until it is gone from its place. What is gone already is no fault.

    Raises
    ------
    StorageError
        The file system is read-only, or forbids it.
    """
    path = removal.path
    away = path if path.name.endswith(REMOVED) else path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{REMOVED}")
    with storage_errors(path):
        try:
            if away != path:
                os.replace(path, away)
            if away.is_dir() and not away.is_symlink():
                shutil.rmtree(away)
            else:
                away.unlink()
        except FileNotFoundError:
            return


def last_change(path: Path) -> float:
    """Return when something in a file or folder was last written, in seconds since 1970; 0 where it is gone."""
    newest = 0.0
    for place in (path, *(path.rglob("*") if path.is_dir() else ())):
        try:
            newest = max(newest, place.lstat().st_mtime)
        except OSError:  # it went meanwhile
            continue
    return newest


def _files(path: Path) -> Iterator[os.stat_result]:
    for place in (path, *(path.rglob("*") if path.is_dir() else ())):
        try:
            status = place.lstat()
        except OSError:
            continue
        if not place.is_dir():
            yield status
