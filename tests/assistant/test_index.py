"""The index: what a build does, and what a search finds."""

from __future__ import annotations

import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fusionguard.assistant.doctor import examine_assistant
from fusionguard.assistant.index import build_index, is_supported, open_index
from fusionguard.cli import main
from fusionguard.doctor import Finding, default_works
from fusionguard.errors import StorageError
from fusionguard.files import locked, write_bytes
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
                for _ in range(5):
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


def test_an_index_that_a_program_has_locked_is_read_all_the_same(home: Home, docs: Path) -> None:
    build_index(home, docs=docs)
    with closing(sqlite3.connect(home.assistant_index)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with open_index(home.assistant_index) as index:
            assert index.search("How many alerts in a day?").found
        (docs / "more.md").write_text("# Refunds\n\nA refund takes nine days.\n")
        assert build_index(home, docs=docs).added == 1
    with open_index(home.assistant_index) as index:
        assert index.search("How long does a refund take?").found[0].passage.file == "docs/more.md"


def test_a_build_that_another_one_keeps_waiting_says_so(home: Home, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusionguard.assistant.build.WAIT_SECONDS", 0.1)
    home.assistant_index.parent.mkdir(parents=True)
    with locked(home.assistant_index.parent), pytest.raises(StorageError, match=r"has not ended in 0\.1 s\. Wait for it"):
        build_index(home, docs=docs)
    assert not home.assistant_index.exists()


def test_builds_at_the_same_time_leave_a_whole_index(home: Home, docs: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: build_index(home, docs=docs), range(8)))
    assert sorted(report.added for report in reports) == [0] * 7 + [4]
    with open_index(home.assistant_index) as index:
        assert len(index.passages()) == 4
    assert [file.name for file in home.assistant_index.parent.iterdir()] == ["index.sqlite"]


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(home: Home, docs: Path) -> None:
    home.state.mkdir(parents=True)
    (home.state / "assistant").write_text("a file")
    with pytest.raises(StorageError, match="choose another folder"):
        build_index(home, docs=docs)


def test_a_reader_keeps_answering_from_memory_what_it_has_and_says_when_the_file_is_broken(home: Home, docs: Path) -> None:
    build_index(home, docs=docs)
    with open_index(home.assistant_index) as index:
        write_bytes(home.assistant_index, home.assistant_index.read_bytes()[:5000])
        with pytest.raises(StorageError, match="make index"):
            index.search("How many alerts in a day?")
        build_index(home, docs=docs)
        assert index.search("How many alerts in a day?").found


def test_the_command_builds_and_names_what_it_refuses(
    home: Home, docs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (docs / "notes.md").write_text("# Notes\n\nAsk maria.huber@bank-of-nowhere.com.\n")
    monkeypatch.setenv("FUSIONGUARD_HOME", str(home.root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("sys.argv", ["fusionguard", "index", "--docs", str(docs)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code in (0, None)
    assert out.strip() == str(home.assistant_index)
    assert "Refused: docs/notes.md, 'Notes' holds personal data or a secret (email)." in err
    assert "The assistant knows 4 passages (4 new, 0 gone, 1 refused)" in err
    assert "maria" not in out + err


def test_the_doctor_tells_of_the_index_and_never_calls_it_broken(home: Home, docs: Path) -> None:
    def told() -> dict[str, Finding]:
        return {finding.name: finding for finding in examine_assistant(home)}

    assert told()["assistant's index"].remedy == "Build it: fusionguard index (make index)"
    build_index(home, docs=docs)
    assert told()["assistant's index"].detail == "4 passages"
    assert told()["embedding model"].remedy in ("", "To search by meaning, too: make setup-llm")
    home.assistant_index.write_bytes(b"broken")
    assert "cannot be read" in told()["assistant's index"].detail
    assert default_works(list(told().values()))


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("MODEL", "none.gguf", "none.gguf cannot be used: No such file or directory"),
        ("MODEL", "text.gguf", "text.gguf cannot be used: it is not a GGUF file"),
        ("NAMES", "none.txt", "The file of customers' names none.txt cannot be read: No such file or directory."),
        ("PASSAGES", "many", "FUSIONGUARD_ASSISTANT_PASSAGES: Input should be a valid integer"),
    ],
)
def test_the_doctor_finds_settings_that_cannot_be(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.gguf").write_text("a text")
    monkeypatch.setattr("fusionguard.assistant.doctor._llama", lambda: "llama-cpp-python")
    monkeypatch.setenv(f"FUSIONGUARD_ASSISTANT_{setting}", value)
    findings = examine_assistant(home)
    assert any(finding.detail.startswith(said) and finding.remedy for finding in findings)
    assert default_works(findings)
