"""Ranks passages for a question: by words with FTS5, by meaning with vectors, and both fused by reciprocal rank."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

WEIGHTS = "1.0, 3.0, 1.0"
"""How much a word counts in BM25 in the file's name, the headings and the text."""
SHARE_OF_WORDS, SHARE_OF_MEANING = 1.0, 1.0
RANK_CONSTANT = 60
"""Of reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009."""
DEPTH = 30
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


def coverage(database: sqlite3.Connection, words: Sequence[str], numbers: Sequence[int], passages: int) -> Mapping[int, float]:
    """Return of each passage the share of the question's words that it holds, from 0 to 1, rare words weighing more."""
    covered = dict.fromkeys(numbers, 0.0)
    weights = 0.0
    for word in words:
        holding = {number for (number,) in database.execute("SELECT rowid FROM words WHERE words MATCH ?", (f'"{word}"',))}
        weight = math.log(1 + passages / (len(holding) + 0.5))
        weights += weight
        for number in holding & covered.keys():
            covered[number] += weight
    return {number: value / weights for number, value in covered.items()} if weights else covered
