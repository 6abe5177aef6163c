"""A run's copy of the code: made once, shared by runs whose code is the same, and never changed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from .errors import SettingsError

_SKIPPED = frozenset({"__pycache__", "node_modules"})
_LARGEST = 50 * 1024 * 1024


def snapshot(folder: Path, run: UUID, root: Path, parts: Iterable[str]) -> Path:
    """Return the run's copy of ``parts`` of ``root``; the first call of a run makes it, later ones find it.

    Hidden files, virtual environments and files over 50 MiB are left out. Byte code that this process left beside the code comes
    along (Python trusts it by the time of the source, which the copy keeps), so that no job has to compile.
    """
    mark = folder / "runs" / str(run) / "code"
    if mark.is_file():
        return folder / "code" / mark.read_text(encoding="ascii").strip()
    files = sorted(set(_files(root, parts)))
    if not files:
        raise SettingsError(f"There is no code to copy in {root}.", f"Check code_root and code: {', '.join(parts)}.")
    digest = _digest(root, files)
    target = folder / "code" / digest
    if not target.is_dir():
        _copy(root, files, target)
    os.utime(target)
    mark.parent.mkdir(parents=True, exist_ok=True)
    temporary = mark.with_name(f".code.{os.getpid()}.tmp")
    temporary.write_text(digest, encoding="ascii")
    os.replace(temporary, mark)
    return target


def _files(root: Path, parts: Iterable[str]) -> Iterator[Path]:
    for part in parts:
        start = root / part
        if start.is_file():
            yield start
            continue
        if not start.is_dir():
            raise SettingsError(f"The code '{part}' is not in {root}.", "Check the step operator's settings code_root and code.")
        for here, folders, names in os.walk(start):
            folders[:] = [name for name in folders if not _is_skipped(Path(here) / name)]
            for name in names:
                file = Path(here) / name
                if not name.startswith(".") and file.suffix != ".pyc" and file.is_file() and file.stat().st_size <= _LARGEST:
                    yield file


def _is_skipped(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _SKIPPED or (folder / "pyvenv.cfg").exists()


def _digest(root: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _copy(root: Path, files: list[Path], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        for file in files:
            copy = temporary / file.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
            _copy_bytecode(file, copy)
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():  # else another run has just made the same copy
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy_bytecode(file: Path, copy: Path) -> None:
    if file.suffix != ".py":
        return
    compiled = Path(importlib.util.cache_from_source(str(file)))
    with suppress(OSError):  # there is none, or another process writes it just now
        target = copy.parent / "__pycache__" / compiled.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(compiled, target)
