"""The index of what the assistant knows: built by :func:`build_index`, searched through :func:`open_index`."""

from __future__ import annotations

import math
import sqlite3
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from fusionguard.assistant.build import IndexReport, Refused, build_index
from fusionguard.assistant.passages import Found, Passage, Retrieval
from fusionguard.assistant.question import content_words
from fusionguard.assistant.store import open_bytes, read_content
from fusionguard.errors import StorageError

__all__ = ["SUPPORTED", "Index", "IndexReport", "Refused", "build_index", "is_supported", "open_index"]

SUPPORTED = 0.5
"""From this support on a question can be answered."""

_NO_QUERY = Retrieval(found=(), support=0.0)


def is_supported(retrieval: Retrieval) -> bool:
    """Return whether what was found can carry an answer at all."""
    return bool(retrieval.found) and retrieval.support >= SUPPORTED


def open_index(file: Path) -> Index:
    """Open an index to search it.

    :raises StorageError: there is none, or it is damaged.
    """
    index = Index(file)
    index.passages()
    return index


class Index(AbstractContextManager["Index"]):
    """An index that many threads may search at once; a file that is built anew is taken over at the next search."""

    def __init__(self, file: Path) -> None:
        self.file = file
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
        words = content_words(question)
        if not words:
            return _NO_QUERY
        with self._lock:
            snapshot = self._current()
            ranked = _ranked_by_words(snapshot.database, words)
            support = _coverage(snapshot.database, words, [number for number, _ in ranked[:limit]])
        found = tuple(Found(passage=snapshot.passages[number], score=score) for number, score in ranked[:limit])
        return Retrieval(found=found, support=support)

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
        self._snapshot = _Snapshot(stamp, database, read_content(database).passages)
        return self._snapshot


@dataclass(frozen=True)
class _Snapshot:
    """An index in memory, as its file was at one moment."""

    stamp: tuple[int, int, int]
    database: sqlite3.Connection
    passages: tuple[Passage, ...]


def _ranked_by_words(database: sqlite3.Connection, words: list[str], most: int = 50) -> list[tuple[int, float]]:
    query = " OR ".join(f'"{word}"' for word in words)
    rows = database.execute(
        "SELECT rowid, bm25(words, 1.0, 2.0, 1.0) AS rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?", (query, most)
    )
    return [(number, -rank) for number, rank in rows]


def _coverage(database: sqlite3.Connection, words: list[str], numbers: list[int]) -> float:
    """Return the share of the question's words, weighted by how rare they are, that the best of the passages holds."""
    total = database.execute("SELECT count(*) FROM passages").fetchone()[0]
    weights, covered = 0.0, dict.fromkeys(numbers, 0.0)
    for word in words:
        holding = {row[0] for row in database.execute("SELECT rowid FROM words WHERE words MATCH ?", (f'"{word}"',))}
        weight = math.log(1 + total / (len(holding) + 0.5))
        weights += weight
        for number in holding & covered.keys():
            covered[number] += weight
    return max(covered.values(), default=0.0) / weights if weights else 0.0
