"""Ranks passages for a question: by words with FTS5, by meaning with vectors, and both fused by reciprocal rank."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from fusionguard.assistant.passages import Passage

WEIGHTS = "1.0, 2.0, 1.0"
"""How much a word counts in BM25 in the file's name, the headings and the text."""
SHARE_OF_WORDS, SHARE_OF_MEANING = 1.0, 0.7
RANK_CONSTANT = 60
"""Of reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009."""
DEPTH = 50
"""How many passages of each ranking are fused."""


def rank_by_words(database: sqlite3.Connection, words: Sequence[str], most: int = DEPTH) -> list[int]:
    """Return the numbers of the passages that hold any of the words, by BM25, best first."""
    if not words:
        return []
    query = " OR ".join(f'"{word}"' for word in words)
    found = database.execute(
        f"SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, {WEIGHTS}), rowid LIMIT ?", (query, most)
    )
    return [number for (number,) in found]


def rank_by_meaning(cosines: npt.NDArray[np.float32], most: int = DEPTH) -> list[int]:
    """Return the numbers of the passages by their cosine with the question, best first."""
    return [int(number) for number in np.argsort(-cosines, kind="stable")[:most]]


def fuse(by_words: Sequence[int], by_meaning: Sequence[int]) -> list[tuple[int, float]]:
    """Return numbers and scores of both rankings by the sum of their reciprocal ranks, best first."""
    scores: dict[int, float] = {}
    for share, ranking in ((SHARE_OF_WORDS, by_words), (SHARE_OF_MEANING, by_meaning)):
        for rank, number in enumerate(ranking, start=1):
            scores[number] = scores.get(number, 0.0) + share / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


def one_a_section(ranked: Iterable[tuple[int, float]], passages: Sequence[Passage]) -> list[tuple[int, float]]:
    """Return of each section the best passage alone: the next ones of a long section say more of the same."""
    best: dict[tuple[str, str], tuple[int, float]] = {}
    for number, score in ranked:
        best.setdefault((passages[number].file, passages[number].heading), (number, score))
    return list(best.values())


def holding(database: sqlite3.Connection, words: Iterable[str]) -> dict[str, frozenset[int]]:
    """Return of each word the numbers of the passages that hold it."""
    query = "SELECT rowid FROM words WHERE words MATCH ?"
    return {word: frozenset(number for (number,) in database.execute(query, (f'"{word}"',))) for word in words}
