"""The index as one SQLite file: passages, their vectors, and an FTS5 table of their words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fusionguard.assistant.passages import Passage
from fusionguard.errors import StorageError

FORMAT = 2
"""The layout below; an index of another one is made anew."""

DIMENSIONS = 384
"""Of MiniLM's vectors."""

Vector = npt.NDArray[np.float32]

_LAYOUT = """
CREATE TABLE passages (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, file TEXT NOT NULL, heading TEXT NOT NULL,
    text TEXT NOT NULL, source TEXT NOT NULL, vectors BLOB);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (file, heading, text, tokenize = 'porter unicode61 remove_diacritics 2');
"""
_FIELDS = "id, kind, file, heading, text, source"


@dataclass(frozen=True)
class Content:
    """Everything an index holds: ``vectors`` are by passage id, one row a part, and made by ``embedder``; both empty without."""

    passages: tuple[Passage, ...]
    vectors: Mapping[str, Vector]
    embedder: str
    rules: str = ""
    """Of what is refused, when it was built."""

    def same_as(self, other: Content | None) -> bool:
        """Return whether both hold the same; a vector is that of its passage and model, so its numbers need no look."""
        return (
            other is not None
            and (self.passages, self.embedder, self.rules) == (other.passages, other.embedder, other.rules)
            and self.vectors.keys() == other.vectors.keys()
        )


def index_bytes(content: Content) -> bytes:
    """Return the SQLite file of an index."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_LAYOUT)
        rows = [
            (number, p.id, p.kind, p.file, p.heading, p.text, p.source, _blob(content.vectors.get(p.id)))
            for number, p in enumerate(content.passages)
        ]
        database.executemany(f"INSERT INTO passages (number, {_FIELDS}, vectors) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        database.executemany(
            "INSERT INTO words (rowid, file, heading, text) VALUES (?, ?, ?, ?)",
            [(number, p.file, p.heading, p.text) for number, p in enumerate(content.passages)],
        )
        database.execute("INSERT INTO words (words) VALUES ('optimize')")
        about = [("embedder", content.embedder), ("rules", content.rules)]
        database.executemany("INSERT INTO about VALUES (?, ?)", about)
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.commit()
        return database.serialize()


def open_bytes(content: bytes, file: Path) -> sqlite3.Connection:
    """Open an index that was read from ``file``, in memory: what happens to the file later does not matter.

    Raises
    ------
    StorageError
        It is no index, of another format, or damaged.
    """
    database = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        if not content:
            raise sqlite3.DatabaseError("an empty file")
        database.deserialize(content)
        database.execute("PRAGMA query_only = ON")
        found = database.execute("PRAGMA user_version").fetchone()[0]
        if found != FORMAT:
            raise sqlite3.DatabaseError(f"its format is {found}, not {FORMAT}")
        problem = database.execute("PRAGMA quick_check (1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(str(problem))
        database.execute("SELECT count(*) FROM words WHERE words MATCH 'a'").fetchone()
    except (sqlite3.Error, OverflowError) as error:
        database.close()
        raise StorageError(
            f"The assistant's index {file} cannot be read: {error}.", "Make it again: fusionguard index (make index)."
        ) from error
    return database


def read_content(database: sqlite3.Connection) -> Content:
    """Return everything an index holds."""
    passages, vectors = [], {}
    for row in database.execute(f"SELECT {_FIELDS}, vectors FROM passages ORDER BY number"):
        passages.append(passage_of(row))
        if row[6] is not None:
            vectors[row[0]] = np.frombuffer(row[6], dtype=np.float32).reshape(-1, DIMENSIONS)
    about = dict(database.execute("SELECT name, value FROM about"))
    return Content(tuple(passages), vectors, about.get("embedder", ""), about.get("rules", ""))


def old_content(file: Path) -> Content | None:
    """Return what an index holds that is to be renewed; nothing where there is none that can be read."""
    with suppress(StorageError, FileNotFoundError), closing(open_bytes(file.read_bytes(), file)) as database:
        return read_content(database)
    return None


def passage_of(row: Iterable[str]) -> Passage:
    """Return the passage of a row of the table."""
    name, kind, file, heading, text, source, *_ = row
    return Passage.model_validate({"id": name, "kind": kind, "file": file, "heading": heading, "text": text, "source": source})


def _blob(vector: Vector | None) -> bytes | None:
    return None if vector is None else np.ascontiguousarray(vector, dtype=np.float32).tobytes()
