"""The audit log: what it holds and what never, rotation, a disk that refuses."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from fusionguard.assistant.answers import Answer, Persona
from fusionguard.assistant.audit import AuditEvent, AuditLog
from fusionguard.assistant.http.feedback import keep_feedback
from fusionguard.assistant.kept_lines import KeptLines


def event(**changes: object) -> AuditEvent:
    given = {
        "request_id": "01ABC",
        "persona": Persona.ANALYST,
        "kind": "refused",
        "reason": "secrets",
        "milliseconds": 1.5,
        **changes,
    }
    return AuditEvent.model_validate(given)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for file in sorted(folder.glob("audit*.jsonl")) for line in file.read_text().splitlines()]


def test_an_event_is_a_line_without_the_conversations_id(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    for conversation in ("chat-of-anna", "chat-of-anna", "another", ""):
        log.record(event(conversation=conversation, cited=("docs/a.md#x",), tool="model_metrics", redacted=("card",)))
    kept = lines(tmp_path / "audit")
    hashes = [each["conversation_hash"] for each in kept]
    assert hashes[0] == hashes[1] != hashes[2] and hashes[3] == ""
    assert "chat-of-anna" not in (tmp_path / "audit" / "audit.jsonl").read_text()
    assert kept[0].keys() == {
        "time", "request_id", "persona", "kind", "reason", "tool", "cited", "redacted", "milliseconds", "conversation_hash",
    }  # fmt: skip
    assert log.lost == 0


def test_the_hash_is_keyed_per_folder_and_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        AuditLog(tmp_path / name).record(event(conversation="same"))
        assert (tmp_path / name / "audit.key").stat().st_mode & 0o077 == 0
    assert lines(tmp_path / "one")[0]["conversation_hash"] != lines(tmp_path / "two")[0]["conversation_hash"]
    AuditLog(tmp_path / "one").record(event(conversation="same"))
    assert len({each["conversation_hash"] for each in lines(tmp_path / "one")}) == 1


@pytest.mark.parametrize(
    "changes", [{"reason": "because Anna asked"}, {"tool": "a b"}, {"request_id": "two words"}, {"question": "x"}]
)
def test_words_do_not_fit_into_an_event(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        event(**changes)


def test_it_rotates_by_size_and_keeps_a_few(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, most_bytes=500, keep=2)
    for _ in range(40):
        log.record(event())
    files = sorted(tmp_path.glob("audit-*.jsonl"))
    assert len(files) == 2
    assert all(500 <= file.stat().st_size < 1000 for file in files)
    assert (tmp_path / "audit.jsonl").exists()


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    logs = [AuditLog(tmp_path, most_bytes=2000, keep=1000) for _ in range(2)]
    threads = [
        threading.Thread(target=lambda log=log: [log.record(event()) for _ in range(10)]) for log in logs for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(tmp_path)) == 60
    assert sum(log.lost for log in logs) == 0


def test_a_disk_that_refuses_is_counted_and_nothing_stops(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    log = AuditLog(tmp_path / "file" / "audit")
    with caplog.at_level(logging.WARNING):
        log.record(event(conversation="chat-of-anna"))
        log.record(event())
    assert log.lost == 2
    assert "2 so far" in caplog.text and "chat-of-anna" not in caplog.text


def test_a_full_disk_is_counted(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.record(event())
    (tmp_path / "audit.jsonl").unlink()
    (tmp_path / "audit.jsonl").symlink_to("/dev/full")
    log.record(event())
    assert log.lost == 1


def test_thumbs_are_set_aside_by_size_too(tmp_path: Path) -> None:
    lines = KeptLines(tmp_path / "feedback.jsonl", most_bytes=500, keep=2)
    answer = Answer(kind="answer", text="Anna asked.", written_by="extract")
    for _ in range(40):
        keep_feedback(lines, "req-1", "up", answer)
    files = sorted(tmp_path.glob("feedback*.jsonl"))
    assert len(files) == 3
    assert sum(file.stat().st_size for file in files) < 2_500
    assert "Anna" not in "".join(file.read_text() for file in files)
