"""Files that are either whole or absent: atomic writes, atomic folders, and their SHA-256."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fusionguard.errors import StorageError, UsageError

_REMEDIES = {
    errno.ENOSPC: "The disk is full: free some space or choose another folder, then run it again.",
    errno.EDQUOT: "Your quota is used up: free some space or choose another folder, then run it again.",
    errno.EROFS: "The file system is read-only: choose another folder.",
    errno.EACCES: "You may not write there: change its permissions or choose another folder.",
    errno.EPERM: "You may not write there: change its permissions or choose another folder.",
    errno.EISDIR: "It is a folder: name a file.",
    errno.ENOTDIR: "A parent of it is a file: choose another folder.",
    errno.EEXIST: "A parent of it is a file: choose another folder.",
    errno.ENAMETOOLONG: "Its name is too long for the file system: choose a shorter one.",
    errno.EFBIG: "A file may not be so large here (see ulimit -f): have the limit raised.",
    errno.EIO: "The disk reports a fault: choose another one.",
}


_NO_LOCKS = {errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES}
_LOCK_SLEEP_SECONDS = 0.02
_umask_lock = threading.Lock()


@contextmanager
def storage_errors(target: Path) -> Iterator[None]:
    """Turn what a disk can refuse (full, read-only, forbidden) into a :class:`StorageError` with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT and error.filename and Path(os.fsdecode(error.filename)) in target.parents:
            error = OSError(errno.EROFS, "its folder takes no new files")  # a folder that cannot be made, as in /proc
        remedy = _REMEDIES.get(error.errno or 0)
        if remedy is None:
            raise
        raise StorageError(f"Cannot write {target}: {error.strerror}.", remedy) from error


def check_output(target: Path, what: str, *, folder: bool = False) -> None:
    """Find out, before any work, whether a file (or ``folder``) that a user named could be written; nothing is left behind.

    What a user names is written where its folder exists already: a mistyped path makes none.

    Parameters
    ----------
    what
        What is to be written, for the message: ``the scores``.

    Raises
    ------
    UsageError
        Its folder is missing or takes no new files, its name is too long or no UTF-8, or something else stands there: a folder,
        a pipe, a device, or a file where a folder is to be.
    """
    kind = "folder" if folder else "file"
    check_name(target)
    try:
        if target.parent.is_file():
            raise UsageError(f"'{target.parent}' is a file, not a folder for {what}.", f"Name another {kind}.")
        if not target.parent.is_dir():
            raise UsageError(f"There is no folder '{target.parent}' for {what}.", f"Create it, or name another {kind}.")
        if target.exists():
            found = "folder" if target.is_dir() else "file" if target.is_file() else "pipe or a device"
            if found != kind:
                raise UsageError(f"'{target}' is a {found}.", f"Name a {kind} for {what}.")
        new_file_beside(target).unlink()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            shown = f"The name '{str(target)[:40]}...' is too long for the file system."
            raise UsageError(shown, "Choose a shorter one.") from error
        remedy = _REMEDIES.get(error.errno or 0, "Choose another folder.")
        raise UsageError(f"Cannot write {target}: {error.strerror}.", remedy) from error


def check_name(path: Path) -> None:
    """Raise :class:`UsageError` for a path with bytes that are no UTF-8, which Arrow and DuckDB cannot open."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"The name {str(path)!a} is not UTF-8.", "Rename it.") from error


def new_file_beside(target: Path) -> Path:
    """Make an empty file beside ``target``, in its folder, which is made if need be, and return its path."""
    with _new_entry(target):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    os.close(handle)
    return Path(name)


def new_folder_beside(target: Path, prefix: str) -> Path:
    """Make a folder beside ``target``, in its folder, which is made if need be, and return its path."""
    with _new_entry(target):
        return Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix, suffix=".tmp"))


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary file path beside ``target``; on success it is fsynced and replaces ``target``, else it is removed."""
    with storage_errors(target):
        temporary = new_file_beside(target)
        try:
            yield temporary
            _fsync(temporary)
            temporary.chmod(0o666 & ~_umask())
            os.replace(temporary, target)
            _fsync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``target`` that takes its place on success; an older ``target`` is replaced."""
    with storage_errors(target):
        temporary = new_folder_beside(target, f".{target.name}.")
        try:
            yield temporary
            for path in sorted(temporary.rglob("*")):
                _fsync(path)
            temporary.chmod(0o777 & ~_umask())
            with locked(target.parent):
                _swap(temporary, target)
            _fsync(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(path: Path, *, wait_seconds: float = math.inf) -> Iterator[None]:
    """Keep others that ask for the same lock out of a folder or file that exists; they wait. Nothing is left behind.

    Some network file systems have no such locks; there, two writers at once are on their own.

    Raises
    ------
    StorageError
        Another one has held the lock for ``wait_seconds``.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            _lock(descriptor, path, wait_seconds)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Tell whether another holds the lock of a folder or file; where there are no locks, nobody is known to."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    finally:
        os.close(descriptor)
    return False


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, which costs no space, or copy it where that cannot be; neither may be rewritten in place."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        shutil.copyfile(source, target)


def _lock(descriptor: int, path: Path, wait_seconds: float) -> None:
    if wait_seconds == math.inf:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    end = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= end:
                what = f"Another process is writing in {path}, and has not ended in {wait_seconds:g} s."
                raise StorageError(what, "Wait for it or end it, then run it again.") from error
            time.sleep(_LOCK_SLEEP_SECONDS)


def write_bytes(target: Path, content: bytes) -> None:
    """Write ``content`` to ``target`` atomically."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Write ``content`` to ``target`` as UTF-8, atomically."""
    write_bytes(target, content.encode("utf-8"))


def json_text(content: Any) -> str:
    """Return ``content`` as JSON that is the same for the same content: sorted keys, no NaN, a final newline."""
    return json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(target: Path, content: Any) -> None:
    """Write ``content`` to ``target`` as deterministic JSON, atomically."""
    write_text(target, json_text(content))


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _swap(temporary: Path, target: Path) -> None:
    """Put a folder in the place of another, which is removed only when the new one stands."""
    retired = temporary.with_suffix(".old")
    try:
        if target.exists():
            os.replace(target, retired)
        os.replace(temporary, target)
    except BaseException:
        if retired.exists() and not target.exists():
            os.replace(retired, target)
        raise
    shutil.rmtree(retired, ignore_errors=True)


@contextmanager
def _new_entry(target: Path) -> Iterator[None]:
    """Make the folder of ``target``; what cannot be made in a folder that is there says so (``/proc``: "no such file")."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except FileNotFoundError as error:
        raise OSError(errno.EROFS, "its folder takes no new files") from error


def _umask() -> int:
    with _umask_lock:  # it can only be read by setting it
        mask = os.umask(0o077)
        os.umask(mask)
    return mask


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(target: Path, line: str) -> None:
    """Append a line of UTF-8 that is on the disk, whole, when this returns; writers at the same time wait for each other.

    Raises
    ------
    StorageError
        The disk is full, or the file cannot be written; what was written of the line is taken back.
    """
    with storage_errors(target):
        with _new_entry(target):
            target.touch()
        with locked(target), target.open("ab") as stream:
            before = stream.tell()
            try:
                stream.write(line.encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            except OSError:
                os.truncate(target, before)
                raise
