"""Builds the index: reads the sources, refuses what may not be known, and replaces the file as a whole."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fusionguard.assistant.documents import docs_folder, read_documents
from fusionguard.assistant.embedding import Embedder, find_embedder
from fusionguard.assistant.model_runs import read_models
from fusionguard.assistant.monitoring_runs import read_verdicts
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.refusing import forbidden_in
from fusionguard.assistant.store import Content, Vector, index_bytes, old_content
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


def build_index(home: Home, *, docs: Path | None = None, file: Path | None = None, words_only: bool = False) -> IndexReport:
    """Bring the index up to date; readers see the old one or the new one, and builds at the same time wait for each other.

    Parameters
    ----------
    docs
        The documents' folder, with the README beside it; that of the checkout by default.
    file
        What to write; ``home.assistant_index`` by default.
    words_only
        Embed nothing, even where the embedding model is installed.

    Raises
    ------
    StorageError
        The file cannot be written, another build does not end, or an embedding model is installed and damaged.
    """
    file = file or home.assistant_index
    embedder = None if words_only else find_embedder()
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.parent, wait_seconds=WAIT_SECONDS):
        read = read_documents(docs or docs_folder(home)) + read_models(home) + read_verdicts(home)
        passages, refused = _allowed(read.passages)
        old = old_content(file)
        vectors, embedded = _vectors(passages, embedder, old)
        content = Content(passages, vectors, embedder.name if embedder else "")
        if not content.same_as(old):
            write_bytes(file, index_bytes(content))
    before = {passage.id for passage in old.passages} if old else set()
    now = {passage.id for passage in passages}
    return IndexReport(
        file=file,
        added=len(now - before),
        kept=len(now & before),
        removed=len(before - now),
        embedded=embedded,
        refused=refused,
        notes=read.notes,
    )


def _vectors(passages: tuple[Passage, ...], embedder: Embedder | None, old: Content | None) -> tuple[dict[str, Vector], int]:
    """Return every passage's vector by its id, and how many had to be made: an id stays only while its text stays."""
    if embedder is None:
        return {}, 0
    known = old.vectors if old and old.embedder == embedder.name else {}
    new = {p.id: embedder.embed(f"{p.heading}\n{p.text}") for p in passages if p.id not in known}
    return {passage.id: new[passage.id] if passage.id in new else known[passage.id] for passage in passages}, len(new)


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
