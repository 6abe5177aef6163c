"""What the index costs to build, and what a process that searches it holds in memory."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.assistant.results import IndexCost
from benchmarks.measure import fresh_environment, measure, python
from fusionguard.assistant.embedding import Embedder
from fusionguard.assistant.index import build_index
from fusionguard.home import Home

_SEARCH = """
import sys
from pathlib import Path
from fusionguard.assistant.index import open_index
with open_index(Path(sys.argv[1]), words_only=sys.argv[2] == "words") as index:
    for question in ("How do I start the service?", "Who leaves the bank?", "What does a preempted job lose?"):
        assert index.search(question).found
"""


def measure_cost(docs: Path, folder: Path, embedder: Embedder | None) -> IndexCost:
    """Build the index of the documents in each way, and search it in processes of their own."""
    home, words, meaning = Home(folder / "home"), folder / "words.sqlite", folder / "meaning.sqlite"
    begin = time.perf_counter()
    report = build_index(home, docs=docs, file=words, embed="never")
    words_seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    build_index(home, docs=docs, file=words, embed="never")
    again_seconds = time.perf_counter() - begin
    meaning_seconds = None
    if embedder is not None:
        begin = time.perf_counter()
        build_index(home, docs=docs, file=meaning)
        meaning_seconds = time.perf_counter() - begin
    return IndexCost(
        passages=report.passages,
        file_kilobytes=(words if embedder is None else meaning).stat().st_size / 1000,
        words_seconds=words_seconds,
        meaning_seconds=meaning_seconds,
        again_seconds=again_seconds,
        words_peak_mb=_peak_mb(words, folder, "words"),
        meaning_peak_mb=None if embedder is None else _peak_mb(meaning, folder, "meaning"),
    )


def _peak_mb(file: Path, folder: Path, how: str) -> float:
    return measure(python("-c", _SEARCH, file, how), environment=fresh_environment(folder)).peak_mb
