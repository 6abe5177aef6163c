"""How well and how fast passages are found, by the assistant's ranking and by what could stand in its place."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.assistant.questions import AskedQuestion
from benchmarks.assistant.results import RetrievalReading
from fusionguard.assistant.embedding import Embedder
from fusionguard.assistant.index import Index
from fusionguard.assistant.parts import parts_of
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.question import search_words
from fusionguard.assistant.ranking import rank_by_words
from fusionguard.assistant.store import open_bytes

LIMIT = 5
ROUNDS = 5

Search = Callable[[str], tuple[Passage, ...]]


@dataclass(frozen=True)
class Contender:
    """A way to rank passages."""

    name: str
    search: Search


@contextmanager
def contenders(file: Path, embedder: Embedder | None) -> Iterator[tuple[Contender, ...]]:
    """Give the ways that are compared for as long as the block lasts; those by meaning only where there is a model."""
    with ExitStack() as opened:
        words = opened.enter_context(Index(file))
        passages = words.passages()
        database = opened.enter_context(closing(open_bytes(file.read_bytes(), file)))
        found = [
            Contender("TF-IDF (scikit-learn)", tfidf(passages)),
            Contender("FTS5 without the vocabulary", plain_fts5(database, passages)),
            Contender("FTS5 alone", _indexed(words)),
        ]
        if embedder is not None:
            fused = opened.enter_context(Index(file, embedder))
            found += [Contender("MiniLM alone", by_meaning(passages, embedder)), Contender("fused", _indexed(fused))]
        yield tuple(found)


def read_retrieval(contender: Contender, questions: Sequence[AskedQuestion], rounds: int = ROUNDS) -> RetrievalReading:
    """Ask every question that has an answer, and time all of them.

    Where a place is cut into several passages any of them counts; a question is timed as the median of its rounds.
    """
    ranks: list[int | None] = []
    milliseconds = []
    for question in questions:
        taken = []
        for _ in range(rounds):
            begin = time.perf_counter()
            found = contender.search(question.ask)
            taken.append(1000 * (time.perf_counter() - begin))
        milliseconds.append(median(taken))
        if question.answerable:
            ranks.append(question.rank(found))
    return RetrievalReading(
        name=contender.name,
        questions=len(ranks),
        hit_at_1=_share(rank is not None and rank <= 1 for rank in ranks),
        hit_at_3=_share(rank is not None and rank <= 3 for rank in ranks),
        reciprocal_rank=float(np.mean([0.0 if rank is None else 1 / rank for rank in ranks])),
        milliseconds=float(np.median(milliseconds)),
        slowest_milliseconds=float(np.quantile(milliseconds, 0.95)),
    )


def tfidf(passages: Sequence[Passage]) -> Search:
    """Rank by the cosine of TF-IDF vectors of single words and pairs, with English stop words: scikit-learn's usual set-up."""
    vectorizer = TfidfVectorizer(stop_words="english", ngram_range=(1, 2), sublinear_tf=True)
    matrix = vectorizer.fit_transform(f"{passage.heading}\n{passage.text}" for passage in passages)

    def search(question: str) -> tuple[Passage, ...]:
        scores = (matrix @ vectorizer.transform([question]).T).toarray().ravel()
        return tuple(passages[number] for number in np.argsort(-scores, kind="stable")[:LIMIT])

    return search


def plain_fts5(database: sqlite3.Connection, passages: Sequence[Passage]) -> Search:
    """Rank by BM25 over the question's own words."""

    def search(question: str) -> tuple[Passage, ...]:
        return tuple(passages[number] for number in rank_by_words(database, search_words(question).own, LIMIT))

    return search


def by_meaning(passages: Sequence[Passage], embedder: Embedder) -> Search:
    """Rank by the cosine of the embedding model's vectors, a passage by its best part."""
    parts = [[embedder.embed(part) for part in parts_of(passage)] for passage in passages]
    matrix = np.concatenate([np.stack(each) for each in parts])
    counts = np.array([len(each) for each in parts])
    begins = np.cumsum(counts) - counts

    def search(question: str) -> tuple[Passage, ...]:
        cosines = np.maximum.reduceat(matrix @ embedder.embed(question), begins)
        return tuple(passages[number] for number in np.argsort(-cosines, kind="stable")[:LIMIT])

    return search


def _indexed(index: Index) -> Search:
    return lambda question: tuple(found.passage for found in index.search(question, limit=LIMIT).found)


def _share(hits: Iterable[bool]) -> float:
    return float(np.mean(list(hits)))
