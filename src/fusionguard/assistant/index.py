"""The index of what the assistant knows: built by :func:`build_index`, searched through :func:`open_index`."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from fusionguard.assistant.build import IndexReport, Refused, build_index
from fusionguard.assistant.embedding import Embedder, find_embedder
from fusionguard.assistant.passages import Found, Passage, Retrieval
from fusionguard.assistant.question import LONGEST_QUESTION_CHARACTERS, search_words
from fusionguard.assistant.ranking import fuse, holding, one_a_section, rank_by_meaning, rank_by_words
from fusionguard.assistant.store import DIMENSIONS, Content, Vector, open_bytes, read_content
from fusionguard.assistant.support import (
    SUPPORTED,
    WITH_MEANING,
    WORDS_ALONE,
    Evidence,
    covered_share,
    is_supported,
    support,
    unheard_share,
)
from fusionguard.errors import StorageError

__all__ = ["SUPPORTED", "Index", "IndexReport", "Refused", "build_index", "is_supported", "open_index"]


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
        found, evidence, by_meaning = self._look(question, limit)
        if evidence is None:
            return Retrieval(found=(), support=0.0)
        return Retrieval(found=found, support=support(evidence, WITH_MEANING if by_meaning else WORDS_ALONE))

    def evidence(self, question: str, *, limit: int = 5) -> Evidence | None:
        """Return what the support of a search is weighed from; nothing where nothing is found."""
        return self._look(question, limit)[1]

    def _look(self, question: str, limit: int) -> tuple[tuple[Found, ...], Evidence | None, bool]:
        question = " ".join(question.split())[:LONGEST_QUESTION_CHARACTERS]
        words = search_words(question)
        if not words.own:
            return (), None, False
        vector = self._embedder.embed(question) if self._embedder else None  # the slow part, so before the lock
        with self._lock:
            snapshot = self._current()
            cosines = snapshot.cosines(vector, self._embedder.name) if self._embedder and vector is not None else None
            by_meaning = [] if cosines is None else rank_by_meaning(cosines)
            fused = fuse(rank_by_words(snapshot.database, words.all), by_meaning)
            ranked = one_a_section(fused, snapshot.passages)[:limit]
            held = holding(snapshot.database, dict.fromkeys((*words.own, *words.all)))
        if not ranked:
            return (), None, False
        numbers = [number for number, _ in ranked]
        evidence = Evidence(
            covered=covered_share({word: held[word] for word in words.all}, numbers, len(snapshot.passages)),
            unheard=unheard_share(held, words.own),
            cosine=0.0 if cosines is None else max(0.0, float(cosines[numbers].max())),
        )
        found = tuple(Found(passage=snapshot.passages[number], score=score) for number, score in ranked)
        return found, evidence, cosines is not None

    def _current(self) -> _Snapshot:
        """Return the index as its file is now; call it with the lock held."""
        try:
            state = self.file.stat()
            stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
            if self._snapshot is not None and self._snapshot.stamp == stamp:
                return self._snapshot
            content = self.file.read_bytes()
        except FileNotFoundError as error:
            raise StorageError(
                f"There is no assistant's index at {self.file}.", "Make it: fusionguard index (make index)."
            ) from error
        except OSError as error:
            raise StorageError(f"Cannot read the assistant's index {self.file}: {error.strerror}.") from error
        database = open_bytes(content, self.file)
        if self._snapshot is not None:
            self._snapshot.database.close()
        held = read_content(database)
        self._snapshot = _Snapshot(stamp, database, held.passages, held.embedder, *_stacked(held))
        return self._snapshot


@dataclass(frozen=True)
class _Snapshot:
    """An index in memory, as its file was at one moment."""

    stamp: tuple[int, int, int]
    database: sqlite3.Connection
    passages: tuple[Passage, ...]
    embedder: str
    vectors: Vector
    """One row a part, those of a passage together; no rows where the index was built without a model."""
    first_parts: npt.NDArray[np.intp]
    """The row at which each passage begins."""

    def cosines(self, question: Vector, embedder: str) -> Vector | None:
        """Return each passage's cosine with the question, that of its best part; null where another model made them, or none."""
        if len(self.first_parts) == 0 or self.embedder != embedder:
            return None
        return np.asarray(np.maximum.reduceat(self.vectors @ question, self.first_parts), dtype=np.float32)


def _stacked(held: Content) -> tuple[Vector, npt.NDArray[np.intp]]:
    """Return the vectors of all passages below each other, and where each passage's begin; none where one has none."""
    parts = [held.vectors[passage.id] for passage in held.passages if passage.id in held.vectors]
    if not parts or len(parts) < len(held.passages):
        return np.empty((0, DIMENSIONS), np.float32), np.empty(0, np.intp)
    counts = np.array([len(part) for part in parts], dtype=np.intp)
    return np.concatenate(parts), np.cumsum(counts) - counts
