"""Builds the index: reads the sources, refuses what may not be known, and replaces the file as a whole."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fusionguard.assistant.documents import docs_folder, read_documents
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.refusing import forbidden_in
from fusionguard.assistant.store import Content, index_bytes, old_content
from fusionguard.files import locked, storage_errors, write_bytes
from fusionguard.home import Home

WAIT_SECONDS = 60.0
"""How long a build waits for another one."""


class Refused(BaseModel):
    """A passage that is not in the index, and what kind of thing was found in it; never the thing itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    heading: str
    kind: str


class IndexReport(BaseModel):
    """What a build did, in passages; ``notes`` say in plain words what is not in the index and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    added: int
    kept: int
    removed: int
    embedded: int = 0
    """How many passages the embedding model read; the others had their vector already, or there is no model."""
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passages(self) -> int:
        """How many passages the index holds now."""
        return self.added + self.kept


def build_index(home: Home, *, docs: Path | None = None, file: Path | None = None) -> IndexReport:
    """Bring the index up to date: ``docs`` is the checkout's folder and ``file`` is ``home.assistant_index`` by default.

    Readers see the old index or the new one; builds at the same time wait for each other.

    :raises StorageError: the file cannot be written, or another build does not end.
    """
    file = file or home.assistant_index
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.parent, wait_seconds=WAIT_SECONDS):
        documents = read_documents(docs or docs_folder(home))
        passages, refused = _allowed(documents.passages)
        old = old_content(file)
        content = Content(passages, {}, "")
        if old != content:
            write_bytes(file, index_bytes(content))
    before = {passage.id for passage in old.passages} if old else set()
    now = {passage.id for passage in passages}
    return IndexReport(
        file=file,
        added=len(now - before),
        kept=len(now & before),
        removed=len(before - now),
        refused=refused,
        notes=documents.notes,
    )


def _allowed(passages: tuple[Passage, ...]) -> tuple[tuple[Passage, ...], tuple[Refused, ...]]:
    """Part the passages that may be known from the kinds of things found in the others."""
    allowed: dict[str, Passage] = {}
    refused: list[Refused] = []
    for passage in passages:
        kinds = forbidden_in(f"{passage.heading}\n\n{passage.text}")
        if kinds:
            refused += [Refused(file=passage.file, heading=passage.heading, kind=kind) for kind in kinds]
        else:
            allowed[passage.id] = passage
    return tuple(allowed.values()), tuple(refused)
