"""What makes a step's earlier result stale: its inputs, its settings, and any change of the code."""

from __future__ import annotations

import hashlib
import uuid
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from zenml.config.cache_policy import CachePolicy

import fusionguard
import materializers
from fusionguard.files import write_text
from fusionguard.home import find_checkout, find_home

_SUFFIXES = {".py", ".sql", ".json", ".yaml"}


@cache
def code_fingerprint() -> str:
    """Return the SHA-256 over the domain's code, the steps, the materializers and the versions of what they import.

    A checkout's lock says which versions; where the package is installed from a wheel, those that are there count.
    """
    digest = hashlib.sha256()
    for module in (fusionguard.__file__, __file__, materializers.__file__):
        folder = Path(module).resolve().parent
        for file in sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES):
            digest.update(f"{folder.name}/{file.relative_to(folder).as_posix()}\n".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    checkout = find_checkout()
    digest.update(_installed() if checkout is None else (checkout / "requirements.lock").read_bytes())
    return digest.hexdigest()


def _installed() -> bytes:
    """Return the versions of the packages that ours asks for, a line each, as far as they are installed."""
    lines = set()
    for wanted in distribution("fusionguard").requires or ():
        name = Requirement(wanted).name
        try:
            lines.add(f"{name}=={distribution(name).version}\n")
        except PackageNotFoundError:
            continue  # it belongs to an extra that nobody asked for
    return "".join(sorted(lines)).encode()


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
"""For every pipeline (see :func:`steps.pipeline_options.pipeline_options`): ZenML's default, and :func:`freshness`."""
