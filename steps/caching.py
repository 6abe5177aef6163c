"""What makes a step's earlier result stale: its inputs, its settings, and any change of the code."""

from __future__ import annotations

import hashlib
import uuid
from functools import cache
from pathlib import Path

from zenml.config.cache_policy import CachePolicy

import fusionguard
from fusionguard.files import write_text
from fusionguard.home import find_home

_PROJECT = Path(__file__).resolve().parents[1]
_SUFFIXES = {".py", ".sql", ".json"}


@cache
def code_fingerprint() -> str:
    """Return the SHA-256 over the domain's code, the steps, the materializers and the locked versions."""
    folders = [Path(fusionguard.__file__).resolve().parent, _PROJECT / "steps", _PROJECT / "materializers"]
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES):
            digest.update(f"{folder.name}/{file.relative_to(folder).as_posix()}\n".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    lock = _PROJECT / "requirements.lock"
    if lock.is_file():
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def store_mark() -> str:
    """Return what tells this artifact folder from another in its place: where it was emptied, nothing cached is left in it."""
    mark = find_home().state / "artifacts" / ".mark"
    if not mark.is_file():
        write_text(mark, uuid.uuid4().hex)
    return mark.read_text(encoding="utf-8")


def freshness() -> str:
    """Return the part of a cache key that a step's inputs do not say."""
    return f"{code_fingerprint()} {store_mark()}"


CACHE_POLICY = CachePolicy(cache_func=freshness)  # type: ignore[arg-type]  # ZenML turns it into a source
"""For every pipeline: ZenML's default, the code's fingerprint, and the artifact folder's mark."""
