"""The index: what a build does, and what a search finds."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from fusionguard.assistant.index import build_index, is_supported, open_index
from fusionguard.errors import StorageError
from fusionguard.home import Home

GUIDE = """# Guide

How it all hangs together.

## Alert budget

At most 50 alerts a day are shown to analysts.

## Slurm

| partition | hours |
| --- | --- |
| long | 48 |
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout" / "docs"
    folder.mkdir(parents=True)
    (folder / "guide.md").write_text(GUIDE)
    (folder.parent / "README.md").write_text("# Product\n\nIt scores transactions.\n")
    return folder


def test_finds_the_passage_that_answers(home: Home, docs: Path) -> None:
    report = build_index(home, docs=docs)
    assert (report.added, report.kept, report.removed, report.refused) == (4, 0, 0, ())
    with open_index(home.assistant_index) as index:
        retrieval = index.search("How many alerts do analysts get in a day?")
        best = retrieval.found[0].passage
        assert (best.file, best.heading) == ("docs/guide.md", "Guide > Alert budget")
        assert is_supported(retrieval)
        assert index.passage(best.id) == best
        assert index.passage("docs/guide.md#gone") is None
        assert all(re.fullmatch(r"[A-Za-z0-9./#-]+", passage.id) for passage in index.passages())


def test_has_nothing_for_a_question_of_no_words(home: Home, docs: Path) -> None:
    build_index(home, docs=docs)
    with open_index(home.assistant_index) as index:
        for question in ("", "???", "what is the", '" OR "', "NEAR(", "zebra crossings in Lisbon"):
            assert not is_supported(index.search(question)), question


def test_a_build_keeps_what_did_not_change(home: Home, docs: Path) -> None:
    build_index(home, docs=docs)
    written = home.assistant_index.stat().st_mtime_ns
    report = build_index(home, docs=docs)
    assert (report.added, report.kept, report.removed) == (0, 4, 0)
    assert home.assistant_index.stat().st_mtime_ns == written
    (docs / "guide.md").write_text(GUIDE.replace("At most 50", "At most 80"))
    report = build_index(home, docs=docs)
    assert (report.added, report.kept, report.removed) == (1, 3, 1)


def test_a_reader_follows_a_new_file(home: Home, docs: Path) -> None:
    build_index(home, docs=docs)
    with open_index(home.assistant_index) as index:
        (docs / "more.md").write_text("# Refunds\n\nA refund takes nine days.\n")
        build_index(home, docs=docs)
        assert index.search("how long does a refund take").found[0].passage.file == "docs/more.md"


def test_says_what_to_do_without_an_index(home: Home) -> None:
    with pytest.raises(StorageError, match="make index"):
        open_index(home.assistant_index)


@pytest.mark.parametrize("content", [b"", b"no database" * 99, b"SQLite format 3\0" + b"\xff" * 5000])
def test_says_that_a_file_is_damaged_and_builds_it_anew(home: Home, docs: Path, content: bytes) -> None:
    home.assistant_index.parent.mkdir(parents=True)
    home.assistant_index.write_bytes(content)
    with pytest.raises(StorageError, match=r"cannot be read.*make index"):
        open_index(home.assistant_index)
    assert build_index(home, docs=docs).added == 4
    open_index(home.assistant_index).close()


def test_fifty_chats_search_while_it_is_built(home: Home, docs: Path) -> None:
    build_index(home, docs=docs)
    failures: list[BaseException] = []
    with open_index(home.assistant_index) as index:

        def chat() -> None:
            try:
                for _ in range(20):
                    assert index.search("How many alerts in a day?").found[0].passage.file == "docs/guide.md"
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=chat) for _ in range(50)]
        for thread in threads:
            thread.start()
        for number in range(10):
            (docs / "other.md").write_text(f"# Other\n\nNumber {number}.\n")
            build_index(home, docs=docs)
        for thread in threads:
            thread.join()
    assert failures == []
