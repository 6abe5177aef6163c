"""The index of what the assistant knows: built by :func:`build_index`, searched through :func:`open_index`."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from fusionguard.assistant.build import IndexReport, Refused, build_index
from fusionguard.assistant.embedding import Embedder, find_embedder
from fusionguard.assistant.passages import Found, Passage, Retrieval
from fusionguard.assistant.question import LONGEST_QUESTION_CHARACTERS, content_words
from fusionguard.assistant.ranking import coverage, fuse, rank_by_meaning, rank_by_words
from fusionguard.assistant.store import Vector, open_bytes, read_content
from fusionguard.assistant.support import SUPPORTED, is_supported, support
from fusionguard.errors import StorageError

__all__ = ["SUPPORTED", "Index", "IndexReport", "Refused", "build_index", "is_supported", "open_index"]

_NOTHING = Retrieval(found=(), support=0.0)


def open_index(file: Path, *, words_only: bool = False) -> Index:
    """Open an index to search it.

    Parameters
    ----------
    words_only
        Search by words alone, even where the embedding model is installed.

    Raises
    ------
    StorageError
        There is none, or it is damaged; or an embedding model is installed and damaged.
    """
    index = Index(file, None if words_only else find_embedder())
    index.passages()
    return index


class Index(AbstractContextManager["Index"]):
    """An index that many threads may search at once; a file that is built anew is taken over at the next search."""

    def __init__(self, file: Path, embedder: Embedder | None = None) -> None:
        """Name the index's file; it is read at the first search. Without an ``embedder`` the search is by words alone."""
        self.file = file
        self._embedder = embedder
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            if self._snapshot is not None:
                self._snapshot.database.close()
            self._snapshot = None

    def passages(self) -> tuple[Passage, ...]:
        """Return every passage, in the order of the documents."""
        with self._lock:
            return self._current().passages

    def passage(self, id: str) -> Passage | None:
        """Return the passage of an id; nothing where the index holds none."""
        return next((passage for passage in self.passages() if passage.id == id), None)

    def search(self, question: str, *, limit: int = 5) -> Retrieval:
        """Return the best passages for a question, best first, at most ``limit``."""
        question = " ".join(question.split())[:LONGEST_QUESTION_CHARACTERS]
        words = content_words(question)
        if not words:
            return _NOTHING
        vector = self._embedder.embed(question) if self._embedder else None  # the slow part, so before the lock
        with self._lock:
            snapshot = self._current()
            by_words = rank_by_words(snapshot.database, words)
            cosines = snapshot.cosines(vector, self._embedder.name) if self._embedder and vector is not None else None
            ranked = fuse(by_words, [] if cosines is None else rank_by_meaning(cosines))[:limit]
            numbers = [number for number, _ in ranked]
            covered = coverage(snapshot.database, words, numbers, len(snapshot.passages))
        if not ranked:
            return _NOTHING
        best = max(support(covered[number], None if cosines is None else float(cosines[number])) for number in numbers)
        return Retrieval(
            found=tuple(Found(passage=snapshot.passages[number], score=score) for number, score in ranked), support=best
        )

    def _current(self) -> _Snapshot:
        """Return the index as its file is now; call it with the lock held."""
        try:
            state = self.file.stat()
            stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
            if self._snapshot is not None and self._snapshot.stamp == stamp:
                return self._snapshot
            content = self.file.read_bytes()
        except FileNotFoundError as error:
            raise StorageError(f"There is no assistant's index at {self.file}.", "Make it: make index") from error
        except OSError as error:
            raise StorageError(f"Cannot read the assistant's index {self.file}: {error.strerror}.") from error
        database = open_bytes(content, self.file)
        if self._snapshot is not None:
            self._snapshot.database.close()
        held = read_content(database)
        vectors = [held.vectors[passage.id] for passage in held.passages if passage.id in held.vectors]
        matrix = np.stack(vectors) if vectors and len(vectors) == len(held.passages) else None
        self._snapshot = _Snapshot(stamp, database, held.passages, held.embedder, matrix)
        return self._snapshot


@dataclass(frozen=True)
class _Snapshot:
    """An index in memory, as its file was at one moment."""

    stamp: tuple[int, int, int]
    database: sqlite3.Connection
    passages: tuple[Passage, ...]
    embedder: str
    vectors: Vector | None
    """One row a passage; null where the index was built without a model."""

    def cosines(self, question: Vector, embedder: str) -> Vector | None:
        """Return each passage's cosine with the question; null where the passages were embedded by another model, or none."""
        if self.vectors is None or self.embedder != embedder:
            return None
        return np.asarray(self.vectors @ question, dtype=np.float32)
