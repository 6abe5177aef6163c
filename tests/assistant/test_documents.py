"""Documents that are absent, broken or not to be known are told of, and the others are read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fusionguard.assistant.documents import LARGEST_BYTES, docs_folder, read_documents
from fusionguard.assistant.index import build_index, open_index
from fusionguard.home import Home


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout" / "docs"
    folder.mkdir(parents=True)
    (folder / "guide.md").write_text("# Guide\n\nAll is well.\n")
    return folder


def test_no_documents_is_told_and_the_index_works_all_the_same(tmp_path: Path) -> None:
    home = Home(tmp_path)
    report = build_index(home, docs=tmp_path / "docs")
    assert report.passages == 0
    assert "There are no documents" in report.notes[0] and "--docs" in report.notes[0]
    with open_index(home.assistant_index) as index:
        assert index.search("anything at all").found == ()


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    reading = read_documents(tmp_path / "docs")
    assert reading.passages == ()
    assert "holds no Markdown file" in reading.notes[0]


def test_what_cannot_be_read_is_left_out_and_named(docs: Path) -> None:
    (docs / "latin.md").write_bytes(b"# Caf\xe9\n\nText.\n")
    (docs / "huge.md").write_bytes(b"x" * (LARGEST_BYTES + 1))
    (docs / "gone.md").symlink_to(docs / "nowhere.md")
    reading = read_documents(docs)
    assert [passage.file for passage in reading.passages] == ["docs/guide.md"]
    assert reading.notes == (
        "docs/huge.md is left out: it is larger than 2 MB.",
        "docs/latin.md is left out: it is not UTF-8 text.",
    )


def test_the_source_is_the_commit_or_the_hash_of_what_differs_from_it(docs: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(docs.parent), "-c", "user.name=n", "-c", "user.email=e", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert read_documents(docs).passages[0].source.startswith("sha256 ")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    (docs / "new.md").write_text("# New\n\nNot committed.\n")
    sources = {passage.file: passage.source for passage in read_documents(docs).passages}
    assert sources["docs/guide.md"] == f"commit {git('rev-parse', '--short=12', 'HEAD')}"
    assert sources["docs/new.md"].startswith("sha256 ")


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("Write to maria.huber@bank-of-nowhere.com about it.", "maria.huber", "email"),
        ("The card 4111 1111 1111 1111 was used.", "4111", "card"),
        ("Account: DE89370400440532013000 was used.", "DE89", "iban"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----", "MIIEvQIB", "secret"),
    ],
)
def test_personal_data_and_secrets_are_refused_and_never_repeated(
    tmp_path: Path, docs: Path, text: str, value: str, kind: str
) -> None:
    home = Home(tmp_path / "home")
    (docs / "notes.md").write_text(f"# Notes\n\n## Harmless\n\nFine.\n\n## Who\n\n{text}\n")
    for _ in range(2):  # what was refused once is refused again by a build that looks at new passages only
        report = build_index(home, docs=docs)
        assert [(refused.file, refused.heading, refused.kind) for refused in report.refused] == [
            ("docs/notes.md", "Notes > Who", kind)
        ]
        assert value not in report.model_dump_json()
    content = home.assistant_index.read_bytes()
    assert b"Harmless" in content
    assert value.encode() not in content


def test_a_heading_that_holds_personal_data_is_not_repeated(tmp_path: Path, docs: Path) -> None:
    (docs / "notes.md").write_text("# Ask maria.huber@bank-of-nowhere.com\n\nShe knows.\n")
    report = build_index(Home(tmp_path / "home"), docs=docs)
    assert [refused.kind for refused in report.refused] == ["email"]
    assert "maria" not in report.model_dump_json()


def test_no_document_of_the_project_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    report = build_index(home, embed="never")
    assert docs_folder(home).is_dir()
    assert report.refused == ()
    assert report.passages > 150
