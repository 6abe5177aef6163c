"""Builds the index: reads the sources, refuses what may not be known, and replaces the file as a whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.assistant.asked import private_columns
from fusionguard.assistant.documents import docs_folder, read_documents
from fusionguard.assistant.embedding import Embedder, find_embedder
from fusionguard.assistant.known_models import KnownModels, served_release
from fusionguard.assistant.model_runs import read_models
from fusionguard.assistant.monitoring_runs import read_verdicts
from fusionguard.assistant.names import read_names
from fusionguard.assistant.parts import parts_of
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.refusing import forbidden_in
from fusionguard.assistant.settings import PREFIX
from fusionguard.assistant.store import Content, Vector, index_bytes, old_content
from fusionguard.files import locked, storage_errors, write_bytes
from fusionguard.home import Home

Embed = Literal["always", "if begun", "never"]

WAIT_SECONDS = 60.0
"""How long a build waits for another one."""


class Refused(BaseModel):
    """A passage that is not in the index, and what kind of thing was found in it; never the thing itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    heading: str
    kind: str


class _Hidden(NamedTuple):
    """What is looked for besides what looks personal: customers' names, and private columns of declared data sets."""

    names: frozenset[str]
    columns: frozenset[str]


class IndexReport(BaseModel):
    """What a build did, in passages; ``notes`` say in plain words what is not in the index and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    added: int
    kept: int
    removed: int
    embedded: int = 0
    """How many passages the embedding model read; the others had their vector already, or there is no model."""
    by_meaning: bool = False
    """Whether the index can be searched by meaning, too."""
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passages(self) -> int:
        """How many passages the index holds now."""
        return self.added + self.kept

    def sentence(self) -> str:
        """Say in one line what the index holds now."""
        search = "by words and by meaning" if self.by_meaning else "by words alone"
        refused = f", {len({(each.file, each.heading) for each in self.refused})} refused" if self.refused else ""
        return (
            f"The assistant knows {self.passages:,} passages ({self.added:,} new, {self.removed:,} gone{refused}), "
            f"searched {search}."
        )


def build_index(
    home: Home,
    *,
    docs: Path | None = None,
    file: Path | None = None,
    embed: Embed = "always",
    environment: Mapping[str, str] = os.environ,
) -> IndexReport:
    """Bring the index up to date; readers see the old one or the new one, and builds at the same time wait for each other.

    Parameters
    ----------
    docs
        The documents' folder, with the README beside it; that of the checkout by default.
    file
        What to write; ``home.assistant_index`` by default.
    embed
        When the embedding model reads what is new, if it is installed: "if begun" where the index has its vectors already, so
        that a run does not wait for the documents to be read for the first time.
    environment
        Where ``FUSIONGUARD_ASSISTANT_NAMES`` may name a file of customers' names.

    Raises
    ------
    UsageError
        The file of customers' names cannot be read.
    StorageError
        The file cannot be written, another build does not end, or an embedding model is installed and damaged.
    """
    file = file or home.assistant_index
    listed = environment.get(f"{PREFIX}NAMES")
    names = read_names(Path(listed) if listed else None)
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.parent, wait_seconds=WAIT_SECONDS):
        read = read_documents(docs or docs_folder(home)) + read_models(home) + read_verdicts(home)
        old = old_content(file)
        embedder = find_embedder() if embed == "always" or (embed == "if begun" and old and old.embedder) else None
        hidden = _Hidden(names, private_columns(KnownModels(home, served_release(home, environment))()))
        passages, refused = _allowed(_once(read.passages), old, hidden)
        vectors, embedded = _vectors(passages, embedder, old)
        content = Content(passages, vectors, embedder.name if embedder else "", _rules(hidden))
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
        by_meaning=bool(vectors),
        refused=refused,
        notes=read.notes,
    )


def _vectors(passages: tuple[Passage, ...], embedder: Embedder | None, old: Content | None) -> tuple[dict[str, Vector], int]:
    """Return the vectors by passage id, and for how many they had to be made: an id stays only while its text stays."""
    if embedder is None:
        return {}, 0
    known = old.vectors if old and old.embedder == embedder.name else {}
    new = {p.id: np.stack([embedder.embed(part) for part in parts_of(p)]) for p in passages if p.id not in known}
    return {passage.id: new[passage.id] if passage.id in new else known[passage.id] for passage in passages}, len(new)


def _once(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
    """Leave out what a card says word for word as a document or another card: a search would find nothing else."""
    said: set[tuple[str, str]] = set()
    kept = []
    for passage in passages:
        words = (passage.heading.rpartition(" > ")[2], passage.text)
        if passage.kind != "card" or words not in said:
            kept.append(passage)
        said.add(words)
    return tuple(kept)


def _allowed(
    passages: tuple[Passage, ...], old: Content | None, hidden: _Hidden
) -> tuple[tuple[Passage, ...], tuple[Refused, ...]]:
    """Part the passages that may be known from the kinds of things found in the others.

    What the old index holds was found to be allowed, and is not looked at again while the rules are the same.
    """
    known = {passage.id for passage in old.passages} if old and old.rules == _rules(hidden) else set()
    allowed: dict[str, Passage] = {}
    refused: list[Refused] = []
    for passage in passages:
        kinds = () if passage.id in known else forbidden_in(f"{passage.heading}\n\n{passage.text}", *hidden)
        if kinds:
            refused += [Refused(file=passage.file, heading=_heading(passage, hidden), kind=kind) for kind in kinds]
        else:
            allowed[passage.id] = passage
    return tuple(allowed.values()), tuple(refused)


def _heading(passage: Passage, hidden: _Hidden) -> str:
    """Return where a refused passage stands; a heading that holds what is refused is not repeated."""
    return "(its heading holds it)" if forbidden_in(passage.heading, *hidden) else passage.heading


@cache
def _rules(hidden: _Hidden) -> str:
    """Return what changes with the rules of what is refused, and with anything else the assistant is made of."""
    code = sorted(Path(__file__).parent.glob("*.py"))
    listed = "\n".join((*sorted(hidden.names), "", *sorted(hidden.columns))).encode()
    return hashlib.sha256(b"".join(file.read_bytes() for file in code) + listed).hexdigest()
