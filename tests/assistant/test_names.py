"""The list of customers' names: read with care, and taken out wherever text comes in or goes out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fusionguard.assistant.answers import Question
from fusionguard.assistant.assistant import Assistant
from fusionguard.assistant.index import build_index, open_index
from fusionguard.assistant.names import MOST_NAMES, read_names
from fusionguard.assistant.redaction import redact
from fusionguard.assistant.settings import AssistantSettings, read_settings
from fusionguard.errors import UsageError
from fusionguard.home import Home

VARIABLE = "FUSIONGUARD_ASSISTANT_NAMES"
DOCUMENT = """# Brewing

Coffee is brewed at 92 degrees for 4 minutes, and the grinder is set to step 7.

## Complaints

Zorvath Quimble wrote that the coffee was cold.
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "names.txt"
    file.write_text("\nZorvath Quimble\n  Îlse  Brandtner \n")
    return file


def test_it_is_read_line_by_line(listed: Path) -> None:
    assert read_names(listed) == {"Zorvath Quimble", "Îlse  Brandtner"}
    assert read_names(None) == frozenset()
    assert read_settings({VARIABLE: str(listed)}).names == listed


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"Quimble\nQu\n", "Line 2 of"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"".join(b"name %d\n" % n for n in range(MOST_NAMES + 1)), "20,001 names"),
        (None, "No such file"),
    ],
)
def test_what_cannot_be_a_list_is_said_without_a_name(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "names.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=told) as raised:
        read_names(file)
    assert "Quimble" not in str(raised.value)


def test_a_listed_name_is_not_indexed_and_not_answered(
    tmp_path: Path, listed: Path, lenient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, home = tmp_path / "docs", Home(tmp_path / "home")
    docs.mkdir()
    (docs / "brewing.md").write_text(DOCUMENT)
    without = build_index(home, docs=docs, embed="never", environment={})
    assert without.refused == ()
    monkeypatch.setenv(VARIABLE, str(listed))
    assert [(each.heading, each.kind) for each in build_index(home, docs=docs, embed="never").refused] == [
        ("Brewing > Complaints", "name")
    ], "what an index without the list holds is looked at again"
    with open_index(home.assistant_index, words_only=True) as index:
        assert not any("Quimble" in passage.text for passage in index.passages())

    settings = AssistantSettings(names=listed)
    assistant = Assistant.open(home, settings, {})
    try:
        answer = assistant.answer(Question(text="At how many degrees is coffee of zorvath-quimble brewed?"))
        assert answer.redacted == ("name",)
        assert "quimble" not in answer.model_dump_json().lower()
    finally:
        assistant.close()


def test_a_listed_name_in_an_old_index_does_not_leave(tmp_path: Path, listed: Path, lenient: None) -> None:
    docs, home = tmp_path / "docs", Home(tmp_path / "home")
    docs.mkdir()
    (docs / "brewing.md").write_text(DOCUMENT)
    build_index(home, docs=docs, embed="never", environment={})
    assistant = Assistant.open(home, AssistantSettings(names=listed), {})
    try:
        pieces = list(assistant.stream(Question(text="Who wrote the complaint that the coffee was cold?")))
    finally:
        assistant.close()
    told = "".join(piece.model_dump_json() for piece in pieces)
    assert "[name removed]" in told and "Quimble" not in told


@pytest.mark.full
def test_a_full_list_costs_little() -> None:
    names = frozenset(f"Zor{number}vath Quim{number}ble" for number in range(MOST_NAMES))
    redact("warm up", names)
    began = time.process_time()
    text = redact("Zor7vath Quim7ble asks what the population stability index of the last run means. " * 5, names)
    assert text.kinds == ("name",)
    assert time.process_time() - began < 1.0
